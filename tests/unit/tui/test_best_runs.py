"""Whose best a run is: a person's own of the library's drill, and known to follow from its commands."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scenarios.library import entries
from simulator.session.runfile import _sealed, read_run
from tests.unit.simulator.session.nights import opening, records, rewrite
from tests.unit.tui.run_files import begun, with_command, with_footer, with_header
from tui import judged
from tui.cli import main
from tui.live_drill import LiveDrill, ResumedDrill
from tui.places import NewRun
from tui.runs import RunEntry, list_runs, remember_check


def _only() -> RunEntry:
    (entry,) = list_runs()
    return entry


PERSON = {"player": "human", "kind": "person"}


def _best(capsys: pytest.CaptureFixture[str]) -> str:
    """What the home screen shows as the best of the drill."""
    capsys.readouterr()
    assert main([]) == 0
    title = next(entry.title for entry in entries() if entry.scenario_id == "healthy-night")
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("  healthy-night  "))
    return line[line.index(title) + len(title) :].strip()


def test_only_a_persons_own_run_of_the_librarys_drill_counts(done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not _only().counts
    assert _only().player == "test (script)"
    assert _best(capsys) == ""

    with_header(done, **PERSON)
    assert (_only().own, _only().counts) == (True, False)
    assert (_only().player, _only().standing) == ("human", "not verified")
    assert "not verified: " in _best(capsys)
    remember_check(_only().judged.content, "verified")
    assert _only().counts
    assert "Hire" in _best(capsys)
    assert "not verified" not in _best(capsys)

    with_header(done, fork={"run": "the-expert", "player": "expert", "at_s": 60.0, "commands": 2})
    assert not _only().own
    assert _only().standing == "not verified, fork of the-expert"
    with_header(done, fork=None)
    assert _only().own

    drill = read_run(done).header["drill"]
    with_header(done, drill={**drill, "drill_s": drill["drill_s"] + 60.0})
    assert not _only().own
    assert _only().standing == "not verified, another drill under this id"
    with_header(done, drill={**drill, "scenario_id": "my-own"}, scenario="my-own")
    assert not _only().own
    assert _only().standing == "not verified"
    with_header(done, drill=drill, scenario="healthy-night")
    assert _only().own

    remember_check(_only().judged.content, "contradicted")
    assert (_only().own, _only().counts) == (False, False)
    assert (_only().verdict, _only().score) == ("", None)
    assert _only().standing == "does not follow from its commands"
    assert _best(capsys) == ""


@pytest.mark.parametrize("value", [5, 0, False, "", [], {}, {"run": ""}, {"run": None}, {"of": "x"}])
def test_a_header_that_speaks_of_a_fork_is_a_forks_whatever_it_says(done: Path, value: object) -> None:
    with_header(done, **PERSON, fork=value)
    remember_check(_only().judged.content, "verified")
    assert not _only().counts
    assert _only().standing == "verified, fork of ?"


def test_a_fork_of_nothing_is_a_fork(done: Path) -> None:
    lines = records(done)
    lines[0]["header"] = _sealed({**lines[0]["header"], **PERSON, "fork": None})
    rewrite(done, lines)
    assert _only().standing == "not verified, fork of ?"


def test_a_better_run_that_is_not_verified_stands_beside_the_best(
    done: Path, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_header(done, **PERSON)
    shutil.copy(done, folder / "sealed.jsonl")
    with_footer(folder / "sealed.jsonl", note="mine")
    remember_check(judged.content_of(done), "verified")
    real = judged.judge
    shown = {"done": ("lean", 60.0), "sealed": ("strong", 99.0)}

    def scored(path: Path) -> Any:
        verdict, score = shown[path.stem]
        return replace(real(path), verdict=verdict, score=score)

    monkeypatch.setattr("tui.runs.judge", scored)
    assert main([]) == 0
    said = capsys.readouterr().out
    assert "Lean Hire (60); not verified: Strong Hire (99)\n" in said
    assert "pagerdrill runs verify" in said
    remember_check(judged.content_of(folder / "sealed.jsonl"), "contradicted")
    assert main([]) == 0
    said = capsys.readouterr().out
    assert "  Lean Hire (60)\n" in said
    assert "pagerdrill runs verify" not in said


@pytest.mark.parametrize("name", ["../../x", "oom-after-model-update"])
def test_a_run_under_the_name_of_another_drill_is_neither_its_nor_verified(
    name: str, done: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_header(done, **PERSON, scenario=name)
    assert (_only().own, _only().standing) == (False, "not verified, another drill under this id")
    assert main(["runs", "verify"]) == 0
    assert "is another drill than 'healthy-night'" in capsys.readouterr().out
    assert _only().check is None


def test_a_run_of_a_drill_whose_id_is_none_is_not_verified(done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drill = read_run(done).header["drill"]
    with_header(done, scenario="../../x", drill={**drill, "scenario_id": "../../x"})
    assert main(["runs", "verify"]) == 0
    assert "'../../x' is not an id" in capsys.readouterr().out
    assert _only().check is None


def test_a_drill_played_here_to_its_end_is_known_to_be_a_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    of = replace(opening(), **PERSON)
    drill = LiveDrill(of, NewRun(folder, "mine"))
    session = drill.start(lambda *_: None)
    session.submit("ack")
    drill.debrief(session, lambda *_: None)
    assert _only().counts
    assert _only().standing == "verified"
    with_command(folder / "mine-001.jsonl", lambda record: record.update(cmd="slo"))
    assert not _only().counts
    assert _only().standing == "not verified", "what is known belongs to the bytes that were written"


def test_a_run_that_was_gone_on_with_is_left_to_its_replay(folder: Path) -> None:
    path = begun(folder / "mine.jsonl", PERSON)
    drill = ResumedDrill(read_run(path))
    drill.debrief(drill.start(lambda *_: None), lambda *_: None)
    assert _only().own
    assert _only().check is None


def test_what_a_script_can_see_of_no_hire_is_the_exit_code(done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "done"]) == 1
    assert "NO HIRE" in capsys.readouterr().out
    assert main(["score", "done", "--json"]) == 1


def test_scoring_says_nothing_that_a_terminal_obeys(done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = done.rename(done.parent / "a\x1b[2Jb.jsonl")
    with_header(path, fork={"run": "\x1b]0;pwn\x07x\x9b2J"})
    assert main(["score", str(path)]) == 1
    out, err = capsys.readouterr()
    assert "ab: not verified, fork of x2J" in err
    assert not {"\x1b", "\x07", "\x9b"} & set(out + err)


def test_where_a_librarys_file_lies_does_not_make_another_drill(done: Path) -> None:
    drill = read_run(done).header["drill"]
    with_header(done, drill={**drill, "source_name": "/elsewhere/healthy-night.yaml", "source_text": ""})
    assert _only().judged.origin == "library"


def test_a_run_from_before_players_had_kinds_is_told_by_its_name(done: Path) -> None:
    with_header(done, kind=None)
    assert _only().judged.kind == "script"
    with_header(done, player="human")
    assert _only().judged.kind == "person"


def test_a_kind_of_player_that_is_none_is_no_run(done: Path) -> None:
    with_header(done, kind="robot")
    assert list_runs() == []


def test_what_a_file_says_cannot_draw_on_the_terminal(done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_header(done, player="\x1b[2Jhuman\x07", mode="\u202epractice")
    assert main(["runs"]) == 0
    assert "\x1b" not in (said := capsys.readouterr().out)
    assert "\x07" not in said
    assert "\u202e" not in said


def test_runs_are_told_as_data(done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told.pop("score") == _only().score
    assert told == {
        "run": str(done),
        "scenario": "healthy-night",
        "seed": 1,
        "player": "test",
        "kind": "script",
        "mode": "practice",
        "fork_of": None,
        "finished": True,
        "verdict": "no",
        "check": None,
        "drill": "library",
        "standing": "not verified",
    }
