"""Drift verdicts: one per feature and closed window, honest about sample size."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from reference_platform.monitoring.drift import PsiMonitor, PsiResult
from reference_platform.monitoring.promql import evaluate, parse
from reference_platform.monitoring.psi import fit_reference
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
