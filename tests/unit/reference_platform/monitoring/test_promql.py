"""Queries mean what Prometheus means by them, and wrong ones say where and what to do."""

from __future__ import annotations

import math

import pytest

from reference_platform.errors import CommandError
from reference_platform.monitoring.promql import Scalar, evaluate, parse
from reference_platform.monitoring.series import SeriesStore

NOW_S = 3600.0
ROUTES = (("search", 10.0), ("fraud", 20.0))


def _store() -> SeriesStore:
    store = SeriesStore(30 * 86400.0, 5_000)
    for step in range(241):
        t_s = step * 15.0
        for route, per_step in ROUTES:
            for pod in ("p1", "p2"):
                store.append("requests_total", {"route": route, "pod": pod}, t_s, per_step * step)
            store.append("errors_total", {"route": route}, t_s, per_step * step / 10)
            store.append("depth", {"route": route}, t_s, per_step)
    return store


def _values(query: str, store: SeriesStore | None = None, now_s: float = NOW_S) -> dict[str, float]:
    answer = evaluate(parse(query), store or _store(), now_s)
    assert isinstance(answer, list)
    return {",".join(f"{label}={value}" for label, value in sample.labels): sample.value for sample in answer}


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("depth", {"__name__=depth,route=fraud": 20, "__name__=depth,route=search": 10}),
        ("depth > 15", {"__name__=depth,route=fraud": 20}),
        ("15 > depth", {"__name__=depth,route=search": 10}),
        ("depth > bool 15", {"route=fraud": 1, "route=search": 0}),
        ('depth{route="fraud"} * 2', {"route=fraud": 40}),
        ('depth{route=~"f.*"}', {"__name__=depth,route=fraud": 20}),
        ("-depth", {"route=fraud": -20, "route=search": -10}),
        ("depth - depth", {"route=fraud": 0, "route=search": 0}),
        ("sum(depth)", {"": 30}),
        ("avg(depth)", {"": 15}),
        ("max(depth) - min(depth)", {"": 10}),
        ("count(requests_total)", {"": 4}),
        ("count by (route) (requests_total)", {"route=fraud": 2, "route=search": 2}),
        ("count(requests_total) without (pod)", {"route=fraud": 2, "route=search": 2}),
        ("sum by (route) (rate(requests_total[5m]))", {"route=fraud": 8 / 3, "route=search": 4 / 3}),
        ("increase(errors_total[10m])", {"route=fraud": 80, "route=search": 40}),
        ("delta(depth[10m])", {"route=fraud": 0, "route=search": 0}),
        ("count_over_time(depth[1m])", {"route=fraud": 4, "route=search": 4}),
        ("sum_over_time(depth[1m])", {"route=fraud": 80, "route=search": 40}),
        ("avg_over_time(depth[1h30m])", {"route=fraud": 20, "route=search": 10}),
        ("max_over_time(errors_total[1m])", {"route=fraud": 480, "route=search": 240}),
        ("min_over_time(errors_total[1m])", {"route=fraud": 474, "route=search": 237}),
        ("last_over_time(depth[1m]) > 15", {"__name__=depth,route=fraud": 20}),
        (
            "errors_total offset 30m",
            {"__name__=errors_total,route=fraud": 240, "__name__=errors_total,route=search": 120},
        ),
        ("abs(-depth)", {"route=fraud": 20, "route=search": 10}),
        ("clamp_min(depth, 15)", {"route=fraud": 20, "route=search": 15}),
        ("clamp_max(depth, 15)", {"route=fraud": 15, "route=search": 10}),
        ("irate(errors_total[5m])", {"route=fraud": 2 / 15, "route=search": 1 / 15}),
        ("idelta(errors_total[5m])", {"route=fraud": 2, "route=search": 1}),
        ("irate(depth[15s])", {}),
        ("deriv(errors_total[5m])", {"route=fraud": 2 / 15, "route=search": 1 / 15}),
        ("deriv(depth[15s])", {}),
        ("changes(depth[10m])", {"route=fraud": 0, "route=search": 0}),
        ("changes(errors_total[1m])", {"route=fraud": 3, "route=search": 3}),
        ("resets(errors_total[1m])", {"route=fraud": 0, "route=search": 0}),
        ("stddev_over_time(depth[1m])", {"route=fraud": 0, "route=search": 0}),
        ("topk(1, depth)", {"__name__=depth,route=fraud": 20}),
        ("bottomk(1, depth)", {"__name__=depth,route=search": 10}),
        ("topk(0, depth)", {}),
        ("topk(9, depth)", {"__name__=depth,route=fraud": 20, "__name__=depth,route=search": 10}),
        ("topk(1, depth) by (route)", {"__name__=depth,route=fraud": 20, "__name__=depth,route=search": 10}),
        ("quantile(0.25, depth)", {"": 12.5}),
        ("quantile(1, depth)", {"": 20}),
        ("quantile(2, depth)", {"": math.inf}),
        ("quantile(-1, depth)", {"": -math.inf}),
        ("stddev(depth)", {"": 5}),
        ("ceil(depth / 8)", {"route=fraud": 3, "route=search": 2}),
        ("floor(depth / 8)", {"route=fraud": 2, "route=search": 1}),
        ("round(depth / 8)", {"route=fraud": 3, "route=search": 1}),
        ("round(depth / 8, 0.5)", {"route=fraud": 2.5, "route=search": 1.5}),
        ("sqrt(depth * 5)", {"route=fraud": 10, "route=search": math.sqrt(50)}),
        ("sqrt(-depth) > 0", {}),
        ("nothing or vector(3)", {"": 3}),
        ("absent(depth)", {}),
        ('absent(nothing{route="a",pod=~"b"})', {"route=a": 1}),
        ("depth and errors_total > 300", {"__name__=depth,route=fraud": 20}),
        ("depth unless errors_total > 300", {"__name__=depth,route=search": 10}),
        ("depth > 99 or errors_total > 300", {"__name__=errors_total,route=fraud": 480}),
        ("depth > ignoring(pod) errors_total", {}),
        ("errors_total > on(route) depth", {"route=fraud": 480, "route=search": 240}),
        ("depth and on() nothing", {}),
        ("depth unless on() nothing", {"__name__=depth,route=fraud": 20, "__name__=depth,route=search": 10}),
        ("depth / (errors_total - errors_total)", {"route=fraud": math.inf, "route=search": math.inf}),
        ("nothing > 1", {}),
        ("depth > 5 and depth < 15 # a comment", {"__name__=depth,route=search": 10}),
    ],
)
def test_query_answers(query: str, wanted: dict[str, float]) -> None:
    assert _values(query) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("-2 * 3 - -4", -2),
        ("7 % 4 / 2", 1.5),
        ("2 > bool 1", 1),
        ("1 == bool 2", 0),
        ("1e3 + .5", 1000.5),
        ("-Inf", -math.inf),
        ("-1 / 0", -math.inf),
    ],
)
def test_numbers_follow_precedence_and_ieee(query: str, value: float) -> None:
    assert evaluate(parse(query), _store(), NOW_S) == Scalar(value)


