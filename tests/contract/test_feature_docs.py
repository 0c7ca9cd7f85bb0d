"""What the guide to the feature store says is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from reference_platform.features.code_references import CodeFolder
from reference_platform.features.governance.access import Grants
from reference_platform.features.repository import read_repository
from reference_platform.live.opening import open_store

GUIDE = Path(__file__).parents[2] / "docs" / "feature-store.md"
BLOCK = re.compile(r"(<!-- tested -->\n)?```(\w+)\n(.*?)```", re.DOTALL)


def blocks(language: str, *, tested: bool) -> list[str]:
    """The guide's code blocks of one language."""
    return [body for mark, kind, body in BLOCK.findall(GUIDE.read_text()) if kind == language and bool(mark) == tested]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the guide's commands were run."""
    here = tmp_path_factory.mktemp("guide")
    (commands,) = blocks("sh", tested=True)
    cwd = here
    for line in commands.splitlines():
        if line.startswith("cd "):
            cwd = here / line.removeprefix("cd ")
            continue
        words = line.split()
        assert words[0] == "pagerdrill"
        done = subprocess.run(
            [sys.executable, "-m", "tui", *words[1:]], cwd=cwd, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (line, done.stderr)
        assert done.stdout, line
    return here


def test_the_commands_of_the_guide_run(folder: Path) -> None:
    """In order, in a fresh folder, each with exit code 0 and something to show."""
    assert (folder / "rides" / "data" / "registry.json").exists()


def test_the_python_of_the_guide_runs(folder: Path) -> None:
    """After the commands, in the same folder."""
    (code,) = blocks("python", tested=True)
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "trips_today" in done.stdout
    assert "leak" in done.stdout


def test_the_yaml_of_the_guide_is_valid(tmp_path: Path) -> None:
    """Declarations and grants as they stand there."""
    grants, declarations = blocks("yaml", tested=False)
    (tmp_path / "features.yaml").write_text(declarations)
    (tmp_path / "code.py").write_text("def price(columns):\n    return {'price_eur': columns['distance_km']}\n")
    definitions = read_repository(tmp_path, CodeFolder(tmp_path))
    open_store(tmp_path).apply(definitions.objects())
    assert next(iter(Grants.from_text(grants, "grants.yaml"))).purpose == "call-back"
