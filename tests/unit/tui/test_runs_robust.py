"""A folder of runs is listed whatever else lies in it, and every bad run is one message."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.engine.events import digest_of, event_from_line
from simulator.session.runfile import FILE_MAX_BYTES, _sealed, read_run
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


def _with(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    """Put a value at a place of the header, such as "drill.faults.0.params"."""

    def change(header: dict[str, Any]) -> None:
        *steps, last = path.split(".")
        place: Any = header
        for step in steps:
            place = place[int(step) if step.isdecimal() else step]
        place[last] = value

    return change


HOSTILE = {
    "seed": -1,
    "drill": {},
    "drill.drill_s": "9",
    "drill.joins_by_s": 1e300,
    "drill.calendar_offset_s": float("nan"),
    "drill.joins": "never",
    "drill.platform": [],
    "drill.platform.nodes": 3,
    "drill.people": [{"name": 1}],
    "drill.expert": "rm -rf",
    "drill.hints": [[]],
    "drill.runbooks": [],
    "drill.faults.0.fault_id": "no.such",
    "drill.faults.0.at_s": float("inf"),
    "drill.faults.0.params": {"unknown": 1},
    "drill.faults.0.cause": "gateway",
}


@pytest.mark.parametrize("place", HOSTILE)
def test_a_header_that_no_program_has_written_is_one_message(
    place: str, whole: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sealed by whoever wrote it, so that only reading it closely helps."""
    path = Path(shutil.copy(whole, folder / "hostile.jsonl"))
    lines = records(path)
    _with(place, HOSTILE[place])(lines[0]["header"])
    lines[0]["header"] = _sealed(lines[0]["header"])
    rewrite(path, lines)
    assert f"{path}:1: damaged run file" in _one_message(capsys, ["replay", "hostile"])
    cut = path.read_bytes().rpartition(b'{"footer"')[0]
    (folder / "begun.jsonl").write_bytes(cut)
    assert "damaged run file" in _one_message(capsys, ["resume", "begun", "--plain"])
    assert "damaged run file" in _one_message(capsys, ["replay", "hostile", "--fork", "1m", "--plain"])
    for arguments in (["runs"], ["runs", "--json"], []):
        assert main(arguments) == 0
        assert "Traceback" not in capsys.readouterr().err


FORGED: dict[str, object] = {
    "session.joined": {},
    "session.ended": {"reason": []},
    "truth.fault": {"accepted": 3, "component": None},
    "truth.harm": {"eur": "a lot", "by_route": 3},
    "truth.state": {"faults": [1], "good": "yes"},
    "command": {"line": 5, "looked": 7, "subjects": {"a": 1}, "verb": None},
    "slo": {"routes": [1], "good": None, "window_s": {}},
    "alert.fired": {"alert_id": "x", "name": 3},
    "prevention.checked": {"name": [], "fires_at_s": "soon"},
}


@pytest.mark.parametrize("kind", FORGED)
def test_events_that_no_program_has_written_crash_nothing(
    kind: str, whole: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(shutil.copy(whole, folder / "forged.jsonl"))
    lines = records(path)
    for line in lines:
        if "event" in line and line["event"]["kind"] == kind:
            line["event"]["data"] = FORGED[kind]
    events = [event_from_line(json.dumps(line["event"])) for line in lines if "event" in line]
    lines[-1]["footer"] = _sealed({**lines[-1]["footer"], "digest": digest_of(events)})
    rewrite(path, lines)
    assert read_run(path).footer is not None
    assert main(["runs"]) == 0
    for arguments in (["score", "forged"], ["score", "forged", "--json"]):
        assert main(arguments) in (0, 1, 2)
    assert "bug of pagerdrill" not in capsys.readouterr().err
    assert not (folder.parent / "crashes").exists()


def test_events_that_upset_the_rubric_are_damage_and_not_our_bug(
    whole: Path, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(whole, folder / "forged.jsonl")
    monkeypatch.setattr("rubrics.scoring.score", lambda *_: {}["alert_id"])
    (entry,) = list_runs()
    assert (entry.finished, entry.unfinished, entry.verdict, entry.score) == (False, False, "", None)
    assert entry.standing == "damaged: the events are not those of a run: KeyError('alert_id')"
    assert "forged.jsonl: the events are not those of a run" in _one_message(capsys, ["score", "forged"])


def test_links_that_lead_nowhere_are_passed_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "loop.jsonl").symlink_to(folder / "loop.jsonl")
    (folder / "a.jsonl").symlink_to(folder / "b.jsonl")
    (folder / "b.jsonl").symlink_to(folder / "a.jsonl")
    (folder / "nowhere.jsonl").symlink_to(folder / "gone")
    assert list_runs() == []
    for name in ("loop", "a", "nowhere"):
        assert "no run" in _one_message(capsys, ["score", str(folder / f"{name}.jsonl")])


def test_a_file_beyond_any_run_is_not_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begun(folder / "huge.jsonl")
    with (folder / "huge.jsonl").open("r+b") as stream:
        stream.truncate(FILE_MAX_BYTES + 1)
    assert "larger than 1024 MiB" in _one_message(capsys, ["score", "huge"])
    assert list_runs() == []


def test_a_file_that_may_not_be_read_hides_no_run(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(folder / "good.jsonl")
    begun(folder / "secret.jsonl")
    real = Path.open

    def guarded(path: Path, *arguments: Any, **keywords: Any) -> Any:
        if path.name == "secret.jsonl":
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **keywords)

    monkeypatch.setattr(Path, "open", guarded)
    assert [entry.path.stem for entry in list_runs()] == ["good"]
    assert "Permission denied" in _one_message(capsys, ["score", "secret"])


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
