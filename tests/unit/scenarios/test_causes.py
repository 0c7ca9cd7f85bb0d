"""Names a scenario gives its cause, its own words, and faults that wait for the responder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reference_platform.errors import ContentError
from scenarios.compile import to_drill
from scenarios.lint import lint
from scenarios.loader import load_scenario
from simulator.drill.spec import DrillSpec

Write = Callable[[str], Path]
AT = "    at: 10m..12m\n"
SECOND = (
    "  - fault: online_store.connection_leak\n    at: 10m..12m\n    with: {leaked_per_minute: 3..5, job: b, hold: 1m}\n"
)


def _drill(write: Write, text: str, seed: int = 1) -> DrillSpec:
    return to_drill(load_scenario(str(write(text))), seed)


def _named(scenario_text: str, names: str, words: str = "") -> str:
    return scenario_text.replace(AT, f"{AT}    {names}\n").replace("people:", f"{words}people:")


def test_a_file_names_its_cause_in_words_of_its_own(write: Write, scenario_text: str) -> None:
    words = "words: {mechanisms: {cursor_leak: cursors stay open}, components: {loyalty-team: owns the export}}\n"
    names = "cause: loyalty-team:cursor_leak\n    accepted: [online-store:cursor_leak]\n    near: [gateway:cursor_leak]"
    drill = _drill(write, _named(scenario_text, names, words))
    (fault,) = drill.faults
    assert fault.cause == ("loyalty-team", "cursor_leak")
    assert fault.accepted == (("online-store", "cursor_leak"),)
    assert fault.near == (("gateway", "cursor_leak"),)
    assert drill.mechanisms == {"cursor_leak": "cursors stay open"}
    assert drill.components == {"loyalty-team": "owns the export"}
    assert DrillSpec.from_json(json.loads(json.dumps(drill.to_json()))) == drill


def test_a_file_without_names_adds_none(write: Write, scenario_text: str) -> None:
    drill = _drill(write, scenario_text)
    assert (drill.faults[0].cause, drill.faults[0].accepted, drill.faults[0].near) == (None, (), ())
    assert (drill.components, drill.mechanisms) == ({}, {})
    assert not drill.faults[0].after_join


@pytest.mark.parametrize(
    ("names", "place", "message"),
    [
        ("cause: online-store", "17:12", "'online-store' is not a cause; write component:mechanism"),
        ("cause: ':config_error'", "17:12", "':config_error' is not a cause"),
        ("cause: online-store:", "", ""),
        ("cause: Online:config_error", "17:12", "'Online:config_error' is not a cause"),
        ("cause: online-stor:config_error", "17:12", 'no component "online-stor"'),
        ("near: [gateway:disk_full, gateway:disc_full]", "17:31", 'no mechanism "disc_full"'),
        ("accepted: [gateway:disk_full, x:disk_full]", "17:35", 'no component "x"'),
        ("accepted: gateway:disk_full", "17:15", '"accepted": input should be a valid array'),
    ],
)
def test_a_word_that_nobody_could_type_is_refused_with_its_place(
    write: Write, scenario_text: str, names: str, place: str, message: str
) -> None:
    with pytest.raises(ContentError) as refused:
        _drill(write, _named(scenario_text, names))
    assert message in str(refused.value)
    assert f"drill.yaml:{place}" in str(refused.value)


@pytest.mark.parametrize(
    "words",
    ["mechanisms: {Cursor: x}", "mechanisms: {a-b: x}", "components: {a_b: x}", "components: {'': x}", "colours: {}"],
)
def test_own_words_must_be_typable(write: Write, scenario_text: str, words: str) -> None:
    with pytest.raises(ContentError):
        _drill(write, _named(scenario_text, "near: []", f"words: {{{words}}}\n"))


@pytest.mark.parametrize(("at", "low_s", "high_s"), [("joined + 10m", 600, 600), ("joined+5m..6m", 300, 360)])
def test_a_fault_may_wait_for_the_responder(
    write: Write, scenario_text: str, at: str, low_s: float, high_s: float
) -> None:
    drills = [_drill(write, scenario_text.replace(AT, f"    at: {at}\n"), seed) for seed in range(12)]
    assert all(drill.faults[0].after_join for drill in drills)
    drawn = [drill.faults[0].at_s for drill in drills]
    assert min(drawn) >= low_s
    assert max(drawn) <= high_s
    assert (len(set(drawn)) > 1) == (low_s < high_s)


@pytest.mark.parametrize(
    "at", ["joined", "joined + ", "joined + 10", "joined - 5m", "join + 5m", "10m + joined", "-5m"]
)
def test_another_way_to_say_when_is_refused(write: Write, scenario_text: str, at: str) -> None:
    with pytest.raises(ContentError, match='"at"'):
        _drill(write, scenario_text.replace(AT, f"    at: {at!r}\n"))


@pytest.mark.parametrize(
    ("at", "late"), [("joined + 29m", False), ("joined + 30m", True), ("8h29m", False), ("510m", True)]
)
def test_a_fault_that_begins_after_the_end_is_told(write: Write, playable_text: str, at: str, late: bool) -> None:
    path = write(playable_text.replace(AT, f"    at: {at}\n"))
    assert ["after the drill is over" in str(problem) for problem in lint(str(path))] == [True] * late


def test_two_faults_with_one_range_draw_apart(write: Write, scenario_text: str) -> None:
    two = scenario_text.replace("people:", f"{SECOND}people:")
    pairs = [_drill(write, two, seed).faults for seed in range(20)]
    assert all(first.at_s != second.at_s for first, second in pairs)
    assert any(first.params["leaked_per_minute"] != second.params["leaked_per_minute"] for first, second in pairs)


@pytest.mark.parametrize("place", ["faults:\n", "people:\n"])
def test_another_fault_moves_no_draw_wherever_it_stands(write: Write, scenario_text: str, place: str) -> None:
    dip = "  - {fault: traffic.seasonal_dip, at: 1m..9m, with: {depth_ratio: 0.1..0.9}}\n"
    text = scenario_text.replace(place, f"{place}{dip}" if place == "faults:\n" else f"{dip}{place}")
    for seed in range(5):
        with_dip = {fault.fault_id: fault for fault in _drill(write, text, seed).faults}
        (alone,) = _drill(write, scenario_text, seed).faults
        assert with_dip["online_store.connection_leak"] == alone
