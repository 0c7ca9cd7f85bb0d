"""The command line as a shell sees it: exit codes, one message on stderr, data alone on stdout."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import pytest

from scenarios.library import entries
from tui.cli import main

PAGERDRILL = Path(sys.executable).parent / "pagerdrill"
QUIET = next(entry.path for entry in entries() if entry.scenario_id == "healthy-night")
VERDICT_TYPES: dict[str, tuple[type, ...]] = {
    "scenario": (str,),
    "seed": (int,),
    "player": (str,),
    "verdict": (str,),
    "score": (int, float),
    "harm": (int, float),
    "tta_s": (float, type(None)),
    "ttd_s": (float, type(None)),
    "ttm_s": (float, type(None)),
    "ttr_s": (float, type(None)),
    "digest": (str,),
    "requests_simulated": (int,),
    "sim_s": (float,),
    "wall_s": (float,),
}


def run_in(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command in `folder`, with its data kept there."""
    variables = {**os.environ, "PAGERDRILL_DATA_DIR": str(folder / "data"), **environment}
    command = [str(PAGERDRILL), *arguments]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=600)


def called_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same without a process of its own, which takes a tenth of the time."""
    out, err = io.StringIO(), io.StringIO()
    with (
        chdir(folder),
        mock.patch.dict(os.environ, {"PAGERDRILL_DATA_DIR": str(folder / "data")}),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = main(arguments)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def refused(folder: Path, *arguments: str) -> str:
    """What the command said when it refused: exit code 2, nothing on stdout, one error and no traceback."""
    done = called_in(folder, *arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("error: ") == 1
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["play", "healthy-nigth", "--player", "idle"],
        ["resume", "--plain"],
        ["scenarios", "lint", "gone.yaml"],
        ["plya"],
    ],
    ids=" ".join,
)
def test_a_shell_sees_what_the_program_returns_and_writes(arguments: list[str], tmp_path: Path) -> None:
    seen, told = run_in(tmp_path, *arguments), called_in(tmp_path, *arguments)
    assert (seen.returncode, seen.stdout, seen.stderr) == (told.returncode, told.stdout, told.stderr)
    assert seen.returncode == 2


def _changed(folder: Path, right: str, wrong: str) -> Path:
    """The quiet drill with one mistake, in a file of its own."""
    text = QUIET.read_text(encoding="utf-8")
    assert right in text
    path = folder / "drill.yaml"
    path.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    return path


MISTAKES: dict[str, tuple[str, str, str]] = {
    "unknown fault": (
        "fault: traffic.seasonal_dip",
        "fault: traffic.seasonal_dipp",
        'did you mean "traffic.seasonal_dip"',
    ),
    "negative duration": ("at: 5m", "at: -5m", "duration"),
    "duration without a unit": ("at: 5m", "at: 5", "duration"),
    "wrong type": ("level: junior", "level: [junior]", "level"),
    "unknown key": ("title:", "titel:", 'did you mean "title"'),
    "another schema": ("schema: 1", "schema: 7", "reads schema 1"),
    "unknown parameter of a fault": ("    at: 5m", "    at: 5m\n    with: {depth: 1}", "depth"),
    "not YAML": ("people:", "people: [", ""),
    "a key twice": ("title: A quiet", "id: again\ntitle: A quiet", "id"),
    "unknown platform": ("platform: reference", "platform: refrence", 'did you mean "reference"'),
}


@pytest.mark.parametrize("name", MISTAKES)
@pytest.mark.parametrize("command", ["play", "lint"])
def test_a_mistake_in_a_scenario_is_named_with_line_and_column(name: str, command: str, tmp_path: Path) -> None:
    right, wrong, said = MISTAKES[name]
    path = _changed(tmp_path, right, wrong)
    if command == "play":
        message = refused(tmp_path, "play", "drill.yaml", "--player", "idle", "--json")
    else:
        done = called_in(tmp_path, "scenarios", "lint", "drill.yaml")
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        message = done.stdout
    place = message.partition("drill.yaml:")[2].split(":")
    line, column = int(place[0]), int(place[1])
    assert 1 <= line <= path.read_text(encoding="utf-8").count("\n") + 1
    assert column >= 1
    assert said in message


def test_the_line_and_column_are_those_of_the_mistake(tmp_path: Path) -> None:
    path = _changed(tmp_path, "at: 5m", "at: -5m")
    text = path.read_text(encoding="utf-8")
    line = next(number for number, row in enumerate(text.splitlines(), 1) if "at: -5m" in row)
    column = text.splitlines()[line - 1].index("-5m") + 1
    assert f"drill.yaml:{line}:{column}: " in refused(tmp_path, "play", "drill.yaml", "--player", "idle")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["play", "healthy-nigth", "--player", "idle"], 'did you mean "healthy-night"'),
        (["play", "gone.yaml", "--player", "idle"], "gone.yaml"),
        (["play", "healthy-night", "--player", "pannic"], 'did you mean "panic"'),
        (["play", "healthy-night", "--player", "gone.yaml"], "gone.yaml"),
        (["play", "healthy-night"], "--player"),
        (["play", "healthy-night", "--player", "idle", "--seed", "one"], "--seed"),
        (["play", "healthy-night", "--player", "idle", "--seed", "-1"], "--seed"),
        (["play", "healthy-night", "--player", "idle", "--fast"], "--fast"),
        (["play", ".", "--player", "idle"], "."),
        (["replay", "gone.jsonl"], "pagerdrill practice"),
        (["replay", "gone", "--at", "1m", "--fork", "2m"], "exclude"),
        (["score", "gone.jsonl"], "pagerdrill practice"),
        (["resume", "gone", "--plain"], "pagerdrill practice"),
        (["resume", "--plain"], "no unfinished run"),
        (["practice", "healthy-nigth", "--plain"], 'did you mean "healthy-night"'),
        (["practice", "healthy-night", "--plain", "--speed", "7"], "--speed"),
        (["scenarios", "show", "nothing-like-it"], "nothing-like-it"),
        (["rubrics", "show", "nothing-like-it"], "nothing-like-it"),
        (["plya"], "plya"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_done_is_one_message(arguments: list[str], said: str, tmp_path: Path) -> None:
    assert said in refused(tmp_path, *arguments)


def test_ids_that_are_there_twice_are_both_named(tmp_path: Path) -> None:
    from reference_platform.errors import ContentError

    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        shutil.copy(QUIET, tmp_path / name / "drill.yaml")
    with pytest.raises(ContentError, match="already used by") as caught:
        entries(tmp_path)
    assert "two/drill.yaml:2:" in caught.value.where
    assert "one/drill.yaml" in caught.value.what


def _play(folder: Path, scenario: str, *more: str, player: str = "expert") -> dict[str, object]:
    done = run_in(folder, "play", scenario, "--player", player, "--json", *more)
    verdict = json.loads(done.stdout)
    assert done.returncode == (1 if verdict["verdict"] == "no" else 0)
    assert done.stdout.count("\n") == 1, "one line, one object"
    assert isinstance(verdict, dict)
    return verdict


def _repeatable(verdict: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in verdict.items() if key != "wall_s"}


def test_a_play_is_one_json_object_with_everything_in_it(tmp_path: Path) -> None:
    verdict = _play(tmp_path, "healthy-night", "--seed", "3")
    assert list(verdict) == list(VERDICT_TYPES)
    for key, types in VERDICT_TYPES.items():
        assert type(verdict[key]) in types, key
    assert (verdict["scenario"], verdict["seed"], verdict["player"]) == ("healthy-night", 3, "expert")
    assert verdict["verdict"] == "strong"
    assert 0 <= float(str(verdict["score"])) <= 100
    assert len(str(verdict["digest"])) == 64
    assert int(str(verdict["requests_simulated"])) > 10_000


def test_no_hire_is_exit_code_1_and_what_did_not_happen_is_null(tmp_path: Path) -> None:
    verdict = _play(tmp_path, "healthy-night", player="idle")
    assert verdict["verdict"] == "no"
    assert verdict["tta_s"] is None
    assert verdict["ttd_s"] is None


def test_a_scenario_that_is_nobodys_but_the_instructors_plays_the_same_way(tmp_path: Path) -> None:
    """Outside of the checkout, with another name: the same night, the same verdict."""
    folder = tmp_path / "Übung 夜 1"
    folder.mkdir()
    shutil.copy(QUIET, folder / "ruhige Nacht é.yaml")
    script = folder / "wach.yaml"
    script.write_text("player: wach\nsteps: [ack, wait: 2m, slo, 'note café']\n", encoding="utf-8")
    by_id = _play(tmp_path, "healthy-night")
    by_path = _play(folder, "ruhige Nacht é.yaml")
    assert _repeatable(by_path) == _repeatable(by_id)
    own = _play(folder, str(folder / "ruhige Nacht é.yaml"), player="wach.yaml")
    assert own["player"] == "wach"
    assert own["digest"] != by_id["digest"]


def test_a_kept_run_replays_and_scores_to_the_same_verdict(tmp_path: Path) -> None:
    assert "make the folder" in refused(
        tmp_path, "play", "healthy-night", "--player", "idle", "--out", "kept/run.jsonl"
    )
    assert not (tmp_path / "kept").exists()
    (tmp_path / "kept").mkdir()
    played = _play(tmp_path, "healthy-night", "--out", "kept/run.jsonl")
    replayed = run_in(tmp_path, "replay", "kept/run.jsonl", "--json")
    assert replayed.returncode == 0, replayed.stderr
    assert f"verified: {played['digest']}" in replayed.stderr
    assert _repeatable(json.loads(replayed.stdout)) == _repeatable(played)
    scored = run_in(tmp_path, "score", "kept/run.jsonl", "--json")
    assert json.loads(scored.stdout) == played
    assert scored.stderr == "run: verified\n"
    assert "this file exists" in refused(
        tmp_path, "play", "healthy-night", "--player", "idle", "--out", "kept/run.jsonl"
    )


def test_a_run_whose_command_was_edited_does_not_verify(tmp_path: Path) -> None:
    _play(tmp_path, "healthy-night", "--out", "run.jsonl", player="panic")
    path = tmp_path / "run.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace('{"cmd":"ack"', '{"cmd":"slo"', 1), encoding="utf-8")
    assert "does not repeat" in refused(tmp_path, "replay", "run.jsonl")


def test_a_data_folder_that_takes_no_files_is_told_before_the_drill(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    message = refused(tmp_path, "practice", "healthy-night", "--plain")
    assert "PAGERDRILL_DATA_DIR" in message
    assert (tmp_path / "data").read_text() == "not a folder"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o500)
    assert "PAGERDRILL_DATA_DIR" in refused(tmp_path, "practice", "healthy-night", "--plain")


def test_a_folder_for_the_run_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    message = refused(tmp_path, "play", "healthy-night", "--player", "idle", "--out", "file/run.jsonl")
    assert "file/run.jsonl: results cannot be written there" in message
