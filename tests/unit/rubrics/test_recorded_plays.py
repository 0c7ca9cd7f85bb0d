"""Real plays, judged by the shipped rubric: what was earned, what was not, and on which kinds of events it rests."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from rubrics.findings import Scorecard
from rubrics.loader import incident_rubric
from rubrics.scoring import score
from simulator.engine.events import Event, event_from_line
from tests.unit.rubrics.recorded import RECORDED, recorded, thinned

LEAK = "gateway-504-at-3am"
OOM = "oom-after-model-update"
QUIET = "healthy-night"
CLICKS = "clicks-put-aside"
STALE = "stale-predictions-three-days"


@dataclass(frozen=True, slots=True)
class Play:
    """What a play must get. `partly` and `missed` name criteria; of those in neither, all but `open` are met.

    `open` names what moves with the rubric's numbers.
    """

    verdict: str
    times: tuple[float | None, float | None, float | None, float | None]
    partly: dict[str, float] = field(default_factory=dict)
    missed: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    no_chance: tuple[str, ...] = ()
    open: tuple[str, ...] = ()


PLAYS: dict[tuple[str, str], Play] = {
    (LEAK, "expert"): Play("strong", (7.0, 152.0, 300.0, 1020.0)),
    (LEAK, "honest-slow-store-corrected"): Play(
        "lean", (7.0, 157.5, 300.0, 954.0), {"hypotheses": 0.7}, ("pods", "recent-changes"), open=("diagnosis",)
    ),
    (LEAK, "cheat-resolve-until-it-fits"): Play(
        "no",
        (7.0, 147.5, 300.0, None),
        {"hypotheses": 0.5},
        ("recent-changes", "final-status", "prevention"),
        ("foregone", "false-all-clear"),
        open=("recovery", "postmortem", "ttr"),
    ),
    (LEAK, "cheat-every-lever-at-once"): Play(
        "no",
        (7.0, 375.5, 180.0, 1003.0),
        {"fallback": 0.5, "upstream": 0.5, "recent-changes": 0.5, "status-cadence": 0.5},
        ("pods", "logs", "hypotheses", "diagnosis", "discipline", "mitigation", "harm", "prevention"),
        ("mass-change",),
        open=("postmortem",),
    ),
    (OOM, "expert"): Play("strong", (7.0, 152.5, 300.0, 1050.0)),
    (OOM, "honest-early-all-clear-taken-back"): Play(
        "strong", (7.0, 130.0, 240.0, 975.0), {}, ("upstream",), open=("postmortem",)
    ),
    (OOM, "mediocre-limit-first-then-rollback"): Play(
        "lean",
        (7.0, 59.0, 420.0, None),
        {"hypotheses": 0.5},
        ("logs", "upstream", "recent-changes"),
        open=("recovery", "postmortem"),
    ),
    (OOM, "cheat-deletes-pods-in-one-line"): Play(
        "no",
        (7.0, 311.5, 420.0, 1056.0),
        {"fallback": 0.5, "pods": 0.5, "hypotheses": 0.5, "status-cadence": 0.5},
        ("logs", "upstream", "recent-changes", "discipline", "harm", "final-status", "prevention"),
        ("mass-change",),
        open=("mitigation", "postmortem"),
    ),
    (QUIET, "expert"): Play("strong", (7.0, 123.0, None, 510.5)),
    (QUIET, "cheat-silences-the-night"): Play(
        "no", (7.0, 100.5, None, 120.5), {"quiet-looked": 0.5}, ("quiet-rivals",), ("silenced",)
    ),
    (CLICKS, "expert"): Play("strong", (7.0, 152.0, 180.0, 1031.5), open=("harm",)),
    (CLICKS, "honest-blames-consumer-then-corrects"): Play(
        "lean", (7.0, 166.0, 240.0, 988.5), {"hypotheses": 0.5}, open=("diagnosis", "harm", "postmortem")
    ),
    (CLICKS, "cheat-three-confirmed-few-rivals"): Play(
        "no",
        (7.0, 190.0, 240.0, 1035.0),
        {"hypotheses": 0.7, "diagnosis": 0.3},
        ("pods", "logs", "recent-changes"),
        ("guessing",),
        open=("harm", "postmortem"),
    ),
    (STALE, "expert"): Play("strong", (None, 137.5, 240.0, 1195.5), no_chance=("acknowledge",)),
    (STALE, "mediocre-wrong-confirmed-first"): Play(
        "no",
        (None, 122.5, 300.0, None),
        {"hypotheses": 0.7},
        ("pods", "logs", "final-status", "prevention"),
        no_chance=("acknowledge",),
        open=("diagnosis", "recovery", "postmortem"),
    ),
}
BORDERLINE = {
    (STALE, "mediocre-wrong-confirmed-first"): ("no", "lean"),
    (LEAK, "honest-slow-store-corrected"): ("lean", "strong"),
}
"""Plays whose verdict may move with the rubric's numbers."""
RESTS_ON: dict[str, frozenset[str]] = {
    "acknowledge": frozenset({"page.acked"}),
    "scope": frozenset({"scope.declared"}),
    "severity": frozenset({"scope.declared", "slo"}),
    "fallback": frozenset({"command"}),
    "pods": frozenset({"command"}),
    "logs": frozenset({"command"}),
    "upstream": frozenset({"command"}),
    "recent-changes": frozenset({"command"}),
    "hypotheses": frozenset({"hypothesis.evidence", "hypothesis.ruled_out"}),
    "diagnosis": frozenset({"hypothesis.evidence", "hypothesis.confirmed"}),
    "discipline": frozenset({"hypothesis.confirmed", "changed"}),
    "mitigation": frozenset({"changed", "truth.state"}),
    "recovery": frozenset({"truth.state", "command", "resolve.claimed"}),
    "resolved": frozenset({"truth.state", "resolve.claimed"}),
    "harm": frozenset({"truth.harm"}),
    "speed": frozenset({"truth.state"}),
    "first-status": frozenset({"status.sent"}),
    "status-content": frozenset({"status.sent"}),
    "final-status": frozenset({"status.sent"}),
    "postmortem": frozenset({"postmortem.filed"}),
    "quiet-acknowledge": frozenset({"page.acked"}),
    "quiet-scope": frozenset({"scope.declared", "slo"}),
    "quiet-customers": frozenset({"command"}),
    "quiet-looked": frozenset({"command"}),
    "quiet-history": frozenset({"command", "hypothesis.evidence"}),
    "quiet-rivals": frozenset({"hypothesis.evidence", "hypothesis.ruled_out"}),
    "quiet-hands": frozenset({"command"}),
    "quiet-explained": frozenset({"hypothesis.evidence", "hypothesis.confirmed"}),
    "quiet-resolved": frozenset({"resolve.claimed"}),
    "quiet-status": frozenset({"status.sent"}),
    "quiet-follow-up": frozenset({"postmortem.filed"}),
}
"""What all points of a criterion that is met rest on, where it is always the same."""
NAMES = [f"{drill}--{player}" for drill, player in PLAYS]


