"""One finished run for all tests that read or damage run files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.simulator.session.nights import finished_run


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that nobody may change."""
    return finished_run(tmp_path_factory.mktemp("whole") / "run.jsonl")


@pytest.fixture
def run_copy(whole_run: Path, tmp_path: Path) -> Path:
    """A finished run to damage."""
    return Path(shutil.copy(whole_run, tmp_path / "run.jsonl"))
