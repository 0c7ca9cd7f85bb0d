"""The command line's promises: data on stdout, narration on stderr, and an exit code that says whose fault it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reference_platform.errors import InternalError
from tests.content.short_drill import TEXT
from tui import backend
from tui.cli import main

VERDICT = {"scenario": "healthy-night", "seed": 3, "player": "idle", "verdict": "no", "score": 12.5, "tta_s": None}


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PAGERDRILL_DATA_DIR", str(tmp_path))
    return tmp_path


def test_help_is_good(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "practice" in capsys.readouterr().out


def test_an_unknown_command_suggests_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["practise"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Did you mean 'practice'?" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["play", "helthy-night", "--player", "idle"], 'did you mean "healthy-night"?'),
        (["play", "healthy-night", "--player", "idel"], 'did you mean "idle"?'),
        (["practice", "--plain", "--speed", "3"], "valid: 1, 2, 5, 10, 60"),
        (["practice", "x", "--plain", "--resume", "y"], "--resume goes without SCENARIO"),
        (["replay", "nothing"], 'no run "nothing"'),
        (["rubrics", "show", "incidnt"], 'did you mean "incident"?'),
        (["scenarios"], "see: pagerdrill scenarios --help"),
    ],
)
def test_a_mistake_of_the_user_is_explained_in_words(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--at", "1m", "--fork", "2m"], "exclude each other"), (["--at", "-3m"], "is not a duration")],
)
def test_replay_takes_one_moment_with_a_unit(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run.jsonl"
    run.write_text("{}\n")
    assert main(["replay", str(run), *options]) == 2
    assert message in capsys.readouterr().err


def test_a_verdict_is_one_json_object_and_no_hire_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(backend, "play", lambda *_: VERDICT)
    assert main(["play", "healthy-night", "--player", "idle", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == VERDICT


def test_a_verdict_reads_as_words_without_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(backend, "play", lambda *_: VERDICT | {"verdict": "strong", "tta_s": 95.0})
    assert main(["play", "healthy-night", "--player", "idle"]) == 0
    out = capsys.readouterr().out
    assert "verdict   Strong Hire" in out
    assert "tta_s     1m35s" in out


@pytest.mark.parametrize("bug", [RuntimeError("broken"), InternalError("broken")])
def test_a_bug_of_ours_is_exit_code_3_and_leaves_a_report(
    bug: Exception, data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise bug

    monkeypatch.setattr(backend, "play", fail)
    assert main(["play", "healthy-night", "--player", "idle"]) == 3
    report = data_dir / "crashes" / "crash-001.txt"
    assert str(report) in capsys.readouterr().err
    assert "broken" in report.read_text()


def test_an_interrupt_is_exit_code_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(backend, "play", interrupt)
    assert main(["play", "healthy-night", "--player", "idle"]) == 130


def test_a_home_that_takes_no_files_is_named_with_the_way_round(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (data_dir / "occupied").write_text("a file where a folder should be")
    monkeypatch.setenv("PAGERDRILL_DATA_DIR", str(data_dir / "occupied"))
    assert main(["practice", "healthy-night", "--plain"]) == 2
    err = capsys.readouterr().err
    assert "runs cannot be saved here" in err
    assert "PAGERDRILL_DATA_DIR=" in err


def test_lint_prints_each_problem_on_stdout_and_their_number_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "drill.yaml"
    path.write_text("schema: 2\n")
    assert main(["scenarios", "lint", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out.startswith(f"{path}:1:")
    assert "1 problem" in err


def test_shown_drills_give_nothing_away(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenarios", "show", "gateway-504-at-3am"]) == 0
    out = capsys.readouterr().out
    assert "connection_leak" not in out
    assert "loyalty-export" not in out


def test_ids_complete_from_what_ships() -> None:
    from tui.commands.arguments import complete_player, complete_run, complete_scenario

    assert "healthy-night" in [name for name, _ in complete_scenario("heal")]
    assert complete_player("pan") == ["panic"]
    assert complete_run("") == []


def test_showing_a_drill_draws_nothing_on_the_terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = TEXT.replace("title: A slow store", 'title: "\\e[2JA"').replace("Something is slow.", '"x \\e]0;pwn\\a y"')
    path = tmp_path / "a\x1b[2Jb.yaml"
    path.write_text(text, encoding="utf-8")
    assert main(["scenarios", "show", str(path)]) == 2
    out, err = capsys.readouterr()
    assert "/ab.yaml:3:8: a control character, U+001B" in err
    assert not {"\x1b", "\x07"} & set(out + err)
    path.write_text(TEXT + "# \u202eJ\n", encoding="utf-8")
    assert main(["scenarios", "show", str(path)]) == 0
    assert main(["scenarios", "show", str(path), "--spoilers"]) == 0
    out, err = capsys.readouterr()
    assert "/ab.yaml" in out
    assert not {"\x1b", "\u202e"} & set(out + err)


@pytest.mark.parametrize("command", [["practice", "--plain"], ["play", "--player", "idle"]])
def test_a_drill_that_could_not_be_resumed_is_not_begun(
    command: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "d.yaml"
    path.write_text(TEXT.replace("joins_by: 10m", "joins_by: 100d"), encoding="utf-8")
    assert main([command[0], str(path), *command[1:]]) == 2
    assert f"{path}:9:70: joins_by: 100d is beyond reason" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
