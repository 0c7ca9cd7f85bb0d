"""Alert rules go through their states by ticks alone."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from reference_platform.errors import CommandError
from reference_platform.monitoring.alerts import (
    AlertEvaluator,
    AlertRule,
    Fired,
    Resolved,
    Silenced,
    Transition,
    Unsilenced,
)
from reference_platform.monitoring.series import SeriesStore

RULE = AlertRule(
    name="DepthHigh",
    expr="depth > 5",
    for_s=60.0,
    severity="P2",
    component="{{route}}",
    summary="{{ $labels.route }} has {{value}} waiting, {{ zone }}",
    runbook="queues",
)


class Bench:
    """One gauge per route, and the evaluator that watches it every 30 s."""

    def __init__(self, *rules: AlertRule) -> None:
        self.store = SeriesStore(86400.0, 10_000)
        self.evaluator = AlertEvaluator(self.store)
        for rule in rules:
            self.evaluator.add_rule(rule)

    def at(self, now_s: float, **depths: float) -> list[Transition]:
        for route, depth in depths.items():
            self.store.append("depth", {"route": route}, now_s, depth)
        return self.evaluator.tick(now_s)


def test_an_alert_fires_after_its_wait_and_resolves_when_gone() -> None:
    bench = Bench(RULE)
    assert bench.at(0, fraud=9) == []
    assert [status.state for status in bench.evaluator.alerts()] == ["pending"]
    assert bench.at(30, fraud=9) == []
    (fired,) = bench.at(60, fraud=12345.6)
    assert isinstance(fired, Fired)
    assert (fired.alert.alert_id, fired.alert.component, fired.silenced) == (1, "fraud", False)
    assert fired.alert.summary == "fraud has 1.235e+04 waiting, -"
    assert bench.at(90, fraud=9) == []
    (status,) = bench.evaluator.alerts()
    assert (status.state, status.active_s, status.fired_s, status.value) == ("firing", 0, 60, 9)
    (resolved,) = bench.at(120, fraud=1)
    assert isinstance(resolved, Resolved)
    assert resolved.alert == fired.alert
    assert [status.state for status in bench.evaluator.alerts()] == ["resolved"]


def test_a_gap_while_pending_starts_the_wait_again() -> None:
    bench = Bench(RULE)
    bench.at(0, fraud=9)
    bench.at(30, fraud=1)
    assert bench.at(60, fraud=9) == []
    assert bench.at(90, fraud=9) == []
    assert len(bench.at(120, fraud=9)) == 1


def test_each_label_set_is_an_alert_and_numbers_follow_the_order_of_firing() -> None:
    bench = Bench(replace(RULE, for_s=0.0))
    assert [fired.alert.component for fired in bench.at(0, search=9, fraud=9)] == ["fraud", "search"]
    assert [type(change) for change in bench.at(30, search=9, fraud=1)] == [Resolved]
    (again,) = bench.at(60, search=9, fraud=9)
    assert again.alert.alert_id == 3


def test_keep_firing_for_bridges_a_gap() -> None:
    bench = Bench(replace(RULE, for_s=0.0, keep_firing_for_s=60.0))
    bench.at(0, fraud=9)
    assert bench.at(30, fraud=1) == bench.at(60, fraud=9) == bench.at(90, fraud=1) == bench.at(120, fraud=1) == []
    assert [type(change) for change in bench.at(150, fraud=1)] == [Resolved]


def test_rounds_stay_on_their_grid_when_a_tick_comes_late() -> None:
    bench = Bench(RULE)
    bench.at(0)
    assert bench.evaluator.next_wake_s() == 30
    assert bench.at(29.9) == []
    bench.at(75)
    assert bench.evaluator.next_wake_s() == 90


def test_a_silenced_alert_still_fires_and_resolves_but_says_so() -> None:
    bench = Bench(replace(RULE, for_s=0.0))
    assert bench.evaluator.silence("DepthHigh", 3600.0, 0.0) == []
    (fired,) = bench.at(0, fraud=9)
    (resolved,) = bench.at(30, fraud=1)
    assert isinstance(fired, Fired)
    assert isinstance(resolved, Resolved)
    assert fired.silenced
    assert resolved.silenced


def test_a_silence_over_a_firing_alert_begins_and_ends_with_a_transition() -> None:
    bench = Bench(replace(RULE, for_s=0.0))
    bench.at(0, fraud=9)
    assert [type(change) for change in bench.evaluator.silence("DepthHigh", 45.0, 10.0)] == [Silenced]
    assert bench.evaluator.silence("DepthHigh", 45.0, 11.0) == []
    assert bench.at(30, fraud=9) == []
    assert bench.evaluator.alerts()[0].silenced_until_s == 56.0
    assert [type(change) for change in bench.at(60, fraud=9)] == [Unsilenced]


def test_a_removed_rule_resolves_what_was_firing() -> None:
    bench = Bench(replace(RULE, for_s=0.0))
    bench.at(0, fraud=9)
    assert [type(change) for change in bench.evaluator.remove_rule("DepthHigh", 10.0)] == [Resolved]
    assert bench.evaluator.rules() == ()
    assert bench.at(30, fraud=9) == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (RULE, "exists"),
        (replace(RULE, name="9 lives"), "no alert name"),
        (replace(RULE, name="B", expr="depth >"), "unexpected end"),
        (replace(RULE, name="B", expr="1"), "cannot watch a number"),
        (replace(RULE, name="B", expr="depth[5m]"), "cannot watch a range"),
        (replace(RULE, name="B", for_s=-1.0), "waits"),
        (replace(RULE, name="B", for_s=math.inf), "waits"),
        (replace(RULE, name="B", keep_firing_for_s=math.nan), "waits"),
    ],
)
def test_a_bad_rule_is_refused_and_changes_nothing(rule: AlertRule, words: str) -> None:
    bench = Bench(RULE)
    with pytest.raises(CommandError, match=words):
        bench.evaluator.add_rule(rule)
    assert bench.evaluator.rules() == (RULE,)


def test_unknown_names_are_answered_with_the_nearest_one() -> None:
    with pytest.raises(CommandError) as caught:
        Bench(RULE).evaluator.silence("DepthHihg", 60.0, 0.0)
    assert caught.value.fix == 'did you mean "DepthHigh"?'


def test_a_rule_that_fails_to_evaluate_keeps_its_alerts_and_reports_why() -> None:
    bench = Bench(replace(RULE, for_s=0.0, expr="depth > on() limit"))
    bench.store.append("limit", {"zone": "a"}, 0.0, 5.0)
    assert len(bench.at(0, fraud=9)) == 1
    bench.store.append("limit", {"zone": "b"}, 30.0, 5.0)
    assert bench.at(30, fraud=1) == []
    assert "several series" in bench.evaluator.errors()["DepthHigh"]


def test_label_sets_beyond_the_maximum_are_counted() -> None:
    bench = Bench(replace(RULE, for_s=0.0))
    assert len(bench.at(0, **{f"r{n}": 9.0 for n in range(230)})) == 200
    assert bench.evaluator.dropped == 30


@pytest.mark.parametrize("for_s", [0.0, -1.0, math.inf, math.nan])
def test_a_silence_lasts_for_a_time(for_s: float) -> None:
    with pytest.raises(CommandError, match="a silence of"):
        Bench(RULE).evaluator.silence("DepthHigh", for_s, 0.0)


def test_a_silence_of_half_a_second_ends_at_its_instant() -> None:
    bench = Bench(replace(RULE, for_s=0.0))
    bench.evaluator.silence("DepthHigh", 0.5, 0.0)
    (fired,) = bench.at(0, fraud=9)
    assert isinstance(fired, Fired)
    assert fired.silenced
    bench.evaluator.silence("DepthHigh", 30.0, 0.0)
    (ended,) = bench.at(30, fraud=9)
    assert ended == Unsilenced(30, fired.alert)
    assert bench.at(60, fraud=9) == []
    (resolved,) = bench.at(90, fraud=1)
    assert resolved == Resolved(90, fired.alert, silenced=False)


def test_an_alert_that_was_never_silenced_is_told_as_such() -> None:
    bench = Bench(replace(RULE, for_s=0.0))
    (fired,) = bench.at(0, fraud=9)
    (silenced,) = bench.evaluator.silence("DepthHigh", 60.0, 1.0)
    assert silenced == Silenced(1.0, fired.alert)
    assert bench.evaluator.silence("DepthHigh", 90.0, 2.0) == [], "it is silent already"


def test_the_five_hundredth_rule_is_the_last() -> None:
    bench = Bench(*(replace(RULE, name=f"Depth{k}") for k in range(500)))
    with pytest.raises(CommandError, match="there are 500 alert rules"):
        bench.evaluator.add_rule(RULE)
    bench.evaluator.remove_rule("Depth7", 0.0)
    bench.evaluator.add_rule(RULE)
    assert len(bench.evaluator.rules()) == 500


def test_the_last_two_hundred_resolved_alerts_are_kept() -> None:
    bench = Bench(replace(RULE, for_s=0.0))
    for k in range(201):
        bench.at(60 * k, fraud=9)
        bench.at(60 * k + 30, fraud=1)
    kept = bench.evaluator.alerts()
    assert [status.alert_id for status in kept] == list(range(2, 202))
    assert {status.state for status in kept} == {"resolved"}


def test_the_name_of_the_metric_is_no_label_of_an_alert() -> None:
    bench = Bench(replace(RULE, for_s=0.0))
    (fired,) = bench.at(0, fraud=9)
    assert fired.alert.labels == (("route", "fraud"),)


@pytest.mark.parametrize(("every_s", "fine"), [(0.5, True), (0.0, False), (-1.0, False)])
def test_rounds_come_at_an_interval(every_s: float, fine: bool) -> None:
    if fine:
        assert AlertEvaluator(SeriesStore(60.0, 10), every_s).next_wake_s() == 0.0
        return
    with pytest.raises(AssertionError):
        AlertEvaluator(SeriesStore(60.0, 10), every_s)
