"""Error budgets: the burn rate is the share of errors over the share allowed, per window."""

from __future__ import annotations

import pytest

from reference_platform.monitoring.alerts import AlertEvaluator, Fired
from reference_platform.monitoring.promql import evaluate, parse
from reference_platform.monitoring.series import SeriesStore
from reference_platform.monitoring.slo import WINDOWS_S, SloTracker, burn_rate_rules


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
    [
        (0.055, []),
        (0.065, [("FraudDetectionErrorBudgetBurnSlow", "P2")]),
        (0.08, [("FraudDetectionErrorBudgetBurnSlow", "P2")]),
        (0.14, [("FraudDetectionErrorBudgetBurnSlow", "P2")]),
        (0.149, ["fast", "slow"]),
    ],
)
def test_rules_page_only_above_the_burn_rate_of_their_pair(error_ratio: float, wanted: list[object]) -> None:
    """Objective 99 %: burn 5.5 is below both pairs, 6.5 and 14 above the slow one only, 14.9 above both."""
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
        assert f"{100 * error_ratio:g} times too fast: 5% of 30 days gone in 6h" in fired[0].summary
    elif wanted:
        assert "2% of 30 days gone in 1h" in fired[0].summary


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


@pytest.mark.parametrize(("window", "length_s"), [("5m", 300.0), ("30m", 1800.0), ("1h", 3600.0), ("6h", 21600.0)])
def test_a_window_begins_at_the_newest_scrape_that_is_as_old_as_it_is_long(window: str, length_s: float) -> None:
    """All errors came within one second, 1,000 s after the first scrape."""
    for more_s, burn in ((0.0, (50 / 150) / 0.5), (1.0, 0.0)):
        store = SeriesStore(86400.0, 100)
        tracker = SloTracker(store, {"fraud": 0.5})
        now_s = 1000.0 + length_s + more_s
        for t_s, good, total in ((0.0, 0, 0), (1000.0, 1000, 1000), (1001.0, 1000, 1050), (now_s, 1100, 1150)):
            tracker.observe("fraud", good, total, t_s)
        assert _burn(store, window, now_s) == pytest.approx(burn)
    assert list(WINDOWS_S) == ["5m", "30m", "1h", "6h"]


@pytest.mark.parametrize("objective", [0.0, 1.0, -0.5, 1.5])
def test_an_objective_lies_between_nothing_and_everything(objective: float) -> None:
    with pytest.raises(AssertionError, match="objective of fraud"):
        SloTracker(SeriesStore(60.0, 10), {"fraud": objective})


@pytest.mark.parametrize(("good", "total"), [(-0.5, 1.0), (2.0, 1.0)])
def test_good_requests_are_some_of_all(good: float, total: float) -> None:
    with pytest.raises(AssertionError, match="good of"):
        SloTracker(SeriesStore(60.0, 10), {"fraud": 0.9}).observe("fraud", good, total, 0.0)


@pytest.mark.parametrize(
    ("scrapes", "burn"),
    [
        ([(0, 0), (0, 1)], 10.0),
        ([(0, 0), (100, 100), (50, 120)], (70 / 220) / 0.1),
        ([(0, 0), (5, 10), (10, 12)], (5 / 12) / 0.1),
        ([(900, 1000), (990, 1100)], (10 / 100) / 0.1),
    ],
    ids=["one request", "good ones alone fell: a reset", "good ones come late", "what was before the first scrape"],
)
def test_counters_as_servers_report_them(scrapes: list[tuple[float, float]], burn: float) -> None:
    store = SeriesStore(86400.0, 100)
    tracker = SloTracker(store, {"fraud": 0.9})
    for step, (good, total) in enumerate(scrapes):
        tracker.observe("fraud", good, total, 15.0 * step)
    assert _burn(store, "5m", 15.0 * (len(scrapes) - 1)) == pytest.approx(burn)


def test_history_reaches_back_twice_the_longest_window() -> None:
    for gap_s, burn in ((4 * 3600.0, 5.0), (13 * 3600.0, None)):
        store = SeriesStore(7 * 86400.0, 100)
        tracker = SloTracker(store, {"fraud": 0.9})
        for step, (good, total) in enumerate([(0, 0), (0, 100), (100, 200)]):
            tracker.observe("fraud", good, total, gap_s * step)
        assert _burn(store, "6h", 2 * gap_s) == pytest.approx(burn)
