"""What is installed is all that a user may run, and nothing else: the wheel is built, installed and played with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.content.short_drill import TEXT

ROOT = Path(__file__).parent.parent.parent
SHIPPED = ("reference_platform", "simulator", "scenarios", "rubrics", "tui")
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
INSTALL = "import sys; from pip._internal.cli.main import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the tree, tests and benches included, so that they could be taken in by mistake."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    leave_out = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in (*SHIPPED, "bench", "tests"):
        shutil.copytree(ROOT / name, tree / name, ignore=leave_out)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(out)], cwd=tree, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr[-2000:]
    return out / built.stdout.split()[-1]


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`pagerdrill`, installed on its own; the packages that it asks for are those of the tests."""
    home = tmp_path_factory.mktemp("home")
    venv.create(home, symlinks=True)
    python = home / "bin" / "python"
    (site,) = home.glob("lib/python*/site-packages")
    (site / "what-it-asks-for.pth").write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n")
    install = [str(python), "-c", INSTALL, "install", "-q", "--no-deps", "--no-index", "--no-compile",
               "--ignore-installed", str(wheel)]  # fmt: skip
    done = subprocess.run(install, capture_output=True, text=True, check=False, env=_alone(), cwd=home)
    assert done.returncode == 0, done.stderr[-2000:]
    _take_along_compiled_code(site)
    return home / "bin" / "pagerdrill"


def _take_along_compiled_code(site: Path) -> None:
    """Numba keeps it beside the sources and asks for their size and time; to compile anew would take most of this."""
    for kept in (path for package in SHIPPED for path in (ROOT / package).rglob("__pycache__/*.nb[ci]")):
        to = site / kept.relative_to(ROOT)
        to.parent.mkdir(exist_ok=True)
        shutil.copy(kept, to)
        for source in kept.parent.parent.glob("*.py"):
            stamp = source.stat()
            os.utime(site / source.relative_to(ROOT), ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


def _alone() -> dict[str, str]:
    """The environment without anything that leads back to the checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))}


def _run(program: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {**_alone(), "PAGERDRILL_DATA_DIR": str(folder / "data")}
    return subprocess.run(
        [str(program), *arguments], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )


def test_the_wheel_holds_the_program_and_neither_tests_nor_benches(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
    tops = {name.partition("/")[0] for name in names}
    assert tops - {name for name in tops if name.endswith(".dist-info")} == set(SHIPPED)
    for package in SHIPPED:
        ours = {path.relative_to(ROOT).as_posix() for path in (ROOT / package).rglob("*.py")}
        data = {path.relative_to(ROOT).as_posix() for path in (ROOT / package).rglob("*.yaml")}
        assert (ours | data) - set(names) == set(), "what is in the tree of a package ships with it"
    assert {"simulator/image/platform.zip", "simulator/image/provenance.json"} <= set(names)


def test_a_drill_plays_from_an_empty_folder(program: Path, tmp_path: Path) -> None:
    """A short one of the user's own; the drills that ship are found too."""
    (tmp_path / "short.yaml").write_text(TEXT, encoding="utf-8")
    played = _run(program, tmp_path, "play", "short.yaml", "--player", "expert", "--json")
    assert played.returncode in (0, 1), played.stderr[-2000:]
    told = json.loads(played.stdout)
    assert (told["scenario"], told["player"]) == ("short-shift", "expert")
    assert told["requests_simulated"] > 1_000
    assert "gateway-504-at-3am" in _run(program, tmp_path, "scenarios", "list").stdout


def test_what_needs_a_checkout_says_so(program: Path, tmp_path: Path) -> None:
    asked = _run(program, tmp_path, "bench", "--list")
    assert (asked.returncode, asked.stdout) == (2, "")
    assert "the benches are part of a checkout" in asked.stderr
    assert "make bench" in asked.stderr
