"""How a healthy week is made of readings: what is held, what grows, which reading stands for another."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from reference_platform.monitoring.series import SeriesStore
from reference_platform.monitoring.slo import BURN_RATE, ERROR_RATIO, SloTracker
from simulator.session import healthy_week
from simulator.session.healthy_week import Week, flows, is_measured

NAN = float("nan")


def test_a_series_of_the_week_keeps_its_newest_sixteen_thousand_points() -> None:
    times_s = np.arange(15_999, dtype=np.float64)
    for earlier, first_s in ((1, -1.0), (2, -1.0), (3, -1.0)):
        past_s = np.arange(-earlier, 0, dtype=np.float64)
        week = Week(times_s, {("up", ()): np.ones(len(times_s))}, {("up", ()): (past_s, past_s)})
        (series,) = week.store(["up"]).select("up")
        assert (len(series), series.times_s[0]) == (16_000, first_s)


def test_a_week_forgets_what_is_older_than_three_weeks() -> None:
    weeks_s = 7 * 86400.0
    past_s = np.array([-2.0 * weeks_s - 1.0, -2.0 * weeks_s])
    week = Week(np.array([weeks_s]), {("up", ()): np.ones(1)}, {("up", ()): (past_s, past_s)})
    (series,) = week.store(["up"]).select("up")
    assert series.times_s.tolist() == [-2.0 * weeks_s, weeks_s]


def test_a_series_that_ends_is_marked_once() -> None:
    values = np.array([NAN, 1.0, NAN, NAN, 2.0, NAN])
    (series,) = Week(np.arange(6.0), {("up", ()): values}, {}).store(["up"]).select("up")
    assert series.times_s.tolist() == [1.0, 2.0, 4.0, 5.0]
    assert np.isnan(series.values).tolist() == [False, True, False, True]


def test_requests_flow_seventeen_minutes_later_in_every_hour() -> None:
    assert [minute for minute in range(180) if flows(minute)] == [0, 1, 2, 3, 77, 78, 79, 80, 154, 155, 156, 157]
    assert [minute for minute in range(180) if is_measured(minute)] == [2, 3, 79, 80, 156, 157]


def test_every_reading_stands_for_one_of_the_hours_around_it_equally_often() -> None:
    source = healthy_week._sources()
    measured = [reading for reading in range(healthy_week.MINUTES) if is_measured(reading)]
    assert source[measured].tolist() == measured
    apart = source // 60 - np.arange(healthy_week.MINUTES) // 60
    assert np.unique(apart).tolist() == [-1, 0, 1]
    shares = np.bincount(apart + 1) / len(apart)
    assert shares == pytest.approx([1 / 3] * 3, abs=0.03)
    assert {0, 1} == set(source[4:60] // 60), "the first hour stands for itself and for the second"
    assert len(source) == 7 * 24 * 60
    assert set(source.tolist()) == set(measured), "first and last hour included"


def test_a_report_of_quality_is_the_first_at_or_after_or_else_the_last() -> None:
    row = np.array([NAN, 5.0, NAN, NAN, 6.0, NAN, NAN])
    assert healthy_week._judged(np.array([0, 1, 2, 4, 5, 6]), row).tolist() == [1, 1, 4, 4, 4, 4]
    source = np.array([3, 0])
    assert healthy_week._judged(source, np.full(7, NAN)).tolist() == [3, 0]


@pytest.mark.parametrize(
    ("name", "row", "held"),
    [
        ("replicas", [NAN, 3.0, NAN, NAN, 5.0, NAN], [NAN, 3.0, 3.0, 3.0, 5.0, 5.0]),
        ("event_age_seconds", [NAN, 3.0, NAN, NAN, 5.0, NAN], [NAN, 3.0, 63.0, 123.0, 5.0, 65.0]),
        ("replicas", [0.0, NAN, NAN, NAN, NAN, 1.0], [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]),
        ("event_age_seconds", [NAN] * 6, [NAN] * 6),
    ],
)
def test_a_value_stands_until_the_next_reading_and_an_age_grows(
    name: str, row: list[float], held: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(healthy_week, "MINUTES", 6)
    np.testing.assert_array_equal(healthy_week._held(name, np.array(row)), np.array(held))


def test_a_counter_grows_from_nothing_and_over_as_many_readings_as_asked() -> None:
    counter = np.array([2.0, 3.0, 7.0, 7.0, 12.0])
    assert healthy_week._growth(counter).tolist() == [2.0, 1.0, 4.0, 0.0, 5.0]
    assert healthy_week._grown(counter, 1).tolist() == [2.0, 1.0, 4.0, 0.0, 5.0]
    assert healthy_week._grown(counter, 2).tolist() == [2.0, 3.0, 5.0, 4.0, 5.0]


def test_budgets_of_a_week_are_those_that_the_tracker_works_out() -> None:
    """The tracker covers what history there is; a week's first windows reach back to nothing, as its counters do."""
    rng = np.random.default_rng(3)
    rows: dict[Any, Any] = {
        ("shop_responses_total", (("route", "fraud"), ("source", source))): np.cumsum(rng.integers(0, most, 500)) * 1.0
        for source, most in (("model", 90), ("default", 4), ("error", 3))
    }
    spec = SimpleNamespace(slo=SimpleNamespace(availability=0.995), models=[SimpleNamespace(name="fraud")])
    made = healthy_week._budgets(rows, SimpleNamespace(spec=spec))  # type: ignore[arg-type]
    model, default, error = rows.values()
    store = SeriesStore(86400.0, 10_000)
    tracker = SloTracker(store, {"fraud": 0.995})
    tracker.observe("fraud", 0.0, 0.0, -60.0)
    for reading in range(500):
        good = float(model[reading])
        tracker.observe("fraud", good, good + float(default[reading] + error[reading]), 60.0 * reading)
    for name in (ERROR_RATIO, BURN_RATE):
        for window in ("5m", "30m", "1h", "6h"):
            labels = {"route": "fraud", "window": window}
            tracked = store.series(name, labels).values
            np.testing.assert_allclose(made[name, tuple(labels.items())], tracked, rtol=1e-9)
