"""Queries against independent, slow and plain computations."""

from __future__ import annotations

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from reference_platform.errors import CommandError
from reference_platform.monitoring.promql import Sample, Scalar, evaluate, parse
from reference_platform.monitoring.series import SeriesStore

GAPS_S = st.lists(st.integers(1, 120), min_size=0, max_size=40)
VALUES = st.integers(0, 1_000)


def _points(gaps_s: list[int], values: list[int]) -> list[tuple[int, int]]:
    points, t_s = [], 0
    for gap_s, value in zip(gaps_s, values, strict=False):
        t_s += gap_s
        points.append((t_s, value))
    return points


def _plain_increase(points: list[tuple[int, int]], since_s: int, until_s: int, *, counter: bool) -> float | None:
    """The rule as a person would work it out on paper, point by point."""
    seen = [(t_s, value) for t_s, value in points if since_s < t_s <= until_s]
    if len(seen) < 2:
        return None
    grown = 0
    for (_, before), (_, after) in itertools.pairwise(seen):
        grown += after if counter and after < before else after - before
    covered_s = seen[-1][0] - seen[0][0]
    step_s = covered_s / (len(seen) - 1)
    left_s: float = seen[0][0] - since_s
    right_s: float = until_s - seen[-1][0]
    left_s = left_s if left_s < 1.1 * step_s else step_s / 2
    right_s = right_s if right_s < 1.1 * step_s else step_s / 2
    if counter and grown > 0:
        left_s = min(left_s, covered_s * seen[0][1] / grown)
    return grown * (covered_s + left_s + right_s) / covered_s


def _one(query: str, store: SeriesStore, now_s: float) -> float | None:
    answer = evaluate(parse(query), store, now_s)
    assert isinstance(answer, list)
    return answer[0].value if answer else None


def _agree(found: float | None, wanted: float | None) -> bool:
    if found is None or wanted is None:
        return found is wanted
    return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)


@given(GAPS_S, st.lists(VALUES, max_size=40), st.integers(1, 1_800), st.integers(0, 3_000), st.integers(0, 600))
def test_rate_increase_and_delta_equal_the_plain_computation(
    gaps_s: list[int], values: list[int], range_s: int, now_s: int, offset_s: int
) -> None:
    points = _points(gaps_s, values)
    store = SeriesStore(1e6, 1_000)
    for t_s, value in points:
        store.append("c", {}, float(t_s), float(value))
    until_s = now_s - offset_s
    offset = f" offset {offset_s}s" if offset_s else ""
    growth = _plain_increase(points, until_s - range_s, until_s, counter=True)
    change = _plain_increase(points, until_s - range_s, until_s, counter=False)
    assert _agree(_one(f"increase(c[{range_s}s]{offset})", store, now_s), growth)
    assert _agree(_one(f"rate(c[{range_s}s]{offset})", store, now_s), None if growth is None else growth / range_s)
    assert _agree(_one(f"delta(c[{range_s}s]{offset})", store, now_s), change)


@given(GAPS_S, st.lists(VALUES, max_size=40), st.integers(1, 1_800), st.integers(0, 3_000))
def test_folds_over_time_equal_the_plain_computation(
    gaps_s: list[int], values: list[int], range_s: int, now_s: int
) -> None:
    points = _points(gaps_s, values)
    store = SeriesStore(1e6, 1_000)
    for t_s, value in points:
        store.append("g", {}, float(t_s), float(value))
    seen = [float(value) for t_s, value in points if now_s - range_s < t_s <= now_s]
    for fold, wanted in (
        ("avg", sum(seen) / len(seen) if seen else None),
        ("max", max(seen, default=None)),
        ("min", min(seen, default=None)),
        ("sum", sum(seen) if seen else None),
        ("count", float(len(seen)) if seen else None),
        ("last", seen[-1] if seen else None),
    ):
        assert _agree(_one(f"{fold}_over_time(g[{range_s}s])", store, now_s), wanted)


@given(st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), st.integers(-50, 50), max_size=9))
def test_aggregations_equal_grouping_by_hand(values: dict[tuple[str, str], int]) -> None:
    store = SeriesStore(1e6, 10)
    groups: dict[str, list[float]] = {}
    for (route, pod), value in sorted(values.items()):
        store.append("g", {"route": route, "pod": pod}, 0.0, float(value))
        groups.setdefault(route, []).append(float(value))
    for op, fold in (("sum", sum), ("max", max), ("min", min), ("count", len)):
        wanted = [Sample((("route", route),), float(fold(group))) for route, group in groups.items()]
        assert evaluate(parse(f"{op} by (route) (g)"), store, 0.0) == wanted
        assert evaluate(parse(f"{op}(g) without (pod)"), store, 0.0) == wanted


_ARITHMETIC = st.recursive(
    st.integers(0, 99).map(str),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(" ".join),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"-({text})"),
    ),
    max_leaves=12,
)


@given(_ARITHMETIC)
def test_arithmetic_binds_as_it_does_in_python(text: str) -> None:
    wanted = float(eval(text, {}))
    answer = evaluate(parse(text), SeriesStore(1.0, 1), 0.0)
    assert isinstance(answer, Scalar)
    assert answer.value == wanted


_PIECES = st.sampled_from(
    [*"(){}[],+-*/%^=<>@:!~\"'`\\$", " ", "==", "!=", "=~", "and", "or", "unless", "bool", "by", "without", "on", "sum",
     "rate", "depth", "route",
     '"x"', "5m", "7", "1.5", "offset", "absent", "Inf", "clamp_min", "ignoring", "group_left"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=60), st.lists(_PIECES, max_size=25).map("".join)))
def test_any_text_is_answered_or_refused_with_a_column_and_a_fix(text: str) -> None:
    store = SeriesStore(1e6, 10)
    store.append("depth", {"route": "x"}, 0.0, 1.0)
    refused: CommandError | None = None
    try:
        evaluate(parse(text), store, 0.0)
    except CommandError as error:
        refused = error
    if refused is not None:
        assert refused.where.startswith("column ")
        assert 1 <= int(refused.where.split()[1]) <= len(text) + 1
        assert refused.fix
