"""Each proof holds on one side of its border and fails on the other, and the shipped drills are proven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from scenarios.compile import to_drill
from scenarios.fleet import NightRequest, run_here
from scenarios.library import entries
from scenarios.loader import load_scenario
from scenarios.prove import DESERVED, OTHER_FIX, TWIN, WRONG_TURN, Proof, detour, proofs, request, summary
from simulator.drill.spec import Step
from simulator.image.builder import ensure_image
from simulator.players.scripts import CHEATS
from tests.content.short_drill import TEXT, short_scenario

NIGHT = request(short_scenario(), 1)
OPENED: dict[str, Any] = {"joined_s": 120.0, "joined_by": "page", "faults_s": [60.0], "lines": []}


def _played(verdict: str = "no", score: float = 10.0, **rest: Any) -> dict[str, Any]:
    return {
        "verdict": verdict, "score": score, "failed_commands": [], "critical_missed": [], "red_flags": [],
        "findings": {}, "cured": False, "ttm_s": None, **rest,
    }  # fmt: skip


def _all() -> dict[str, dict[str, Any]]:
    return {
        "expert": _played("strong", 96.0, cured=True, ttm_s=300.0),
        **{name: _played() for name in DESERVED},
        f"{WRONG_TURN}a": _played("lean", 70.0),
        f"{OTHER_FIX}b": _played("lean", 70.0, cured=True, ttm_s=360.0),
        TWIN: {"loud": [], "until_s": 700.0},
    }


def _failing(
    outcomes: Mapping[str, dict[str, Any]], opened: dict[str, Any] | None = None, night: NightRequest = NIGHT
) -> list[str]:
    return [proof.what for proof in proofs(night, opened or OPENED, outcomes) if not proof.holds]


def test_a_good_drill_passes_every_proof() -> None:
    found = list(proofs(NIGHT, OPENED, _all()))
    assert all(proof.holds for proof in found)
    assert len(found) == 6 + len(DESERVED)


def test_every_cheat_that_ships_is_tried() -> None:
    assert set(DESERVED) == {"idle", "panic", *CHEATS}
    assert {task.name for task in NIGHT.tasks} == {"expert", *DESERVED, TWIN}


@pytest.mark.parametrize(
    ("opened", "holds"),
    [
        (OPENED, True),
        ({**OPENED, "joined_by": "complaint"}, True),
        ({**OPENED, "joined_by": "shift", "joined_s": 600.0}, False),
        ({**OPENED, "faults_s": [120.0]}, True),
        ({**OPENED, "faults_s": [120.1]}, False),
        ({**OPENED, "faults_s": []}, False),
    ],
)
def test_something_must_call_the_responder_after_the_fault(opened: dict[str, Any], holds: bool) -> None:
    assert _failing(_all(), opened) == ([] if holds else ["a page calls the responder"])


def test_a_loud_night_without_its_fault_fails() -> None:
    outcomes = {**_all(), TWIN: {"loud": [[90.0, "page X"]], "until_s": 700.0}}
    [failing] = [proof for proof in proofs(NIGHT, OPENED, outcomes) if not proof.holds]
    assert (failing.what, failing.found) == ("without the fault it is quiet", "page X at 1m30s")


def test_a_harmless_drill_may_page_but_not_breach() -> None:
    text = TEXT.replace("fault: online_store.slow", "fault: traffic.seasonal_dip").replace(
        "    with: {sync_ms: 900}\n", ""
    )
    night = replace(NIGHT, drill=to_drill(short_scenario(text), 1))
    paged = {**_all(), TWIN: {"loud": [[90.0, "page X"]], "until_s": 700.0}}
    assert _failing(paged, night=night) == []
    breached = {**_all(), TWIN: {"loud": [[90.0, "SLO breached: a"]], "until_s": 700.0}}
    assert _failing(breached, night=night) == ["nothing breaches the SLO"]


@pytest.mark.parametrize(
    ("who", "outcome", "failing"),
    [
        ("expert", _played("lean", 79.0), ["the expert is Strong"]),
        ("expert", _played("strong", 96.0, failed_commands=["slo x"]), ["every command of the expert works"]),
        ("idle", _played("lean", 0.0), ["idle is at most No"]),
        ("read-all", _played("strong", 90.0), ["read-all is at most No"]),
        ("panic", _played("no", 90.0), []),
        (f"{WRONG_TURN}a", _played("strong", 95.9), []),
        (f"{WRONG_TURN}a", _played("strong", 96.0), ["wrong turn: a is worse"]),
        (f"{WRONG_TURN}a", _played("lean", 97.0), []),
        (f"{OTHER_FIX}b", _played("no", 40.0, cured=True, ttm_s=1.0), []),
        (f"{OTHER_FIX}b", _played("strong", 96.0, cured=False, ttm_s=1.0), ["other fix: b works"]),
        (f"{OTHER_FIX}b", _played("strong", 96.0, cured=True), ["other fix: b works"]),
        (f"{OTHER_FIX}b", _played("no", cured=True, ttm_s=1.0, failed_commands=["x"]), ["other fix: b works"]),
    ],
)  # fmt: skip
def test_who_plays_gets_no_more_and_no_less_than_they_should(
    who: str, outcome: dict[str, Any], failing: list[str]
) -> None:
    assert _failing({**_all(), who: outcome}) == failing


def test_a_play_that_stopped_fails_and_hides_nothing_else() -> None:
    outcomes = {**_all(), "idle": {"failed": "Traceback\nKeyError: 1"}, "panic": _played("lean", 60.0)}
    assert _failing(outcomes) == ["idle plays to the end", "panic is at most No"]
    assert _failing({}, {"failed": "Traceback\nKeyError: 1"}) == ["the night plays to the end"]


def test_a_detour_stands_in_place_of_all_changes() -> None:
    steps = [Step(line, 0.0) for line in ("ack", "kubectl scale deployment a --replicas=0", "slo",
             "features unlock v", "resolve a:b c d e")]  # fmt: skip
    other = [Step("x", 0.0), Step("", 60.0)]
    assert detour(steps, other) == (steps[0], *other, steps[2], steps[4])
    calm = [steps[0], steps[2], steps[4]]
    assert detour(calm, other) == (steps[0], steps[2], *other, steps[4])
    assert detour(steps[:1], other) == (steps[0], *other)


def test_a_summary_shows_the_seed_that_fails() -> None:
    found = [Proof("a", 1, True, "fine", ""), Proof("a", 2, False, "bad", "do"), Proof("b", 1, True, "well", "")]
    assert summary(found) == [("FAILS", "a", "1/2", "bad"), ("holds", "b", "1/1", "well")]


@pytest.mark.sweep
@pytest.mark.parametrize("scenario", [entry.scenario_id for entry in entries()])
def test_every_shipped_drill_is_proven(scenario: str) -> None:
    night = request(load_scenario(scenario), 1)
    messages = [message for message in run_here([night], ensure_image(), 1) if message.outcome is not None]
    opened = next(message.outcome for message in messages if message.task is None)
    outcomes = {night.tasks[m.task].name: m.outcome for m in messages if m.task is not None and m.outcome is not None}
    assert opened is not None
    assert [proof for proof in proofs(night, opened, outcomes) if not proof.holds] == []
