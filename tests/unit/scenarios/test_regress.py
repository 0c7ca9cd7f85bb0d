"""What a regression plays, what it calls wrong, and that its files hold the same bytes in any order."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from reference_platform.errors import ConfigError, ContentError
from scenarios.fleet import Message
from scenarios.players import Responder, load_responders
from scenarios.regress import Collector, Play, load_scenarios, plan, without
from scenarios.regress_journal import Journal, program_digest
from scenarios.regress_report import Change, Known, changed, complaints, read_baseline, to_json, to_junit
from scenarios.trail import trail_of
from tests.content.short_drill import TEXT, short_scenario

LINES = ['{"n":1,"t_us":0}', '{"n":2,"t_us":60000000}', '{"n":3,"t_us":120500000}']
PLAY = Play(
    "drill",
    1,
    "idle",
    "no",
    "no",
    40.0,
    night_trail=trail_of(LINES[:1]),
    trail=trail_of(LINES[1:], trail_of(LINES[:1])),
)
KNOWN = Known("no", 40.0, trail_of(LINES))
PROGRAM = {"version": "1", "image": "2"}


def test_the_library_is_played_when_nothing_is_named() -> None:
    assert {"healthy-night", "gateway-504-at-3am"} <= {item.scenario.id for item in load_scenarios([])}


def test_a_folder_of_scenarios_and_others_is_read_for_its_scenarios(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TEXT)
    (tmp_path / "player.yaml").write_text("player: p\nsteps: []\n")
    (tmp_path / "platform.yaml").write_text("name: x\nnodes: []\n")
    assert [item.scenario.id for item in load_scenarios([str(tmp_path)])] == ["short-shift"]
    assert len(load_scenarios([str(tmp_path), str(tmp_path / "a.yaml")])) == 1


def test_two_scenarios_with_one_id_and_an_empty_folder_are_mistakes(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="no scenario in this folder"):
        load_scenarios([str(tmp_path)])
    (tmp_path / "a.yaml").write_text(TEXT)
    (tmp_path / "b.yaml").write_text(TEXT)
    with pytest.raises(ContentError, match=r'b\.yaml: id "short-shift" is already used by .*a\.yaml'):
        load_scenarios([str(tmp_path)])


def test_a_plan_is_the_same_for_any_order_of_what_was_named() -> None:
    loaded, players = short_scenario(), load_responders(["idle", "panic"])
    chosen = plan([loaded], players, [2, 1, 2])
    assert chosen == plan([loaded], players[::-1], [1, 2])
    assert list(chosen.expected) == [("short-shift", seed, name) for seed in (1, 2) for name in ("idle", "panic")]
    assert chosen.identity != plan([loaded], players, [1]).identity


def test_a_player_of_an_unknown_drill_is_refused_and_one_of_another_drill_left_out() -> None:
    other = Responder("p", "healthy-night", None, None, "p.yaml")
    with pytest.raises(ContentError, match="nothing to play"):
        plan([short_scenario()], [other], [1])
    with pytest.raises(ContentError, match=r'p\.yaml: player "p" is for the drill "short-shfit", which does not exist'):
        plan([short_scenario()], [replace(other, drill="short-shfit")], [1])


def test_what_is_done_is_not_played_again() -> None:
    chosen = plan([short_scenario()], load_responders(["idle", "panic"]), [1, 2])
    left = without(chosen, [("short-shift", 1, "idle"), ("short-shift", 1, "panic"), ("short-shift", 2, "panic")])
    assert [(night.seed, [task.name for task in night.tasks]) for night in left.nights] == [(2, ["idle"])]


def test_messages_become_plays_with_their_whole_log() -> None:
    collector = Collector(plan([short_scenario()], load_responders(["idle", "panic"]), [1]))
    assert collector.take(Message(0, None, None, 0.5)) == []
    assert collector.take(Message(0, None, {"lines": LINES[:1]})) == []
    outcome = {"lines": LINES[1:], "verdict": "no", "score": 40.0, "cured": False}
    [(play, lines)] = collector.take(Message(0, 0, outcome))
    assert (play.key, play.expected, play.verdict) == (("short-shift", 1, "idle"), "no", "no")
    assert lines == LINES
    assert play.night_trail + play.trail == trail_of(LINES)


def test_a_night_that_failed_fails_all_its_plays() -> None:
    collector = Collector(plan([short_scenario()], load_responders(["idle", "panic"]), [1]))
    found = collector.take(Message(0, None, {"failed": "Traceback"}))
    assert [(play.player, play.failed) for play, _ in found] == [("idle", "Traceback"), ("panic", "Traceback")]


@pytest.mark.parametrize(
    ("verdict", "score", "counts"),
    [("no", 40.0, False), ("no", 42.0, False), ("no", 42.1, True), ("no", 38.0, False), ("no", 37.9, True),
     ("lean", 40.0, True)],
)  # fmt: skip
def test_a_moved_verdict_or_more_than_two_points_counts(verdict: str, score: float, counts: bool) -> None:
    play = replace(PLAY, verdict=verdict, score=score)
    assert (changed(play, KNOWN, LINES) is not None) == counts
    assert changed(play, None, LINES) is None


def test_a_change_names_the_first_event_that_differs() -> None:
    play = replace(PLAY, verdict="lean")
    change = changed(play, KNOWN, [*LINES[:2], '{"n":3,"t_us":120500000,"kind":"other"}'])
    assert change is not None
    assert change.before == "no 40"
    assert change.where == 'first event that differs: 3 at 120 s\n{"n":3,"t_us":120500000,"kind":"other"}'
    shorter, longer = changed(play, KNOWN, LINES[:2]), changed(play, replace(KNOWN, trail=trail_of(LINES[:2])), LINES)
    assert shorter is not None
    assert shorter.where == "the log ends after event 2; the baseline's went on"
    assert longer is not None
    assert longer.where.startswith("first event that differs: 3 at 120 s; the baseline's log had ended\n")


def test_equal_logs_that_score_differently_blame_the_rubric() -> None:
    change = changed(replace(PLAY, verdict="lean"), KNOWN, LINES)
    assert change == Change("no 40", "every event is the same; the rubric changed")


def test_a_stopped_play_is_no_change_and_no_unexpected_verdict() -> None:
    stopped = Play("drill", 1, "idle", "no", failed="Traceback")
    assert changed(stopped, KNOWN, ()) is None
    assert not stopped.unexpected


def test_only_another_verdict_than_stated_is_unexpected() -> None:
    assert complaints(PLAY, None) == []
    assert complaints(replace(PLAY, expected=None, verdict="strong"), None) == []
    assert complaints(replace(PLAY, verdict="lean", score=60.5), None) == ["lean 60.5, expected no"]


def test_files_are_the_same_for_any_order_and_a_baseline_reads_back(tmp_path: Path) -> None:
    plays = [replace(PLAY, player=name, seed=seed) for name in ("b", "a") for seed in (10, 2)]
    changes = {("drill", 2, "a"): Change("lean 60", "somewhere")}
    assert to_json(plays, PROGRAM) == to_json(plays[::-1], PROGRAM)
    assert to_junit(plays, changes) == to_junit(plays[::-1], changes)
    path = tmp_path / "results.json"
    path.write_text(to_json([*plays, Play("drill", 3, "a", None, failed="Traceback")], PROGRAM))
    assert read_baseline(path) == {play.key: KNOWN for play in plays}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "[" * 100_000, '{"format": 0}', '{"format": 1, "nights": [], "plays": [{}]}']
)
def test_a_file_that_is_no_baseline_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(ContentError, match=r"results\.json"):
        read_baseline(path)
    with pytest.raises(ContentError, match="cannot be read"):
        read_baseline(tmp_path / "gone.json")


def test_junit_counts_failures_and_errors_and_is_xml_whatever_was_said() -> None:
    plays = [
        PLAY,
        replace(PLAY, player='b"<&', verdict="lean"),
        Play("drill", 1, "c", None, failed="\x1b[31m<Traceback> \x00"),
    ]
    root = ElementTree.fromstring(to_junit(plays, {PLAY.key: Change("lean 60", "first\nline")}))
    [suite] = root
    assert (suite.get("name"), suite.get("tests"), suite.get("failures"), suite.get("errors")) == (
        "drill",
        "3",
        "2",
        "1",
    )
    assert [case.get("name") for case in suite] == ['b"<&/1', "c/1", "idle/1"]
    assert [[child.tag for child in case] for case in suite] == [["failure"], ["error"], ["failure"]]
    assert "time" not in {name for case in suite for name in case.attrib}


def test_a_journal_keeps_finished_plays_for_the_same_identity_only(tmp_path: Path) -> None:
    path, change = tmp_path / "deep" / "journal.jsonl", Change("no 40", "somewhere")
    journal = Journal(path, "one")
    journal.keep(PLAY, None)
    journal.keep(replace(PLAY, player="b"), change)
    journal.keep(Play("drill", 1, "c", None, failed="Traceback"), None)
    journal.close()
    with path.open("a") as stream:
        stream.write('{"play": {"cut')
    again = Journal(path, "one")
    assert list(again.kept.values()) == [(PLAY, None), (replace(PLAY, player="b"), change)]
    again.close()
    for identity, keys in (("one", [PLAY.key, ("drill", 1, "b")]), ("other", [])):
        journal = Journal(path, identity)
        journal.close()
        assert list(journal.kept) == keys


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "[]\n",
        "[" * 50_000 + "\n",
        '{"identity": "one"}\n[]\n',
        '{"identity": "one"}\n{"play": {}}\n',
        '{"identity": "one"}\n' + "[" * 50_000 + "\n",
        *(
            '{"identity": "one"}\n' + json.dumps({"play": asdict(PLAY) | {name: wrong}, "change": None}) + "\n"
            for name in ("scenario", "seed", "verdict", "score", "findings", "trail", "red_flags")
            for wrong in (None, {"a": []}, [1])
            if (name, wrong) != ("red_flags", [1]) and not (name == "findings" and wrong == {"a": []})
        ),
    ],
)
def test_a_damaged_journal_is_no_obstacle(tmp_path: Path, text: str) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text(text)
    journal = Journal(path, "one")
    journal.close()
    assert journal.kept == {}


def test_a_journal_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="results cannot be kept here"):
        Journal(tmp_path / "file" / "journal.jsonl", "one")


def test_a_finished_journal_is_gone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl", "one")
    journal.forget()
    assert list(tmp_path.iterdir()) == []


def test_the_digest_of_the_program_is_stable() -> None:
    assert program_digest() == program_digest()
