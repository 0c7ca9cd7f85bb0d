"""The incident record: what hints cost, how much it holds, and what is found in it."""

from __future__ import annotations

import pytest

from simulator.incident.record import HINT_COSTS_POINTS, Hypothesis, Incident, Message, Output, hint_cost_points
from simulator.session.session import Session
from simulator.shell.help import START
from simulator.shell.library import load_commands
from simulator.shell.registry import COMMANDS
from tests.contract.conditions import simulated, staffed, type_now


@pytest.mark.parametrize(("step", "cost"), [(1, 4), (2, 6), (3, 8), (4, 10), (5, 10), (9, 10)])
def test_every_hint_costs_more_up_to_the_fourth(step: int, cost: int) -> None:
    assert hint_cost_points(step) == cost


def test_help_says_what_hints_cost() -> None:
    load_commands()
    for text in (COMMANDS["hint",].summary, dict(START)["stuck"]):
        assert [cost for cost in HINT_COSTS_POINTS if f"{cost}" not in text] == []


@pytest.fixture(scope="module")
def responder() -> Session:
    """Somebody who has just joined; each test writes to lists of its own."""
    return staffed(simulated())


def test_the_newest_five_hundred_notes_are_kept(responder: Session) -> None:
    for number in range(1, 502):
        assert type_now(responder, f"note number {number}").exit == 0
        if number == 500:
            assert responder.simulation.incident.notes[0].text == "number 1"
    notes = responder.simulation.incident.notes
    assert (len(notes), notes[0].text, notes[-1].text) == (500, "number 2", "number 501")


def test_the_newest_thousand_lines_of_chat_are_kept(responder: Session) -> None:
    comms = responder.simulation.incident.comms
    comms[:] = [Message(0.0, "Lee", f"line {number}") for number in range(1, 999)]
    for kept_from in ("line 1", "line 3"):
        assert type_now(responder, "escalate secondary the store is slow").exit == 0, "a call and its answer"
        assert (len(comms), comms[0].text, comms[-1].author) == (1000, kept_from, "secondary on-call")


def test_forty_hypotheses_are_enough(responder: Session) -> None:
    known = responder.simulation.incident.hypotheses
    for hyp_id in range(1, 40):
        known.append(Hypothesis(hyp_id, "gateway", "capacity_shortage", "", state="out"))
    assert type_now(responder, "hyp add dns dns_failure the fortieth").exit == 0
    refused = type_now(responder, "hyp add traffic traffic_spike one more")
    assert refused.exit != 0
    assert "40 hypotheses are enough" in refused.text
    assert [item.hyp_id for item in known] == list(range(1, 41))


def test_hypotheses_and_outputs_are_found_by_their_numbers() -> None:
    incident = Incident()
    assert (incident.hypothesis(1), incident.output(1)) == (None, None)
    incident.hypotheses += [Hypothesis(number, "dns", "dns_failure", "") for number in (1, 2, 3)]
    incident.outputs += [Output(number, 0.0, "slo", "", 0, 1.0, (), ()) for number in (4, 9, 12)]
    assert incident.hypothesis(2) is incident.hypotheses[1]
    assert incident.output(9) is incident.outputs[1]
    assert (incident.hypothesis(4), incident.output(1)) == (None, None)


def test_nothing_is_written_down_when_an_incident_begins() -> None:
    incident = Incident()
    assert (incident.hints_taken, incident.resolved, incident.postmortem, incident.ended) == (0, False, False, None)
    assert incident.joined_s == incident.ends_s == float("inf")
    assert Hypothesis(1, "dns", "dns_failure", "").evidence_confirmed == 0
