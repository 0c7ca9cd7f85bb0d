"""Code kept on disk is as fresh as every source compiled into it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reference_platform.compilation import sources_sha256
from reference_platform.serving import served_log
from simulator.traffic import kernel

ROOT = Path(__file__).parents[3]
COPIED = (
    "reference_platform/__init__.py",
    "reference_platform/arithmetic.py",
    "reference_platform/compilation.py",
    "simulator/__init__.py",
    "simulator/traffic/__init__.py",
    "simulator/traffic/heap.py",
    "reference_platform/serving/__init__.py",
    "reference_platform/serving/records.py",
)
PROBE = """
import numpy as np
from reference_platform.compilation import compiled
from reference_platform.serving import records as rec
from simulator.traffic.heap import exponential

@compiled
def draw(seeds, out):
    out[0] = exponential(seeds[0], 1, rec.BUCKETS)

if __name__ == "__main__":
    out = np.zeros(1)
    draw(np.zeros(1, np.uint64), out)
    print(repr(float(out[0])), sum(draw.stats.cache_hits.values()))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the sources, with a function compiled from several of them."""
    for name in COPIED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "probe.py").write_text(PROBE, encoding="utf-8")
    return tmp_path


def drawn(copy: Path) -> tuple[float, int]:
    """What a process of its own draws, and how often it found its code on disk."""
    # Python's own compiled files go by time and length, which an edit here leaves as they were.
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, str(copy / "probe.py")], env=environment, capture_output=True, text=True, check=True
    )
    value, hits = done.stdout.split()
    return float(value), int(hits)


def edit(path: Path, old: str, new: str) -> None:
    """An edit that leaves the file's length and time as they were, where they can be."""
    before, text = path.stat(), path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_an_edit_of_any_source_has_its_effect_at_once(copy: Path) -> None:
    """An inlined function, a constant read through a module, and a function inlined into the inlined one."""
    first, _ = drawn(copy)
    assert drawn(copy) == (first, 1)
    edit(copy / "simulator/traffic/heap.py", "+ 0.5) * 1.1", "+ 0.5) * 1.0")
    second, hits = drawn(copy)
    assert (second > first, hits) == (True, 0)
    edit(copy / "reference_platform/serving/records.py", "BUCKETS = 10_000\n", "BUCKETS = 20_000\n")
    third, hits = drawn(copy)
    assert (third, hits) == (pytest.approx(2 * second), 0)
    edit(copy / "reference_platform/arithmetic.py", "6.666666666666735130e-01", "5.666666666666735130e-01")
    fourth, hits = drawn(copy)
    assert (fourth != third, hits) == (True, 0)
    assert drawn(copy) == (fourth, 1)


@pytest.mark.parametrize("named", ["GPU_SEED", "PAUSE_SEED"])
def test_the_request_path_is_keyed_by_constants_deep_inside(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    advance, count = kernel.advance.py_func, served_log._count.py_func
    before = sources_sha256(advance)
    assert before == sources_sha256(advance) != sources_sha256(count)
    inlined = advance.__globals__["_carry_out"].py_func
    monkeypatch.setitem(inlined.__globals__, named, 7)
    assert sources_sha256(advance) != before