def judged(drill: str, player: str) -> Scorecard:
    return score(recorded(drill, player), incident_rubric())


def test_every_recorded_play_has_its_expectation() -> None:
    assert {(drill, player) for drill, players in RECORDED.items() for player in players} == set(PLAYS)


@pytest.mark.parametrize(("drill", "player"), PLAYS, ids=NAMES)
def test_the_verdict_and_each_criterion(drill: str, player: str) -> None:
    expected, card = PLAYS[drill, player], judged(drill, player)
    assert card.verdict in BORDERLINE.get((drill, player), (expected.verdict,))
    shares = {item.criterion: item.points / item.points_max for item in card.findings}
    assert {name: shares[name] for name in expected.partly} == pytest.approx(expected.partly)
    found: dict[str, set[str]] = {"met": set(), "partly": set(), "missed": set(), "no_chance": set()}
    for item in card.findings:
        if item.criterion not in expected.open:
            found[item.verdict].add(item.criterion)
    assert found["partly"] == set(expected.partly)
    assert found["missed"] == set(expected.missed)
    assert found["no_chance"] == set(expected.no_chance)


@pytest.mark.parametrize(("drill", "player"), PLAYS, ids=NAMES)
def test_flags_and_times(drill: str, player: str) -> None:
    expected, card = PLAYS[drill, player], judged(drill, player)
    found = {flag.flag for flag in card.red_flags}
    assert set(expected.flags) <= found
    if expected.verdict == "strong":
        assert found == set()
    times = card.times
    assert (times.tta_s, times.ttd_s, times.ttm_s) == expected.times[:3]
    assert "ttr" in expected.open or times.ttr_s == expected.times[3]


@pytest.mark.parametrize(("drill", "player"), PLAYS, ids=NAMES)
def test_points_rest_on_observations(drill: str, player: str) -> None:
    by_number = {event.n: event for event in recorded(drill, player)}
    for item in judged(drill, player).findings:
        kinds = {by_number[n].kind for n in item.evidence}
        if item.points > 0.0:
            assert kinds - {"session.joined", "session.ended"}, item.criterion
        if item.verdict == "met" and item.criterion in RESTS_ON:
            assert kinds == RESTS_ON[item.criterion], item.criterion


@pytest.mark.parametrize("drill", RECORDED)
def test_the_expert_earns_nearly_everything_and_no_flag(drill: str) -> None:
    card = judged(drill, "expert")
    assert card.score >= 95
    assert card.red_flags == ()
    assert card.critical_missed == ()
    assert card.reasons == ()


def test_harm_is_added_up_from_joining() -> None:
    for drill in RECORDED:
        log = recorded(drill, "expert")
        joined = next(event for event in log if event.kind == "session.joined")
        sums = [float(str(e.data["eur"])) for e in log if e.kind == "truth.harm" and e.t_us >= joined.t_us]
        assert judged(drill, "expert").harm_eur == round(sum(sums), 2)


def test_thinning_keeps_what_is_new_and_everything_near() -> None:
    """Ten hours of reports each minute; the objective breaks once, long before joining."""
    hours = range(600)
    rows = [
        Event(3 * k + part + 1, k * 60_000_000, "x", kind, True, {"good": k != 100})
        for k in hours
        for part, kind in enumerate(("slo", "truth.harm", "truth.state"))
    ]
    joined = Event(10_000, 600 * 60_000_000, "x", "session.joined", True, {})
    kept = thinned([*rows, joined])
    assert {event.n for event in rows if event.t_us == 100 * 60_000_000} <= {event.n for event in kept}
    assert [event for event in rows if event.t_us >= (600 - 75) * 60_000_000] == [
        event for event in kept if event.t_us >= (600 - 75) * 60_000_000 and event is not joined
    ]
    assert len(kept) < len(rows) / 3


def test_a_line_of_a_recorded_play_is_what_the_log_writes() -> None:
    for event in recorded(QUIET, "expert"):
        assert event_from_line(event.line()) == event