@pytest.mark.parametrize(
    ("query", "column", "hint"),
    [
        ("", 1, "expected a metric"),
        ("depth >", 8, "expected a metric"),
        ("depth > > 1", 9, "expected a metric"),
        ("rate(depth)", 6, "rate(metric[5m])"),
        ("depth[5m]x", 10, "expected an operator"),
        ("sum(depth[5m])", 5, "sum(metric)"),
        ("depth[5m] > 1", 1, "wrap it"),
        ("rat(depth[5m])", 1, 'did you mean "rate"?'),
        ("depth{route=fraud}", 13, "a value in quotes"),
        ('depth{route="fraud"', 20, ", or }"),
        ('depth{route=="fraud"}', 12, "one of = != =~ !~"),
        ('{route="fraud"}', 1, "write name{"),
        ('depth{route="fraud}', 13, "end it with"),
        ('depth{route=~"("}', 14, "escape special characters"),
        ('depth{route=~"a\\.b"}', 16, "backticks"),
        ("depth[5]", 7, "30s, 5m"),
        ("depth[0s]", 7, "30s, 5m"),
        ("depth offset x", 14, "7d"),
        ("depth[5m:1m]", 9, "plain range"),
        ("depth @ 5", 7, "use + - * /"),
        ("2 ^ 3", 3, "use + - * /"),
        ("depth = 5", 7, "use =="),
        ("depth & errors", 7, "and, or, unless"),
        ("1 > 2", 3, "> bool"),
        ("depth and 1", 7, "compare with"),
        ("depth > on(route) 1", 9, "remove on"),
        ("depth + bool 1", 7, "comparison only"),
        ("depth / on(route) group_left errors", 19, "same labels"),
        ("clamp_min(depth)", 1, "clamp_min(metric, 0)"),
        ("clamp_min(depth, depth)", 18, "clamp_min(metric, 0)"),
        ("abs(1)", 5, "abs(metric)"),
        ("5x + 1", 1, "numbers look like"),
        ("5m", 1, "metric[5m]"),
        ("sum by route (depth)", 8, '"("'),
        ("(depth", 7, '")"'),
        ("depth $ 1", 7, "remove it"),
        ("(" * 60, 51, "at most 50"),
        ("1" + "+1" * 101, 202, "at most 100"),
        ("a" * 4001, 4001, "keep it below"),
    ],
)
def test_wrong_queries_name_the_column_and_the_next_action(query: str, column: int, hint: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse(query)
    assert caught.value.where == f"column {column}"
    assert hint in caught.value.fix


def test_values_older_than_five_minutes_are_no_values() -> None:
    store = SeriesStore(3600.0, 10)
    store.append("up", {}, 0.0, 1.0)
    assert _values("up", store, 299.0) == {"__name__=up": 1.0}
    assert _values("up", store, 300.0) == {}
    assert _values("absent(up)", store, 300.0) == {"": 1.0}


def test_one_series_pairing_with_several_is_refused_with_the_labels() -> None:
    with pytest.raises(CommandError, match="several series on the right") as caught:
        _values("errors_total / on(route) requests_total")
    assert 'route="' in caught.value.what
    with pytest.raises(CommandError, match="several series on the left"):
        _values("requests_total / on(route) errors_total")


def test_rate_of_a_counter_that_restarts_counts_both_lives() -> None:
    store = SeriesStore(3600.0, 100)
    for step, value in enumerate((0, 10, 20, 30, 0, 10, 20)):
        store.append("c_total", {}, step * 60.0, float(value))
    assert _values("increase(c_total[6m])", store, 360.0) == pytest.approx({"": 40 * 6 / 5})


def test_rate_extends_to_the_edges_of_the_range_but_no_counter_below_zero() -> None:
    """Nine minutes seen of ten: a counter that was 0 at its first point gains nothing on the left."""
    store = SeriesStore(3600.0, 100)
    for step in range(10):
        store.append("young_total", {}, (step + 1) * 60.0, 6.0 * step)
        store.append("old_total", {}, (step + 1) * 60.0, 600 + 6.0 * step)
    assert _values("increase(young_total[10m])", store, 600.0) == pytest.approx({"": 54})
    assert _values("increase(old_total[10m])", store, 600.0) == pytest.approx({"": 60})
    assert _values("increase(old_total[30m])", store, 600.0) == pytest.approx({"": 57})
    assert _values("rate(old_total[1m])", store, 600.0) == {}


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("10 % 4 * 3", 6.0),
        ("10 * 7 % 4", 2.0),
        ("10 + 10 / 5", 12.0),
        ("10 / 5 / 2", 1.0),
        ("10 - 4 - 3", 3.0),
        ("2 * 3 + 4", 10.0),
        ("-2 + 3", 1.0),
        ("-(2 + 3) * 2", -10.0),
        ("15 > bool 10 + 6", 0.0),
        ("(1 + 2) * 3", 9.0),
    ],
)
def test_operators_bind_as_they_do_in_prometheus(query: str, value: float) -> None:
    answer = evaluate(parse(query), _store(), NOW_S)
    assert isinstance(answer, Scalar)
    assert answer.value == value


