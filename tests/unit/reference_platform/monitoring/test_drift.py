"""Drift verdicts: one per feature and closed window, honest about sample size."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from reference_platform.monitoring.drift import PsiMonitor, PsiResult
from reference_platform.monitoring.promql import evaluate, parse
from reference_platform.monitoring.psi import (
    ReferenceStats,
    cell_counts,
    expected_under_no_drift,
    fit_reference,
    noise_threshold,
    psi,
)
from reference_platform.monitoring.series import SeriesStore

HOUR_S = 3600.0


def _monitor(**options: float) -> PsiMonitor:
    rng = np.random.default_rng(0)
    features = {"still": fit_reference(rng.normal(size=20_000)), "moving": fit_reference(rng.normal(size=20_000))}
    return PsiMonitor({"fraud": features}, **options)  # type: ignore[arg-type]


def _batch(rows: int, shift: float, seed: int = 1) -> NDArray[np.float32]:
    batch = np.random.default_rng(seed).normal(size=(rows, 2))
    batch[:, 1] += shift
    return batch.astype(np.float32)


def _hour(rows: int, shift: float) -> list[PsiResult]:
    monitor = _monitor()
    for part in range(4):
        assert monitor.observe("fraud", _batch(rows // 4, shift, part), part * 600.0) == []
    return monitor.advance(HOUR_S)


@pytest.mark.parametrize(("shift", "level"), [(0.0, "ok"), (0.38, "warning"), (0.47, "significant"), (1.0, "critical")])
def test_levels_follow_the_size_of_the_shift(shift: float, level: str) -> None:
    still, moving = _hour(8_000, shift)
    assert (still.level, moving.level) == ("ok", level)
    assert (moving.feature, moving.window, moving.n, moving.t_s) == ("moving", "1h", 8_000, HOUR_S)
    assert moving.limits == (0.1, 0.2, 0.25)
    assert 0 <= moving.psi_corrected < moving.psi
    if level == "critical":
        assert moving.driver.startswith(">= ")


def test_small_samples_get_higher_limits_and_tiny_ones_no_verdict() -> None:
    _, few = _hour(240, 0.0)
    assert few.level == "ok"
    assert few.limits[0] > 0.1
    _, fewer = _hour(40, 3.0)
    assert (fewer.level, fewer.n) == ("insufficient data", 40)


def test_no_false_alarm_in_ten_days_without_drift() -> None:
    monitor = _monitor()
    rng = np.random.default_rng(5)
    results: list[PsiResult] = []
    for hour in range(241):
        results += monitor.observe("fraud", rng.normal(size=(300, 2)).astype(np.float32), hour * HOUR_S)
    assert len(results) == 2 * (240 + 10)
    assert {result.level for result in results} == {"ok"}


def test_a_day_is_the_sum_of_its_hours() -> None:
    monitor = _monitor()
    for hour in range(24):
        monitor.observe("fraud", _batch(100, 0.8, hour), hour * HOUR_S)
    results = monitor.advance(24 * HOUR_S)
    assert [(result.window, result.n) for result in results] == [("1h", 100)] * 2 + [("1d", 2_400)] * 2
    assert results[0].level == "insufficient data"
    assert results[3].level == "critical"
    assert monitor.latest("fraud") == results


def test_a_batch_at_the_boundary_belongs_to_the_next_window() -> None:
    monitor = _monitor(rows_min=1)
    monitor.observe("fraud", _batch(10, 0.0), 0.0)
    assert [result.n for result in monitor.observe("fraud", _batch(7, 0.0), HOUR_S)] == [10, 10]
    assert monitor.next_wake_s() == 2 * HOUR_S
    assert [result.n for result in monitor.advance(2 * HOUR_S)] == [7, 7]


def test_new_reference_starts_an_empty_window() -> None:
    monitor = _monitor()
    monitor.observe("fraud", _batch(1_000, 2.0), 0.0)
    monitor.set_reference("fraud", {"only": fit_reference(np.arange(50.0))})
    assert [(result.feature, result.n) for result in monitor.advance(HOUR_S)] == [("only", 0)]


def test_scrape_repeats_the_latest_verdict_and_ends_it_when_data_are_insufficient() -> None:
    monitor, store = _monitor(), SeriesStore(86400.0, 1_000)
    monitor.scrape(store, 0.0)
    assert store.names() == []
    monitor.observe("fraud", _batch(4_000, 1.0), 0.0)
    monitor.advance(HOUR_S)
    query = parse('feature_psi_level{window="1h"} >= 3')
    for now_s in (HOUR_S, HOUR_S + 1_000):
        monitor.scrape(store, now_s)
        answer = evaluate(query, store, now_s)
        assert isinstance(answer, list)
        assert [(sample.label("model"), sample.label("feature")) for sample in answer] == [("fraud", "moving")]
    monitor.advance(2 * HOUR_S)
    monitor.scrape(store, 2 * HOUR_S)
    assert evaluate(parse("feature_psi"), store, 2 * HOUR_S) == []


def _features() -> dict[str, ReferenceStats]:
    """Cells of three widths: many intervals, single values among intervals, and single values alone."""
    rng = np.random.default_rng(11)
    return {
        "smooth": fit_reference(rng.normal(size=5_000)),
        "spiky": fit_reference(np.concatenate((np.zeros(2_000), rng.normal(size=3_000), np.full(500, 2.5)))),
        "few": fit_reference(np.repeat([0.0, 1.0], 2_000)),
    }


def _columns(rows: int, seed: int, features: dict[str, ReferenceStats]) -> NDArray[np.float32]:
    """Values around, on the edges and points of, and missing from each feature."""
    rng = np.random.default_rng(seed)
    columns = rng.normal(0.3, 1.2, size=(rows, len(features))).astype(np.float32)
    for column, reference in enumerate(features.values()):
        exact = np.concatenate((reference.edges[1:-1], reference.points)).astype(np.float32)
        if len(exact):
            columns[: rows // 3, column] = rng.choice(exact, rows // 3)
        columns[rows // 3 : rows // 3 + 10 * (column + 1), column] = np.nan
    return columns


def test_what_is_counted_batch_by_batch_is_what_a_count_of_all_rows_finds() -> None:
    features = _features()
    monitor = PsiMonitor({"fraud": features})
    for hour in range(3):
        parts = [_columns(400, 10 * hour + part, features) for part in range(2)]
        for part, columns in enumerate(parts):
            monitor.observe("fraud", columns, hour * HOUR_S + 600.0 * part)
        closed = monitor.advance((hour + 1) * HOUR_S)
        whole = np.concatenate(parts)
        assert [result.feature for result in closed] == list(features)
        for column, result in enumerate(closed):
            reference = features[result.feature]
            counts = cell_counts(reference, whole[:, column])
            cells = int(np.count_nonzero(counts + reference.counts))
            value = psi(reference, counts)
            # One in a hundred days may raise a false alarm: 3 features, 24 hours, and as many tests for the days.
            noise = noise_threshold(reference.n, 800, cells, 0.01 / (2 * 3 * 24))
            assert (result.n, result.t_s) == (800, (hour + 1) * HOUR_S)
            assert result.psi == pytest.approx(value)
            assert result.psi_corrected == pytest.approx(
                max(0.0, value - expected_under_no_drift(reference.n, 800, cells))
            )
            assert result.limits == pytest.approx(tuple(max(limit, noise) for limit in (0.1, 0.2, 0.25)))


def test_a_day_is_tested_once_a_day() -> None:
    features = _features()
    monitor = PsiMonitor({"fraud": features})
    columns = _columns(240, 1, features)
    monitor.observe("fraud", columns, 0.0)
    day = [result for result in monitor.advance(86_400.0) if result.window == "1d"]
    assert {result.t_s for result in day} == {86_400.0}
    for column, result in enumerate(day):
        reference = features[result.feature]
        cells = int(np.count_nonzero(cell_counts(reference, columns[:, column]) + reference.counts))
        noise = noise_threshold(reference.n, 240, cells, 0.01 / (2 * 3))
        assert result.limits == pytest.approx(tuple(max(limit, noise) for limit in (0.1, 0.2, 0.25)))


def test_nothing_is_less_than_no_drift_after_correction() -> None:
    reference = fit_reference(np.arange(1_000.0))
    monitor = PsiMonitor({"fraud": {"same": reference}})
    monitor.observe("fraud", np.arange(1_000.0, dtype=np.float32)[:, None], 0.0)
    (result,) = monitor.advance(HOUR_S)
    assert result.psi == pytest.approx(0.0, abs=1e-9)
    assert result.psi_corrected == 0.0


@pytest.mark.parametrize(("rows", "judged"), [(199, False), (200, True)])
def test_two_hundred_rows_are_enough_for_a_verdict(rows: int, judged: bool) -> None:
    monitor = _monitor()
    monitor.observe("fraud", _batch(rows, 0.0), 0.0)
    for result in monitor.advance(HOUR_S):
        assert (result.level != "insufficient data") == judged
        assert (result.psi > 0.0) == judged
        if not judged:
            assert (result.psi, result.psi_corrected, result.driver) == (0.0, 0.0, "")


def test_a_batch_has_a_column_for_every_feature() -> None:
    with pytest.raises(AssertionError, match="3 columns, 2 features"):
        _monitor().observe("fraud", np.zeros((4, 3), dtype=np.float32), 0.0)


@pytest.mark.parametrize(
    ("options", "fine"),
    [
        ({"rows_min": 1}, True),
        ({"rows_min": 0}, False),
        ({"false_alarms_per_day": 0.5}, True),
        ({"false_alarms_per_day": 0.0}, False),
        ({"false_alarms_per_day": -0.5}, False),
        ({"false_alarms_per_day": 1.0}, False),
        ({"false_alarms_per_day": 1.5}, False),
    ],
)
def test_chances_are_between_none_and_certain(options: dict[str, float], fine: bool) -> None:
    if fine:
        _monitor(**options)
        return
    with pytest.raises(AssertionError):
        _monitor(**options)


def test_a_model_without_features_has_no_verdicts() -> None:
    monitor = PsiMonitor({"fraud": {}})
    monitor.observe("fraud", np.zeros((4, 0), dtype=np.float32), 0.0)
    assert monitor.advance(86_400.0) == []


@pytest.mark.parametrize(("missing", "cells"), [(0, 10), (1, 11), (5, 11)])
def test_a_cell_that_is_empty_on_both_sides_says_nothing(missing: int, cells: int) -> None:
    """Nobody misses a value in the reference, so the cell of missing values counts only once somebody does."""
    monitor, batch = _monitor(false_alarms_per_day=0.5), _batch(240, 0.0)
    batch[:missing, 1] = np.nan
    monitor.observe("fraud", batch, 0.0)
    _, moving = monitor.advance(HOUR_S)
    tests_per_day = 2 * 2 * 24
    noise = noise_threshold(20_000, 240, cells, 0.5 / tests_per_day)
    assert moving.limits == tuple(max(threshold, noise) for threshold in (0.1, 0.2, 0.25))
    assert moving.psi_corrected == max(0.0, moving.psi - expected_under_no_drift(20_000, 240, cells))


def test_a_limit_that_is_just_reached_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    _, moving = _hour(8_000, 0.3)
    monkeypatch.setattr("reference_platform.monitoring.drift.THRESHOLDS", (moving.psi / 2, moving.psi, 1.0))
    assert _hour(8_000, 0.3)[1].level == "significant"
