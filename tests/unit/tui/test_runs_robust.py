"""A folder of runs is listed whatever else lies in it, and every bad run is one message."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.unit.simulator.session.nights import finished_run, records, rewrite
from tests.unit.tui.run_files import begun
from tui.cli import main
from tui.runs import list_runs

HEAD = json.dumps({"header": {"scenario": "healthy-night", "seed": 4, "player": "human", "mode": "practice"}}).encode()

STRANGE: dict[str, bytes] = {
    "seed as text": b'{"header":{"seed":"abc","scenario":3}}\n',
    "seed without end": b'{"header":{"seed":1e999}}\n',
    "nested beyond reading": b'{"header":' + b"[" * 200_000 + b"\n",
    "verdict that is a list": HEAD + b'\n{"footer":{"verdict":[],"score":"high"}}\n',
    "score that is no number": HEAD + b'\n{"footer":{"score":NaN}}\n',
    "binary": bytes(range(256)) * 300,
    "one endless line": b"x" * 5_000_000,
    "not unicode": b'{"header":{"scenario":"\xff"}}\n',
    "empty": b"",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PAGERDRILL_DATA_DIR", str(tmp_path))
    runs = tmp_path / "runs"
    runs.mkdir()
    return runs


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_run(tmp_path_factory.mktemp("runs") / "whole.jsonl")


def _one_message(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int = 2) -> str:
    """What a command said on stderr; nothing on stdout, no traceback, one error."""
    assert main(arguments) == code
    caught = capsys.readouterr()
    assert caught.out == ""
    assert caught.err.count("error: ") == 1
    assert "Traceback" not in caught.err
    assert "bug of pagerdrill" not in caught.err
    return caught.err


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_file_hides_no_run(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begun(folder / "good.jsonl")
    (folder / "strange.jsonl").write_bytes(STRANGE[name])
    assert "good" in [entry.path.stem for entry in list_runs()]
    for arguments in (["runs"], ["runs", "--json"], ["resume", "--list"], []):
        assert main(arguments) == 0
        assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.parametrize("command", ["replay", "score"])
def test_a_strange_file_named_outright_is_one_message(
    name: str, command: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "strange.jsonl"
    path.write_bytes(STRANGE[name])
    assert f"{path}:1" in _one_message(capsys, [command, str(path)])


def test_a_folder_named_like_a_run_is_passed_over(folder: Path) -> None:
    (folder / "odd.jsonl").mkdir()
    os.mkfifo(folder / "pipe.jsonl")
    assert list_runs() == []


def test_an_unfinished_run_is_neither_replayed_nor_scored_but_says_how_it_goes_on(
    whole: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "cut.jsonl"
    path.write_bytes(whole.read_bytes()[:-10])
    for command in ("replay", "score"):
        said = _one_message(capsys, [command, "cut"])
        assert "unfinished" in said
        assert "pagerdrill resume" in said


def test_an_edited_run_is_named_with_file_and_line(
    whole: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(shutil.copy(whole, folder / "edited.jsonl"))
    lines = records(path)
    lines[-1]["footer"]["verdict"] = "strong"
    rewrite(path, lines)
    assert f"{path}:{len(lines)}: this run was edited or damaged" in _one_message(capsys, ["score", "edited"])


def test_a_finished_run_is_not_resumed(whole: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(whole, folder / "done.jsonl")
    assert main(["resume", "done", "--plain"]) == 2
    assert "this run is finished" in capsys.readouterr().err


def test_a_fork_beyond_the_end_leaves_no_run(whole: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(whole, folder / "done.jsonl")
    assert main(["replay", "done", "--fork", "90m", "--plain"]) == 2
    assert "over at that moment" in capsys.readouterr().err
    assert [entry.path.stem for entry in list_runs()] == ["done"]


@pytest.mark.parametrize("option", ["--at", "--fork"])
@pytest.mark.parametrize("moment", ["-5m", "5", "soon", ""])
def test_a_moment_that_is_none_is_one_message(
    option: str, moment: str, whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert option in _one_message(capsys, ["replay", str(whole), f"{option}={moment}"])


def test_the_room_of_a_run_is_shown_at_any_moment(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(whole), "--at", "2m"]) == 0
    assert main(["replay", str(whole), "--at", "9h"]) == 0
    assert "Traceback" not in capsys.readouterr().err
