"""What queries mean at their edges: units, strings, gaps, zeros, and matching that finds nothing at first."""

from __future__ import annotations

import math

import pytest

from reference_platform.errors import CommandError
from reference_platform.monitoring.promql import Scalar, evaluate, parse
from reference_platform.monitoring.promql_nodes import Kind
from reference_platform.monitoring.promql_tokens import QUERY_CHARS_MAX, duration_s
from reference_platform.monitoring.series import SeriesStore


def _store(**values: float) -> SeriesStore:
    """Series `m` with one label `x`, in this order, at time 0."""
    store = SeriesStore(86400.0, 1_000)
    for x, value in values.items():
        store.append("m", {"x": x}, 0.0, value)
    return store


def _found(query: str, store: SeriesStore, now_s: float = 0.0) -> dict[str, float]:
    answer = evaluate(parse(query), store, now_s)
    assert isinstance(answer, list)
    return {sample.label("x"): sample.value for sample in answer}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1ms", 0.001), ("1s", 1), ("1m", 60), ("1h", 3600), ("1d", 86400), ("1w", 604800), ("1d2h3m4s", 93784)],
)
def test_a_duration_is_the_sum_of_its_parts(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


def test_the_longest_query_is_read_and_the_next_is_told_how_long_it_may_be() -> None:
    assert parse("a" * QUERY_CHARS_MAX).kind is Kind.INSTANT
    with pytest.raises(CommandError, match="has 4001 characters") as caught:
        parse("a" * (QUERY_CHARS_MAX + 1))
    assert caught.value.fix == "keep it below 4001"


def test_backticks_keep_every_character_between_them() -> None:
    store = _store(abc=1.0, **{"a.c": 2.0})
    assert _found("m{x=`abc`}", store) == {"abc": 1.0}
    assert _found(r"m{x=~`a\.c`}", store) == {"a.c": 2.0}
    assert _found("m{x=``}", store) == {}


@pytest.mark.parametrize("word", ["5x", "1.2.3", "7minutes"])
def test_a_wrong_number_is_shown_whole(word: str) -> None:
    with pytest.raises(CommandError, match=f'"{word}" is neither'):
        parse(f"m > {word}")


@pytest.mark.parametrize("query", ["and > 1", "by > 1", "bool", "without", "offset 5m", "1 + unless"])
def test_a_word_of_the_language_is_no_metric(query: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse(query)
    assert "expected a metric" in caught.value.fix


def test_labels_to_group_by_are_parted_by_commas() -> None:
    store = SeriesStore(100.0, 10)
    store.append("m", {"x": "1", "y": "1"}, 0.0, 1.0)
    store.append("m", {"x": "1", "y": "2"}, 0.0, 1.0)
    for labels, groups in (("x, y", 2), ("x,", 1), ("x", 1), ("", 1)):
        answer = evaluate(parse(f"sum by ({labels}) (m)"), store, 0.0)
        assert isinstance(answer, list)
        assert len(answer) == groups, labels
    with pytest.raises(CommandError) as caught:
        parse("sum by (x y) (m)")
    assert ", or )" in caught.value.fix


def test_depth_is_what_is_open_at_once() -> None:
    with pytest.raises(CommandError, match="nested too deeply"):
        parse(" + ".join([*["(1)"] * 20, "(" * 50 + "1" + ")" * 50]))


def test_numbers_alone_are_a_number_and_anything_with_series_is_not() -> None:
    kinds = {query: parse(query).kind for query in ("1 + 2", "1 + m", "m + 1", "m + m", "-(1)", "-m")}
    assert kinds == {
        "1 + 2": Kind.SCALAR,
        "1 + m": Kind.INSTANT,
        "m + 1": Kind.INSTANT,
        "m + m": Kind.INSTANT,
        "-(1)": Kind.SCALAR,
        "-m": Kind.INSTANT,
    }


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("1 / 0", math.inf),
        ("5 / 0", math.inf),
        ("-5 / 0", -math.inf),
        ("1 / -0", -math.inf),
        ("-1 / -0", math.inf),
        ("0 / 0", math.nan),
        ("NaN / 0", math.nan),
        ("1 / NaN", math.nan),
        ("10 % 0", math.nan),
        ("0 % 0", math.nan),
        ("Inf % 3", math.nan),
        ("10 % 1", 0.0),
        ("10 % -1", 0.0),
        ("-7 % 4", -3.0),
        ("7 % Inf", 7.0),
    ],
)
def test_division_follows_ieee(query: str, value: float) -> None:
    answer = evaluate(parse(query), _store(), 0.0)
    assert isinstance(answer, Scalar)
    assert answer.value == pytest.approx(value, nan_ok=True)


def test_a_series_without_a_partner_stops_none_that_comes_later() -> None:
    store = _store(a=1.0, b=2.0, c=3.0)
    store.append("n", {"x": "b"}, 0.0, 10.0)
    store.append("n", {"x": "c"}, 0.0, 10.0)
    assert _found("m * n", store) == {"b": 20.0, "c": 30.0}


def _counter(first_s: float, values: list[float], step_s: float = 10.0) -> SeriesStore:
    store = SeriesStore(86400.0, 1_000)
    for step, value in enumerate(values):
        store.append("c", {"x": "1"}, first_s + step * step_s, value)
    return store


@pytest.mark.parametrize(
    ("before_s", "after_s", "seen_s"),
    [(10.9, 0.0, 50.9), (11.0, 0.0, 45.0), (30.0, 0.0, 45.0), (0.0, 10.9, 50.9), (0.0, 11.0, 45.0), (0.0, 30.0, 45.0)],
)
def test_a_way_of_one_point_one_intervals_is_a_gap_and_counts_for_half_an_interval(
    before_s: float, after_s: float, seen_s: float
) -> None:
    """Five points ten seconds apart, growing by one a second from far above zero.

    A range is open on the left: a point on its border does not count, and the way to the next is no gap.
    """
    store = _counter(1000.0 + before_s, [500.0 + 10.0 * step for step in range(5)])
    range_s = before_s + 40.0 + after_s
    answer = _found(f"increase(c[{round(range_s * 1000)}ms])", store, 1000.0 + range_s)
    assert answer["1"] == pytest.approx(seen_s)


@pytest.mark.parametrize(
    ("values", "increase"),
    [
        ([0.0, 0.5, 1.0], 1.0),
        ([0.0, 0.25, 0.5], 0.5),
        ([0.5, 1.0, 1.5], 1.0 * 25.0 / 20.0),
        ([1.0, 3.0, 5.0], 4.0 * 25.0 / 20.0),
        ([1.0, 6.0, 11.0], 10.0 * 22.0 / 20.0),
        ([-0.5, 0.0, 0.5], 1.0 * 25.0 / 20.0),
    ],
)
def test_a_counter_is_followed_back_to_zero_and_no_further(values: list[float], increase: float) -> None:
    """Three points in twenty seconds, the first five seconds after the range begins."""
    assert _found("increase(c[25s])", _counter(5.0, values), 25.0)["1"] == pytest.approx(increase)
