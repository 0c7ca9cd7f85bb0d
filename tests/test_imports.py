"""What a command loads, seen from a process of its own: nobody waits for a library that the command does not need."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "mlflow", "textual", "fastapi")
NOT_FOR_PLAYING = ("torch", "mlflow", "pandas", "pyarrow", "scipy", "duckdb", "redis", "fastapi", "uvicorn", "httpx")
"""Training, the live servers and feature stores of one's own need these; who only plays need not have them."""
LOADED = "import sys, json; json.dump(sorted({name.partition('.')[0] for name in sys.modules}), sys.stderr)"


def _loaded_by(code: str, tmp_path: Path) -> set[str]:
    """Top-level packages loaded when `code` has run."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{LOADED}"],
        cwd=ROOT,
        env={"PATH": "", "PAGERDRILL_DATA_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "arguments", [["--help"], ["practice", "--help"], ["runs"], ["scenarios", "list"], ["scenarios", "schema"]]
)
def test_light_commands_load_no_heavy_library(arguments: list[str], tmp_path: Path) -> None:
    loaded = _loaded_by(
        f"from tui.cli import main; main({arguments!r}); print(file=__import__('sys').stderr)", tmp_path
    )
    assert not loaded & {*HEAVY, "numba", "scipy", "simpy"}


def test_help_loads_neither_numpy_nor_pydantic(tmp_path: Path) -> None:
    loaded = _loaded_by("from tui.cli import main; main(['--help'])", tmp_path)
    assert not loaded & {*HEAVY, "numpy", "pydantic", "yaml", "rich"}


@pytest.mark.parametrize("module", ["scenarios.lint", "scenarios.loader", "scenarios.compile", "rubrics.loader"])
def test_checking_and_scoring_load_no_heavy_library(module: str, tmp_path: Path) -> None:
    loaded = _loaded_by(f"import {module}", tmp_path)
    assert not loaded & {*HEAVY}


def test_linting_the_library_loads_no_heavy_library(tmp_path: Path) -> None:
    loaded = _loaded_by("from scenarios.lint import lint_library; lint_library()", tmp_path)
    assert not loaded & {*HEAVY}


def test_a_drill_is_played_and_scored_where_only_what_playing_needs_is_installed(tmp_path: Path) -> None:
    run = tmp_path / "run.jsonl"
    play = ["play", "healthy-night", "--player", "idle", "--json", "--out", str(run)]
    code = f"""
import sys
sys.modules.update(dict.fromkeys({NOT_FOR_PLAYING!r}))
from tui.cli import main
for line in ({play!r}, ["score", {str(run)!r}], ["replay", {str(run)!r}], ["platform", "status"], ["doctor"]):
    assert main(line) in (0, 1, None), line
print(file=sys.stderr)
"""
    assert "simpy" in _loaded_by(code, tmp_path)


def test_the_platform_loads_without_the_simulator(tmp_path: Path) -> None:
    code = """
import importlib, pkgutil, reference_platform
for module in pkgutil.walk_packages(reference_platform.__path__, "reference_platform."):
    if not module.name.startswith("reference_platform.live"):
        importlib.import_module(module.name)
"""
    assert not _loaded_by(code, tmp_path) & {"simpy", "textual", "simulator", "scenarios", "rubrics", "tui"}
