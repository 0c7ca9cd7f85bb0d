"""Scripted responders type what they say, think before they type, and know nothing but the platform's document."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scenarios.library import entries
from scenarios.players import BUILT_IN
from simulator.drill.spec import Step
from simulator.players.play import THINK_S, play
from simulator.players.scripts import CHEATS, RESPONDERS, type_, wait
from simulator.shell.run import understand
from tests.unit.simulator.session.nights import joined, opening

SCENARIOS = [entry.scenario_id for entry in entries()]
SCRIPTED = [name for name in RESPONDERS if name != "expert"]


def test_every_responder_of_the_command_line_is_there() -> None:
    assert set(BUILT_IN) == set(RESPONDERS)
    assert set(CHEATS) == set(RESPONDERS) - {"expert", "idle", "panic"}


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("name", RESPONDERS)
def test_every_line_of_a_responder_is_a_command(name: str, scenario: str) -> None:
    for step in RESPONDERS[name](opening(scenario).drill):
        assert (step.line == "") == (step.wait_s > 0.0)
        if step.line:
            assert understand(step.line).problem is None, step.line


@pytest.mark.parametrize("name", SCRIPTED)
def test_what_a_responder_types_does_not_depend_on_what_is_wrong(name: str) -> None:
    """The same platform with other faults, hints and experts gets the same lines: nobody peeks at the answer."""
    drill = opening("oom-after-model-update").drill
    other = replace(drill, faults=(), people=(), hints=(), runbooks={}, expert=(), scenario_id="x", brief="y")
    assert RESPONDERS[name](drill) == RESPONDERS[name](other)


def test_a_script_thinks_before_each_line_and_waits_as_told() -> None:
    session = joined()
    begin_s = session.joined_s
    play(session, (type_("ack"), wait(90.0), type_("slo")))
    typed = [event for event in session.simulation.log if event.kind == "command"]
    ack_takes_s, slo_takes_s = understand("ack").takes_s, understand("slo").takes_s
    assert [event.t_s for event in typed] == [
        begin_s + THINK_S + ack_takes_s,
        begin_s + 2 * THINK_S + ack_takes_s + 90.0 + slo_takes_s,
    ]
    assert session.ended == "timeout"


def test_a_script_longer_than_the_drill_is_cut_off_by_its_end() -> None:
    session = joined()
    play(session, [type_("note still here")] * 500)
    assert session.ended == "timeout"
    notes = [event for event in session.simulation.log if event.kind == "note"]
    assert len(notes) == pytest.approx(session.simulation.drill.drill_s / (THINK_S + 1.0), abs=2)


def test_progress_rises_to_the_whole() -> None:
    told: list[float] = []
    session = joined()
    play(session, (type_("ack"), Step("", 600.0), type_("slo")), told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert 0.0 < told[0] < 0.1


def test_a_script_stops_typing_when_the_drill_is_resolved() -> None:
    session = joined()
    report = (
        'postmortem cause=traffic:seasonal_dip prevention="compare the rate with the same hour of last week" The floor'
        " came from a busier night and this is the quietest hour of the week; payments were served in time, so nothing"
        " was changed and nobody was affected."
    )
    play(
        session,
        (
            type_("resolve traffic:seasonal_dip as few payments as last week at this hour"),
            type_(report),
            type_("note too late"),
        ),
    )
    assert session.ended == "resolved"
    assert not [event for event in session.simulation.log if event.kind == "note"]
