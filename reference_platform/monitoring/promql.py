"""Queries answered from a series store, with the semantics of Prometheus where the subset reaches.

`parse` is the door in; `evaluate` never changes the store and never raises on a parsed query, except where the data
make a pairing of two vectors ambiguous.
Source: Prometheus documentation, "Querying: basics, operators"; promql/engine.go for label rules.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from reference_platform.monitoring.promql_nodes import (
    COMPARISONS,
    SET_OPERATORS,
    Aggregate,
    Binary,
    Call,
    Expr,
    Matching,
    Negate,
    Node,
    Number,
    Selector,
)
from reference_platform.monitoring.promql_parser import parse
from reference_platform.monitoring.promql_tokens import refuse
from reference_platform.monitoring.promql_windows import KEEPS_NAME, WINDOW_FUNCTIONS
from reference_platform.monitoring.series import Labels, SeriesStore

__all__ = ["LOOKBACK_S", "Answer", "Sample", "Scalar", "evaluate", "parse"]

LOOKBACK_S = 300.0
"""A value older than this is no value. Source: Prometheus flag --query.lookback-delta, default 5m."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One element of an instant vector. `labels` are sorted and hold `__name__` while the value is the metric's own."""

    labels: Labels
    value: float

    def label(self, name: str) -> str:
        """The label's value, "" when it is absent."""
        return next((value for label, value in self.labels if label == name), "")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number without labels."""

    value: float


Answer = Scalar | list[Sample]


def evaluate(expr: Expr, store: SeriesStore, now_s: float) -> Answer:
    """The answer at `now_s`. Raises CommandError when several series pair with the same one."""
    return _answer(expr.root, store, now_s)


def _answer(node: Node, store: SeriesStore, now_s: float) -> Answer:
    if isinstance(node, Number):
        return Scalar(node.value)
    if isinstance(node, Binary):
        return _binary(node, _answer(node.left, store, now_s), _answer(node.right, store, now_s))
    if isinstance(node, Negate):
        inner = _answer(node.operand, store, now_s)
        if isinstance(inner, Scalar):
            return Scalar(-inner.value)
        return [Sample(_unnamed(sample.labels), -sample.value) for sample in inner]
    return _vector(node, store, now_s)


def _vector(node: Node, store: SeriesStore, now_s: float) -> list[Sample]:
    if isinstance(node, Selector):
        return _select(node, store, now_s)
    if isinstance(node, Aggregate):
        return _aggregate(node, _vector(node.operand, store, now_s))
    if isinstance(node, Call):
        return _call(node, store, now_s)
    answer = _answer(node, store, now_s)
    assert isinstance(answer, list), "the parser lets no number through where series are needed"
    return answer


def _select(node: Selector, store: SeriesStore, now_s: float) -> list[Sample]:
    at_s = now_s - node.offset_s
    samples: list[Sample] = []
    for series in store.select(node.name, node.matchers):
        value = series.value_at(at_s, LOOKBACK_S)
        if value is not None:
            samples.append(Sample(series.full_labels, value))
    return samples


def _call(node: Call, store: SeriesStore, now_s: float) -> list[Sample]:
    first = node.arguments[0]
    if isinstance(first, Selector) and first.range_s is not None:
        return _over_time(node.function, first, first.range_s, store, now_s)
    samples = _vector(first, store, now_s)
    if node.function == "absent":
        return [] if samples else [Sample(_absent_labels(first), 1.0)]
    if node.function == "abs":
        return [Sample(_unnamed(sample.labels), abs(sample.value)) for sample in samples]
    bound = _answer(node.arguments[1], store, now_s)
    assert isinstance(bound, Scalar), "the parser asks for a number here"
    clamp = max if node.function == "clamp_min" else min
    return [Sample(_unnamed(sample.labels), clamp(sample.value, bound.value)) for sample in samples]


def _over_time(function: str, selector: Selector, range_s: float, store: SeriesStore, now_s: float) -> list[Sample]:
    compute = WINDOW_FUNCTIONS[function]
    until_s = now_s - selector.offset_s
    since_s = until_s - range_s
    samples: list[Sample] = []
    for series in store.select(selector.name, selector.matchers):
        value = compute(series.window(since_s, until_s), since_s, until_s)
        if value is not None:
            samples.append(Sample(series.full_labels if function in KEEPS_NAME else series.labels, value))
    return samples


def _absent_labels(node: Node) -> Labels:
    """Labels that the missing series would surely have: those tested with = exactly once."""
    if not isinstance(node, Selector):
        return ()
    tested = [matcher.label for matcher in node.matchers]
    return tuple(
        sorted((m.label, m.value) for m in node.matchers if m.op == "=" and m.value and tested.count(m.label) == 1)
    )


def _aggregate(node: Aggregate, samples: Sequence[Sample]) -> list[Sample]:
    groups: dict[Labels, list[float]] = {}
    for sample in samples:
        if node.without:
            key = tuple(pair for pair in sample.labels if pair[0] not in node.labels and pair[0] != "__name__")
        else:
            key = tuple(pair for pair in sample.labels if pair[0] in node.labels)
        groups.setdefault(key, []).append(sample.value)
    fold = _FOLDS[node.op]
    return [Sample(key, fold(groups[key])) for key in sorted(groups)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _real(values: Iterable[float]) -> list[float]:
    return [value for value in values if not math.isnan(value)] or [math.nan]


_FOLDS: dict[str, Callable[[Sequence[float]], float]] = {
    "sum": lambda values: float(sum(values)),
    "avg": _mean,
    "max": lambda values: max(_real(values)),
    "min": lambda values: min(_real(values)),
    "count": lambda values: float(len(values)),
}


def _divided(left: float, right: float) -> float:
    """IEEE division: a zero divisor gives an infinity, or NaN for 0/0."""
    if right:
        return left / right
    if left == 0 or math.isnan(left) or math.isnan(right):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


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


def _binary(node: Binary, left: Answer, right: Answer) -> Answer:
    if isinstance(left, Scalar):
        if isinstance(right, Scalar):
            compute = _COMPARE.get(node.op) or _ARITHMETIC[node.op]
            return Scalar(float(compute(left.value, right.value)))
        return _with_number(node, right, left.value, number_first=True)
    if isinstance(right, Scalar):
        return _with_number(node, left, right.value, number_first=False)
    if node.op in SET_OPERATORS:
        return _set_operation(node, left, right)
    return _paired(node, left, right)


def _with_number(node: Binary, samples: Sequence[Sample], number: float, *, number_first: bool) -> list[Sample]:
    compare = _COMPARE.get(node.op)
    if compare is not None and not node.as_bool:
        if number_first:
            return [sample for sample in samples if compare(number, sample.value)]
        return [sample for sample in samples if compare(sample.value, number)]
    compute = compare or _ARITHMETIC[node.op]
    if number_first:
        return [Sample(_unnamed(sample.labels), float(compute(number, sample.value))) for sample in samples]
    return [Sample(_unnamed(sample.labels), float(compute(sample.value, number))) for sample in samples]


def _set_operation(node: Binary, left: Sequence[Sample], right: Sequence[Sample]) -> list[Sample]:
    if node.op == "or":
        present = {_signature(sample.labels, node.matching) for sample in left}
        return [*left, *(sample for sample in right if _signature(sample.labels, node.matching) not in present)]
    others = {_signature(sample.labels, node.matching) for sample in right}
    wanted = node.op == "and"
    return [sample for sample in left if (_signature(sample.labels, node.matching) in others) == wanted]


def _paired(node: Binary, left: Sequence[Sample], right: Sequence[Sample]) -> list[Sample]:
    partners: dict[Labels, float] = {}
    for sample in right:
        signature = _signature(sample.labels, node.matching)
        if signature in partners:
            raise _ambiguous(node, "right", signature)
        partners[signature] = sample.value
    compare = _COMPARE.get(node.op)
    compute = compare or _ARITHMETIC[node.op]
    filters = node.op in COMPARISONS and not node.as_bool
    used: set[Labels] = set()
    samples: list[Sample] = []
    for sample in left:
        signature = _signature(sample.labels, node.matching)
        if signature not in partners:
            continue
        if signature in used:
            raise _ambiguous(node, "left", signature)
        used.add(signature)
        result = compute(sample.value, partners[signature])
        if not filters:
            samples.append(Sample(signature, float(result)))
        elif result:
            keeps_name = not node.matching.on and "__name__" not in node.matching.labels
            labels = _without(sample.labels, node.matching.labels) if keeps_name else signature
            samples.append(Sample(labels, sample.value))
    return samples


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
