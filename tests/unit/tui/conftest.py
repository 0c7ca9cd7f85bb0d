"""The example store for tests of its commands, and a folder of runs for tests of lists."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.simulator.session.nights import finished_run
from tests.unit.tui.feature_shell import Ran, Run
from tui.cli import main


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, applied and materialised; copied for every test."""
    from reference_platform.features.example.folder import write_example
    from reference_platform.live.opening import open_store

    folder = Path(tmp_path_factory.mktemp("features")) / "rides"
    write_example(folder, datetime.now(UTC))
    store = open_store(folder)
    store.apply(store.read_repository().objects())
    store.materialize_incremental(datetime.now(UTC))
    store.close()
    return folder


@pytest.fixture
def rides(ready: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example in a folder of its own, which is where the commands run."""
    folder = tmp_path / "rides"
    shutil.copytree(ready, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Runs one command in this process; whatever it says is checked for what must never be said."""
    monkeypatch.setenv("PAGERDRILL_DATA_DIR", str(tmp_path / "home"))

    def command(*words: object) -> Ran:
        code = main(["features", *map(str, words)])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        assert code in (0, 1, 2, 130), err
        if code == 2:
            assert out == ""
            assert sum(line.startswith("error: ") for line in err.splitlines()) == 1
            assert len(err[err.index("error: ") :].splitlines()) <= 4
        return Ran(code, out, err)

    yield command
    assert not (tmp_path / "home" / "crashes").exists()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_run(tmp_path_factory.mktemp("runs") / "whole.jsonl")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PAGERDRILL_DATA_DIR", str(tmp_path))
    runs = tmp_path / "runs"
    runs.mkdir()
    return runs


@pytest.fixture
def done(whole: Path, folder: Path) -> Path:
    return Path(shutil.copy(whole, folder / "done.jsonl"))