@pytest.mark.parametrize(
    ("query", "routes"),
    [
        ('depth or depth{route="fraud"} and depth{route="none"}', {"search", "fraud"}),
        ('depth{route="none"} and depth or depth{route="fraud"}', {"fraud"}),
        ('depth{route="search"} or depth unless depth{route="search"}', {"search", "fraud"}),
        ('depth unless depth{route="search"} and depth{route="fraud"}', {"fraud"}),
        ("depth > 5 + 10", {"fraud"}),
        ("depth > 5 and depth < 15", {"search"}),
        ('(depth or depth{route="none"})', {"search", "fraud"}),
        ('sum by (route) (depth or depth{route="none"})', {"search", "fraud"}),
        ('abs(depth{route="fraud"} or depth{route="none"})', {"fraud"}),
    ],
)
def test_sets_bind_looser_than_comparisons_and_or_the_loosest(query: str, routes: set[str]) -> None:
    answer = evaluate(parse(query), _store(), NOW_S)
    assert isinstance(answer, list)
    assert {sample.label("route") for sample in answer} == routes


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("abs(depth, 1)", "abs takes 1 argument, not 2"),
        ("rate()", "rate takes 1 argument, not 0"),
        ("abs(depth 1)", r'expected "\)"'),
    ],
)
def test_the_number_of_arguments_is_told(query: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        parse(query)


def test_many_brackets_one_after_the_other_are_not_deep() -> None:
    answer = evaluate(parse(" + ".join(["(1)"] * 60)), _store(), NOW_S)
    assert isinstance(answer, Scalar)
    assert answer.value == 60.0


@pytest.mark.parametrize(
    ("query", "routes"),
    [
        ("sort(depth)", ["search", "fraud"]),
        ("sort_desc(depth)", ["fraud", "search"]),
        ("topk(2, depth)", ["fraud", "search"]),
        ("bottomk(2, depth)", ["search", "fraud"]),
    ],
)
def test_what_is_sorted_comes_in_order(query: str, routes: list[str]) -> None:
    answer = evaluate(parse(query), _store(), NOW_S)
    assert isinstance(answer, list)
    assert [sample.label("route") for sample in answer] == routes


def test_a_counter_that_began_again_has_grown_from_nothing() -> None:
    store = SeriesStore(3_600.0, 100)
    for t_s, value in ((0.0, 10.0), (15.0, 40.0), (30.0, 6.0)):
        store.append("c_total", {}, t_s, value)
    assert _values("irate(c_total[1m])", store, 30.0) == {"": 0.4}
    assert _values("idelta(c_total[1m])", store, 30.0) == {"": -34}
    assert _values("resets(c_total[1m])", store, 30.0) == {"": 1}
    assert _values("changes(c_total[1m])", store, 30.0) == {"": 2}


@pytest.mark.parametrize("query", ["topk(depth)", "topk(depth, 3)", "quantile(0.9 depth)", "vector(depth)", "round()"])
def test_what_takes_a_number_says_so(query: str) -> None:
    with pytest.raises(CommandError) as raised:
        parse(query)
    assert raised.value.fix
