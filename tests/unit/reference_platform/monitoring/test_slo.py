"""Error budgets: the burn rate is the share of errors over the share allowed, per window."""

from __future__ import annotations

import pytest

from reference_platform.monitoring.alerts import AlertEvaluator, Fired
from reference_platform.monitoring.promql import evaluate, parse
from reference_platform.monitoring.series import SeriesStore
from reference_platform.monitoring.slo import SloTracker, burn_rate_rules


def _burn(store: SeriesStore, window: str, now_s: float) -> float | None:
    answer = evaluate(parse(f'slo_burn_rate{{window="{window}"}}'), store, now_s)
    assert isinstance(answer, list)
    return answer[0].value if answer else None


def test_burn_rate_is_error_ratio_over_budget_in_each_window() -> None:
    store = SeriesStore(86400.0, 10_000)
    tracker = SloTracker(store, {"fraud": 0.99})
    good = total = 0
    for step in range(8 * 3600 // 60 + 1):
        now_s = step * 60.0
        tracker.observe("fraud", good, total, now_s)
        failing = now_s >= 8 * 3600 - 600
        good, total = good + (50 if failing else 100), total + 100
    assert _burn(store, "5m", 8 * 3600) == pytest.approx(50)
    assert _burn(store, "30m", 8 * 3600) == pytest.approx(50 / 3)
    assert _burn(store, "1h", 8 * 3600) == pytest.approx(50 / 6)
    assert _burn(store, "6h", 8 * 3600) == pytest.approx(50 / 36)


def test_a_counter_reset_counts_from_zero_and_never_gives_a_negative_ratio() -> None:
    store = SeriesStore(86400.0, 10_000)
    tracker = SloTracker(store, {"fraud": 0.9})
    tracker.observe("fraud", 0, 0, 0.0)
    tracker.observe("fraud", 100, 100, 15.0)
    tracker.observe("fraud", 5, 10, 30.0)
    assert _burn(store, "5m", 30.0) == pytest.approx((5 / 110) / 0.1)


def test_without_requests_nothing_is_written() -> None:
    store = SeriesStore(86400.0, 10_000)
    tracker = SloTracker(store, {"fraud": 0.9})
    tracker.observe("fraud", 7, 9, 0.0)
    tracker.observe("fraud", 7, 9, 15.0)
    assert _burn(store, "5m", 15.0) is None


@pytest.mark.parametrize(
    ("error_ratio", "wanted"),
    [(0.05, []), (0.08, [("FraudDetectionErrorBudgetBurnSlow", "P2")]), (0.2, ["fast", "slow"])],
)
def test_rules_page_only_above_the_burn_rate_of_their_pair(error_ratio: float, wanted: list[object]) -> None:
    """Objective 99 %: burn 5 is below both pairs, 8 above the slow one only, 20 above both."""
    store = SeriesStore(86400.0, 10_000)
    tracker = SloTracker(store, {"fraud-detection": 0.99})
    evaluator = AlertEvaluator(store)
    for rule in burn_rate_rules(["fraud-detection"], 0.99):
        evaluator.add_rule(rule)
    for step in range(2):
        tracker.observe("fraud-detection", 1000 * step * (1 - error_ratio), 1000 * step, step * 60.0)
    fired = [change.alert for change in evaluator.tick(60.0) if isinstance(change, Fired)]
    assert len(fired) == len(wanted)
    if len(wanted) == 1:
        assert [(alert.name, alert.severity) for alert in fired] == wanted
        assert fired[0].component == "fraud-detection"
        assert "8 times too fast: 5% of 30 days gone in 6h" in fired[0].summary


def test_the_short_window_ends_the_page_soon_after_the_errors_end() -> None:
    store = SeriesStore(86400.0, 10_000)
    tracker = SloTracker(store, {"fraud": 0.999})
    evaluator = AlertEvaluator(store)
    evaluator.add_rule(burn_rate_rules(["fraud"], 0.999)[0])
    good = total = 0
    firing_until_s = 0.0
    for step in range(2 * 3600 // 30):
        now_s = step * 30.0
        tracker.observe("fraud", good, total, now_s)
        evaluator.tick(now_s)
        if evaluator.alerts() and evaluator.alerts()[0].state == "firing":
            firing_until_s = now_s
        good, total = good + (0 if now_s < 1200 else 100), total + 100
    assert 1200 < firing_until_s <= 1200 + 360
