"""Series keep what they promise in bounded memory."""

from __future__ import annotations

import numpy as np
import pytest

from reference_platform.monitoring.series import Matcher, SeriesStore


def test_same_name_and_labels_are_the_same_series_in_any_label_order() -> None:
    store = SeriesStore(3600.0, 100)
    assert store.series("m", {"a": "1", "b": "2"}) is store.series("m", {"b": "2", "a": "1"})
    assert store.series("m", {"a": "1", "b": ""}) is store.series("m", {"a": "1"})


def test_window_is_open_on_the_left_and_closed_on_the_right() -> None:
    series = SeriesStore(3600.0, 100).series("m", {})
    for t_s in (0.0, 10.0, 20.0, 30.0):
        series.append(t_s, t_s)
    assert series.window(10.0, 30.0).times_s.tolist() == [20.0, 30.0]
    assert series.window(-1.0, 10.0).values.tolist() == [0.0, 10.0]
    assert len(series.window(30.0, 99.0)) == 0


def test_views_cannot_change_the_series() -> None:
    series = SeriesStore(3600.0, 100).series("m", {})
    series.append(0.0, 1.0)
    with pytest.raises(ValueError, match="read-only"):
        series.values[0] = 2.0


def test_points_older_than_retention_are_gone() -> None:
    series = SeriesStore(60.0, 1000).series("m", {})
    for t_s in range(0, 200, 10):
        series.append(float(t_s), 1.0)
    assert series.times_s[0] == 130.0
    assert series.value_at(120.0, 300.0) is None


def test_a_second_value_for_the_same_instant_replaces_the_first() -> None:
    series = SeriesStore(60.0, 10).series("m", {})
    series.append(1.0, 1.0)
    series.append(1.0, 2.0)
    assert series.values.tolist() == [2.0]
    with pytest.raises(AssertionError):
        series.append(0.5, 1.0)


def test_value_at_looks_back_less_than_the_lookback() -> None:
    series = SeriesStore(3600.0, 10).series("m", {})
    series.append(0.0, 7.0)
    assert series.value_at(299.0, 300.0) == 7.0
    assert series.value_at(300.0, 300.0) is None
    assert series.value_at(-1.0, 300.0) is None
    series.append(60.0, 8.0)
    assert series.value_at(59.0, 300.0) == 7.0


def test_a_stale_marker_ends_the_value_at_once_and_stays_out_of_windows() -> None:
    series = SeriesStore(3600.0, 10).series("m", {})
    series.append(0.0, 7.0)
    series.mark_stale(10.0)
    assert series.value_at(10.0, 300.0) is None
    assert series.value_at(9.0, 300.0) == 7.0
    assert series.window(-1.0, 20.0).values.tolist() == [7.0]
    series.append(20.0, 8.0)
    assert series.value_at(20.0, 300.0) == 8.0
    assert np.isnan(series.values).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("op", "value", "pods"),
    [
        ("=", "a-1", ["a-1"]),
        ("!=", "a-1", ["", "a-2", "b-1"]),
        ("=~", "a-.*", ["a-1", "a-2"]),
        ("=~", "a", []),
        ("!~", "a-.*", ["", "b-1"]),
        ("=", "", [""]),
    ],
)
def test_matchers_match_whole_values_and_absent_labels_as_empty(op: str, value: str, pods: list[str]) -> None:
    store = SeriesStore(3600.0, 10)
    for pod in ("b-1", "a-2", "a-1", ""):
        store.append("m", {"pod": pod}, 0.0, 1.0)
    matcher = Matcher("pod", op, value)  # type: ignore[arg-type]
    assert [dict(series.labels).get("pod", "") for series in store.select("m", [matcher])] == pods


def test_select_sees_series_that_appear_after_the_first_selection() -> None:
    store = SeriesStore(3600.0, 10)
    assert store.select("m") == ()
    store.append("m", {"pod": "a"}, 0.0, 1.0)
    assert len(store.select("m")) == 1
    store.append("m", {"pod": "b"}, 0.0, 1.0)
    assert len(store.select("m")) == 2
    assert store.names() == ["m"]


def test_series_beyond_the_maximum_are_counted_and_never_found() -> None:
    store = SeriesStore(3600.0, 10, series_max=2)
    for pod in "abc":
        store.append("m", {"pod": pod}, 0.0, 1.0)
    assert len(store) == len(store.select("m")) == 2
    assert store.refused == 1


@pytest.mark.parametrize(("retention_s", "points_max"), [(0.0, 10), (-1.0, 10), (60.0, 0)])
def test_a_store_keeps_something(retention_s: float, points_max: int) -> None:
    with pytest.raises(AssertionError):
        SeriesStore(retention_s, points_max)


def test_many_different_selections_are_answered_as_one_is() -> None:
    store = SeriesStore(60.0, 10)
    store.append("m", {"pod": "a"}, 0.0, 1.0)
    for number in range(2_100):
        assert store.select("m", [Matcher("pod", "=", f"b{number}")]) == ()
    assert len(store.select("m", [Matcher("pod", "=", "a")])) == 1
    assert len(store._selections) <= 2_000
