"""Listing runs: what is shown was worked out here, from the events."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from simulator.session.runfile import read_run
from tests.unit.simulator.session.nights import records, rewrite
from tests.unit.tui.run_files import begun, with_command, with_footer, with_header
from tui import judged
from tui.cli import main
from tui.judged import MEMORY, Memory
from tui.runs import RunEntry, list_runs, remember_check


def _only() -> RunEntry:
    (entry,) = list_runs()
    return entry


def test_runs_are_listed_newest_first_with_their_outcome(done: Path, folder: Path) -> None:
    begun(folder / "new.jsonl")
    for path, age_s in ((done, 60), (folder / "new.jsonl", 0)):
        os.utime(path, (1_000_000 - age_s, 1_000_000 - age_s))
    new, old = list_runs()
    assert (new.path.stem, new.finished, new.unfinished, new.score) == ("new", False, True, None)
    assert (old.path.stem, old.finished, old.unfinished) == ("done", True, False)
    assert old.verdict == "no"
    assert old.score is not None


def test_an_outcome_is_worked_out_from_the_events_whatever_the_footer_says(done: Path) -> None:
    honest = _only()
    with_footer(done, verdict="strong", score=100.0)
    assert (read_run(done).footer or {})["verdict"] == "strong", "the file itself is well formed"
    assert (_only().verdict, _only().score) == (honest.verdict, honest.score)


def test_a_footer_that_was_edited_makes_a_damaged_run_without_an_outcome(done: Path) -> None:
    done.write_text(done.read_text(encoding="utf-8").replace('"verdict":"no"', '"verdict":"strong"'), encoding="utf-8")
    entry = _only()
    assert (entry.finished, entry.unfinished, entry.verdict, entry.score) == (False, False, "", None)
    assert entry.standing.startswith("damaged: this run was edited or damaged")


def test_a_run_cut_off_in_the_middle_of_a_line_is_listed_as_unfinished(done: Path) -> None:
    done.write_bytes(done.read_bytes()[:-10])
    assert _only().unfinished


@pytest.mark.parametrize("text", ["", "\n", "not JSON\n", "[1]\n", '{"cmd": "ack"}\n', "\x00\x01"])
def test_files_that_are_no_runs_are_passed_over(folder: Path, text: str) -> None:
    (folder / "other.jsonl").write_text(text)
    assert list_runs() == []


# -- what is remembered ---------------------------------------------------------------------------------------------


def _reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the runs that are judged from now on."""
    names: list[str] = []
    real = judged.judge

    def spy(path: Path) -> Any:
        names.append(path.stem)
        return real(path)

    monkeypatch.setattr("tui.runs.judge", spy)
    return names


