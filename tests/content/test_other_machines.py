"""A run made here is verified elsewhere: on processors that lack features of this one, and with other libraries."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
DRILLS = ("gateway-504-at-3am", "oom-after-model-update", "clicks-put-aside", "healthy-night")
OLD_KERNEL = {"x86_64": "Nehalem", "aarch64": "ARMV8"}.get(platform.machine(), "")
PROCESSORS = {
    "no-vector-extensions-in-numpy": {
        "NPY_DISABLE_CPU_FEATURES": " ".join(np.show_config(mode="dicts")["SIMD Extensions"].get("found", ())),  # type: ignore[index, call-overload]
        "OPENBLAS_CORETYPE": OLD_KERNEL,
        "PYTHONWARNINGS": "ignore",
    },
    "a-c-library-without-fma": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-AVX,-FMA,-FMA4"},
    "compiled-for-any-processor": {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
}
VERSIONS = ("older", "newer")

pytestmark = pytest.mark.sweep


@pytest.fixture(scope="module", params=DRILLS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A run by the drill's expert, played here, and its verdict."""
    path = tmp_path_factory.mktemp("runs") / f"{request.param}.jsonl"
    command = [sys.executable, "-m", "tui", "play", request.param, "--player", "expert", "--json", "--out", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return path, json.loads(done.stdout)


def replayed(path: Path, python: Path, folder: Path, **environment: str) -> tuple[str, dict[str, Any]]:
    """What a replay says of the run: how it was verified, and its verdict."""
    variables = {**os.environ, "PAGERDRILL_DATA_DIR": str(folder), **environment}
    command = [str(python), "-m", "tui", "replay", str(path), "--json"]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stderr.splitlines()[-1], json.loads(done.stdout)


def judged(verdict: dict[str, Any]) -> dict[str, Any]:
    """A verdict without the time that the replay took."""
    return {key: value for key, value in verdict.items() if key != "wall_s"}


@pytest.mark.parametrize("processor", PROCESSORS)
def test_another_processor_finds_the_same_bits(
    run: tuple[Path, dict[str, Any]], processor: str, tmp_path: Path
) -> None:
    """Nothing that decides a drill may depend on what the processor offers."""
    path, verdict = run
    environment = {**PROCESSORS[processor], "PYTHONPATH": str(ROOT)}
    said, again = replayed(path, Path(sys.executable), tmp_path, **environment)
    assert said == f"verified: {verdict['digest']}"
    assert judged(again) == judged(verdict)


@pytest.mark.parametrize("versions", VERSIONS)
def test_older_and_newer_libraries_verify_the_run(
    run: tuple[Path, dict[str, Any]], versions: str, tmp_path: Path
) -> None:
    """By the program as it is installed there; fractions may differ in their last digits, the score may not."""
    path, verdict = run
    python = ROOT / ".make/versions" / versions / "bin/python"
    if not (python.parents[1] / ".ready").exists():
        pytest.skip("there is no environment with other versions; make it: make versions")
    variables = {"PYTHONPATH": "", "OPENBLAS_NUM_THREADS": "1"}
    said, again = replayed(path, python, tmp_path, **variables)
    assert said.startswith(("verified: ", "verified on another machine: ")), said
    assert judged(again) == judged(verdict)
