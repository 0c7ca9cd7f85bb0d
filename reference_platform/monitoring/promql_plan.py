"""Queries turned into closures once, so that a rule that is asked every half minute costs little.

A vector is a list of labels and a list of values. What depends on labels alone (groups, pairs, names to drop) is
worked out when the labels change, which is seldom, and remembered until then; values go through unremembered.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Generic, TypeVar

from reference_platform.monitoring.promql_nodes import (
    COMPARISONS,
    SELECTING,
    SET_OPERATORS,
    Aggregate,
    Binary,
    Call,
    Matching,
    Negate,
    Node,
    Number,
    Selector,
)
from reference_platform.monitoring.promql_tokens import refuse
from reference_platform.monitoring.promql_values import FOLDS, OF_A_VALUE, in_order, quantile, to_nearest
from reference_platform.monitoring.promql_windows import KEEPS_NAME, WINDOW_FUNCTIONS
from reference_platform.monitoring.series import Labels, Series, SeriesStore

LOOKBACK_S = 300.0
"""A value older than this is no value. Source: Prometheus flag --query.lookback-delta, default 5m."""

Vector = tuple[list[Labels], list[float]]
"""Labels and values of the elements. Both lists may be shared and are never changed."""

Plan = Callable[[SeriesStore, float], Vector]
"""plan(store, now_s)"""

Known = TypeVar("Known")


def constant(node: Node) -> float | None:
    """The value of a node that reads no series; None for all others."""
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Negate):
        inner = constant(node.operand)
        return None if inner is None else -inner
    if isinstance(node, Binary):
        left, right = constant(node.left), constant(node.right)
        if left is not None and right is not None:
            return float((_COMPARE.get(node.op) or _ARITHMETIC[node.op])(left, right))
    return None


def planned(node: Node) -> Plan:
    """The closure that answers `node`, which reads series. It raises CommandError when pairs are ambiguous."""
    if isinstance(node, Selector):
        return _instant(node)
    if isinstance(node, Aggregate):
        return _aggregate(node)
    if isinstance(node, Call):
        return _call(node)
    if isinstance(node, Negate):
        return _mapped(planned(node.operand), operator.neg)
    assert isinstance(node, Binary), "the parser lets no number through where series are needed"
    return _binary(node)


class _Remembered(Generic[Known]):
    """What `work_out` made of the latest labels. Lists are compared element by element, mostly by identity."""

    __slots__ = ("_known", "_labels", "_work_out")

    def __init__(self, work_out: Callable[..., Known]) -> None:
        self._work_out = work_out
        self._labels: tuple[list[Labels], ...] | None = None
        self._known: Known

    def of(self, *labels: list[Labels]) -> Known:
        if labels != self._labels:
            self._labels = None
            self._known = self._work_out(*labels)
            self._labels = labels
        return self._known


class _Selected:
    """The series of a selector and their labels, looked up again when a series has been added."""

    __slots__ = ("_generation", "_keeps_name", "_node", "_store", "labels", "series")

    def __init__(self, node: Selector, *, keeps_name: bool) -> None:
        self._node = node
        self._keeps_name = keeps_name
        self._store: SeriesStore | None = None
        self._generation = -1
        self.series: tuple[Series, ...] = ()
        self.labels: list[Labels] = []

    def refresh(self, store: SeriesStore) -> None:
        if store is not self._store or store.generation != self._generation:
            self.series = store.select(self._node.name, self._node.matchers)
            self.labels = [each.full_labels if self._keeps_name else each.labels for each in self.series]
            self._store, self._generation = store, store.generation

    def vector(self, values: list[float | None]) -> Vector:
        """The elements that have a value."""
        if None not in values:
            return self.labels, values  # type: ignore[return-value]
        labels = [label for label, value in zip(self.labels, values, strict=True) if value is not None]
        return labels, [value for value in values if value is not None]


def _instant(node: Selector) -> Plan:
    selected = _Selected(node, keeps_name=True)

    def run(store: SeriesStore, now_s: float) -> Vector:
        selected.refresh(store)
        at_s = now_s - node.offset_s
        return selected.vector([series.value_at(at_s, LOOKBACK_S) for series in selected.series])

    return run


def _over_time(function: str, node: Selector, range_s: float) -> Plan:
    selected = _Selected(node, keeps_name=function in KEEPS_NAME)
    compute = WINDOW_FUNCTIONS[function]

    def run(store: SeriesStore, now_s: float) -> Vector:
        selected.refresh(store)
        until_s = now_s - node.offset_s
        since_s = until_s - range_s
        return selected.vector([compute(series, since_s, until_s) for series in selected.series])

    return run


def _selecting(node: Aggregate, inner: Plan, groups: _Remembered[tuple[list[Labels], list[list[int]]]]) -> Plan:
    """The largest or smallest few series of each group, with all of their labels."""
    count = int(max(0.0, node.parameter)) if math.isfinite(node.parameter) else 0

    def run(store: SeriesStore, now_s: float) -> Vector:
        labels, values = inner(store, now_s)
        kept: list[int] = []
        for places in groups.of(labels)[1]:
            order = in_order([values[place] for place in places], descending=node.op == "topk")
            kept += [places[at] for at in order[:count]]
        return [labels[at] for at in kept], [values[at] for at in kept]

    return run


def _call(node: Call) -> Plan:
    first = node.arguments[0]
    if isinstance(first, Selector) and first.range_s is not None:
        return _over_time(node.function, first, first.range_s)
    if node.function == "vector":
        number = constant(first)
        assert number is not None, "the parser asks for a number here"
        alone: Vector = ([()], [number])
        return lambda store, now_s: alone
    inner = planned(first)
    if node.function == "absent":
        missing: Vector = ([_absent_labels(first)], [1.0])
        present: Vector = ([], [])
        return lambda store, now_s: present if inner(store, now_s)[0] else missing
    if node.function in OF_A_VALUE:
        return _mapped(inner, OF_A_VALUE[node.function])
    if node.function in ("sort", "sort_desc"):
        return _sorted(inner, descending=node.function == "sort_desc")
    bound = constant(node.arguments[1])
    assert bound is not None, "the parser asks for a number here"
    if node.function == "round":
        return _mapped(inner, lambda value: to_nearest(value, bound))
    clamp = max if node.function == "clamp_min" else min
    return _mapped(inner, lambda value: clamp(value, bound))


def _sorted(inner: Plan, *, descending: bool) -> Plan:
    def run(store: SeriesStore, now_s: float) -> Vector:
        labels, values = inner(store, now_s)
        order = in_order(values, descending=descending)
        return [labels[at] for at in order], [values[at] for at in order]

    return run


def _mapped(inner: Plan, compute: Callable[[float], float]) -> Plan:
    """`compute` of every value. The result is no value of the metric itself, so it loses the name."""
    unnamed = _Remembered(_all_unnamed)

    def run(store: SeriesStore, now_s: float) -> Vector:
        labels, values = inner(store, now_s)
        return unnamed.of(labels), [compute(value) for value in values]

    return run


def _absent_labels(node: Node) -> Labels:
    """Labels that the missing series would surely have: those tested with = exactly once."""
    if not isinstance(node, Selector):
        return ()
    tested = [matcher.label for matcher in node.matchers]
    return tuple(
        sorted((m.label, m.value) for m in node.matchers if m.op == "=" and m.value and tested.count(m.label) == 1)
    )


def _aggregate(node: Aggregate) -> Plan:
    inner = planned(node.operand)

    def grouped(labels: list[Labels]) -> tuple[list[Labels], list[list[int]]]:
        groups: dict[Labels, list[int]] = {}
        for place, element in enumerate(labels):
            if node.without:
                key = tuple(pair for pair in element if pair[0] not in node.labels and pair[0] != "__name__")
            else:
                key = tuple(pair for pair in element if pair[0] in node.labels)
            groups.setdefault(key, []).append(place)
        keys = sorted(groups)
        return keys, [groups[key] for key in keys]

    groups = _Remembered(grouped)
    if node.op in SELECTING:
        return _selecting(node, inner, groups)
    fold = FOLDS[node.op] if node.op != "quantile" else (lambda values: quantile(values, node.parameter))

    def run(store: SeriesStore, now_s: float) -> Vector:
        labels, values = inner(store, now_s)
        keys, members = groups.of(labels)
        return keys, [fold([values[place] for place in places]) for places in members]

    return run


def _divided(left: float, right: float) -> float:
    """IEEE division: a zero divisor gives an infinity, or NaN for 0/0."""
    return left / right if right else left * math.copysign(math.inf, right)


def _remainder(left: float, right: float) -> float:
    return math.nan if right == 0 or math.isinf(left) else math.fmod(left, right)


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
    "%": _remainder,
}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def _binary(node: Binary) -> Plan:
    left, right = constant(node.left), constant(node.right)
    if left is not None:
        return _with_number(node, planned(node.right), left, number_first=True)
    if right is not None:
        return _with_number(node, planned(node.left), right, number_first=False)
    if node.op in SET_OPERATORS:
        return _set_operation(node)
    return _paired(node)


def _with_number(node: Binary, inner: Plan, number: float, *, number_first: bool) -> Plan:
    compare = _COMPARE.get(node.op)
    compute: Callable[[float, float], float] = compare or _ARITHMETIC[node.op]

    def one(value: float) -> float:
        return compute(number, value) if number_first else compute(value, number)

    if compare is None or node.as_bool:
        return _mapped(inner, lambda value: float(one(value)))

    def run(store: SeriesStore, now_s: float) -> Vector:
        labels, values = inner(store, now_s)
        kept = [place for place, value in enumerate(values) if one(value)]
        return [labels[place] for place in kept], [values[place] for place in kept]

    return run


def _set_operation(node: Binary) -> Plan:
    left, right = planned(node.left), planned(node.right)

    def chosen(ours: list[Labels], theirs: list[Labels]) -> list[int]:
        """Places on the left that stay; with `or`, places on the right that come along."""
        asked, others = (theirs, ours) if node.op == "or" else (ours, theirs)
        known = {_signature(labels, node.matching) for labels in others}
        wanted = node.op == "and"
        return [place for place, labels in enumerate(asked) if (_signature(labels, node.matching) in known) == wanted]

    places = _Remembered(chosen)

    def run(store: SeriesStore, now_s: float) -> Vector:
        ours, our_values = left(store, now_s)
        theirs, their_values = right(store, now_s)
        kept = places.of(ours, theirs)
        if node.op == "or":
            return [*ours, *(theirs[i] for i in kept)], [*our_values, *(their_values[i] for i in kept)]
        return [ours[i] for i in kept], [our_values[i] for i in kept]

    return run


def _paired(node: Binary) -> Plan:
    left, right = planned(node.left), planned(node.right)
    compute: Callable[[float, float], float] = _COMPARE.get(node.op) or _ARITHMETIC[node.op]
    filters = node.op in COMPARISONS and not node.as_bool
    pairs = _Remembered(lambda ours, theirs: _pairs(node, ours, theirs, filters=filters))

    def run(store: SeriesStore, now_s: float) -> Vector:
        ours, our_values = left(store, now_s)
        theirs, their_values = right(store, now_s)
        labels, places = pairs.of(ours, theirs)
        if not filters:
            return labels, [float(compute(our_values[i], their_values[j])) for i, j in places]
        kept = [n for n, (i, j) in enumerate(places) if compute(our_values[i], their_values[j])]
        return [labels[n] for n in kept], [our_values[places[n][0]] for n in kept]

    return run


def _pairs(
    node: Binary, ours: list[Labels], theirs: list[Labels], *, filters: bool
) -> tuple[list[Labels], list[tuple[int, int]]]:
    """Labels of the result, and the places on the left and on the right that it is computed from."""
    partners: dict[Labels, int] = {}
    for place, labels in enumerate(theirs):
        signature = _signature(labels, node.matching)
        if signature in partners:
            raise _ambiguous(node, "right", signature)
        partners[signature] = place
    used: set[Labels] = set()
    results: list[Labels] = []
    places: list[tuple[int, int]] = []
    keeps_name = filters and not node.matching.on and "__name__" not in node.matching.labels
    for place, labels in enumerate(ours):
        signature = _signature(labels, node.matching)
        if signature not in partners:
            continue
        if signature in used:
            raise _ambiguous(node, "left", signature)
        used.add(signature)
        results.append(_without(labels, node.matching.labels) if keeps_name else signature)
        places.append((place, partners[signature]))
    return results, places


def _ambiguous(node: Binary, side: str, signature: Labels) -> Exception:
    shown = ", ".join(f'{label}="{value}"' for label, value in signature)
    return refuse(
        f"several series on the {side} of {node.op} match {{{shown}}}",
        node.column,
        "aggregate that side first, for example sum by (route) (...)",
    )


def _signature(labels: Labels, matching: Matching) -> Labels:
    if matching.on:
        return tuple(pair for pair in labels if pair[0] in matching.labels)
    return _unnamed(_without(labels, matching.labels))


def _without(labels: Labels, dropped: tuple[str, ...]) -> Labels:
    return tuple(pair for pair in labels if pair[0] not in dropped) if dropped else labels


def _unnamed(labels: Labels) -> Labels:
    return tuple(pair for pair in labels if pair[0] != "__name__")


def _all_unnamed(labels: list[Labels]) -> list[Labels]:
    return [_unnamed(each) for each in labels]