def test_a_run_is_read_once_until_it_changes(done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = _reads(monkeypatch)
    first = _only()
    assert read == ["done"]
    assert _only() == first
    assert read == ["done"]
    stat = done.stat()
    with_footer(done, score=1.0)
    os.utime(done, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert _only().score == first.score
    assert read == ["done", "done"], "a changed file is read again, whatever time it carries"


def test_another_rubric_judges_anew_and_checks_stay(done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = _only().judged.content
    remember_check(content, "verified")
    read = _reads(monkeypatch)
    assert _only().standing == "verified"
    assert read == []
    monkeypatch.setattr("tui.judged.judges", lambda: "another rubric")
    assert _only().standing == "verified"
    assert read == ["done"]


def test_everything_that_decides_about_an_outcome_is_part_of_its_key(tmp_path: Path) -> None:
    for name in judged.JUDGES:
        assert (judged.ROOT / name).exists(), name
    copied = tmp_path / "tree"
    for name in judged.JUDGES:
        place = judged.ROOT / name
        target = copied / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if place.is_dir():
            shutil.copytree(place, target)
        else:
            shutil.copy(place, target)
    real = judged.ROOT
    judged.judges.cache_clear()
    try:
        digests = set()
        judged.ROOT = copied
        for changed in ("", "rubrics/library/incident.yaml", "rubrics/flags.py", "scenarios/ranges.py"):
            if changed:
                (copied / changed).write_text((copied / changed).read_text(encoding="utf-8") + "\n", encoding="utf-8")
            judged.judges.cache_clear()
            digests.add(judged.judges())
        assert len(digests) == 4
    finally:
        judged.ROOT = real
        judged.judges.cache_clear()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "not JSON",
        "[" * 100_000,
        '{"judges": 3, "outcomes": [], "checks": 7}',
        '{"outcomes": {"x": {"stat": 1}}, "checks": {"x": []}}',
        '{"checks": {"CONTENT": "trust me"}}',
    ],
)
def test_a_memory_that_is_none_costs_time_and_nothing_else(done: Path, text: str) -> None:
    honest = _only()
    memory = done.parents[1] / MEMORY
    memory.write_text(text.replace("CONTENT", honest.judged.content), encoding="utf-8")
    assert _only() == honest
    assert json.loads(memory.read_text(encoding="utf-8"))["judges"] == judged.judges()


def test_a_remembered_outcome_of_other_types_is_not_believed(done: Path) -> None:
    honest = _only()
    memory = done.parents[1] / MEMORY
    for key, value in (("score", "high"), ("seed", "1"), ("state", "won"), ("origin", []), ("verdict", 3)):
        body = json.loads(memory.read_text(encoding="utf-8"))
        body["outcomes"][str(done)]["judged"][key] = value
        memory.write_text(json.dumps(body), encoding="utf-8")
        assert _only() == honest


def test_a_folder_that_takes_no_memory_is_still_listed(done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (done.parents[1] / MEMORY).mkdir()
    assert _only().finished


def test_two_programs_lose_none_of_each_others_checks(done: Path) -> None:
    one, other = Memory(done.parents[1]), Memory(done.parents[1])
    one.keep_check("a", "verified")
    other.keep_check("b", "contradicted")
    one.save()
    other.save()
    both = Memory(done.parents[1])
    assert (both.check("a"), both.check("b"), both.check("c")) == ("verified", "contradicted", None)


def test_what_is_remembered_of_a_file_that_is_gone_goes_too(done: Path, whole: Path, folder: Path) -> None:
    _only()
    done.unlink()
    shutil.copy(whole, folder / "next.jsonl")
    _only()
    outcomes = json.loads((folder.parent / MEMORY).read_text(encoding="utf-8"))["outcomes"]
    assert list(outcomes) == [str(folder / "next.jsonl")]


# -- verification ---------------------------------------------------------------------------------------------------


def test_a_run_that_follows_from_its_commands_is_verified_once(done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "verify"]) == 0
    assert capsys.readouterr().out == "done: verified\n"
    assert _only().standing == "verified"
    assert main(["runs", "verify"]) == 0
    assert "nothing left to verify" in capsys.readouterr().err


def test_a_run_whose_commands_were_edited_is_found_out_and_stays_so(
    done: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = done.read_bytes()
    with_command(done, lambda record: record.update(cmd="alerts"))
    assert _only().standing == "not verified", "nothing in the file shows it"
    assert main(["runs", "verify", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["check"], "running it again gives" in told["why"]) == ("contradicted", True)
    assert _only().standing == "does not follow from its commands"
    assert (_only().verdict, _only().score) == ("", None)

    done.write_bytes(before)
    assert _only().standing == "not verified", "what was found belongs to the content"


def test_a_replay_leaves_what_it_found(done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "done"]) == 1
    assert f"verified: {(read_run(done).footer or {})['digest']}" in capsys.readouterr().err
    assert _only().check == "verified"
    with_command(done, lambda record: record.update(t_us=record["t_us"] - 1))
    assert main(["replay", "done"]) == 2
    assert "does not repeat" in capsys.readouterr().err
    assert _only().check == "contradicted"


def test_a_run_of_another_edition_is_not_accused(done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_command(done, lambda record: record.update(cmd="alerts"))
    with_header(done, edition="0123456789abcdef")
    assert main(["runs", "verify", "done"]) == 0
    assert "another edition" in capsys.readouterr().out
    assert _only().check is None


def test_an_unfinished_run_is_not_verified(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begun(folder / "begun.jsonl")
    assert main(["runs", "verify", "begun"]) == 0
    assert "this run is unfinished" in capsys.readouterr().out
    assert main(["runs", "verify"]) == 0
    assert "nothing left to verify" in capsys.readouterr().err


def test_a_damaged_run_does_not_verify_whether_it_is_named_or_not(
    done: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = records(done)
    lines[-1]["footer"]["verdict"] = "strong"
    rewrite(done, lines)
    for arguments in (["done"], []):
        assert main(["runs", "verify", *arguments]) == 1
        told = capsys.readouterr().out
        assert told.startswith("done: damaged: ")
        assert told.count("edited or damaged") == 1
    assert main(["runs", "verify", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["check"] is None
