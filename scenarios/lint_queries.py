"""What is wrong with a query before any metric has a value: unknown names, and conditions that can never hold."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from reference_platform.errors import CommandError, nearest
from reference_platform.monitoring.promql_nodes import (
    COMPARISONS,
    Aggregate,
    Binary,
    Call,
    Expr,
    Kind,
    Negate,
    Node,
    Number,
    Selector,
)
from reference_platform.monitoring.promql_parser import parse
from simulator.plant.metric_table import ANY, METRICS

Names = Mapping[str, Collection[str]]
"""By kind of thing, as in `metric_table`: what the platform has."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at a column, counted from 1 within the query, and what to do."""

    column: int
    what: str
    fix: str


def query_faults(text: str, names: Names, *, alert: bool) -> list[Fault]:
    """Everything wrong with a query; an alert's must also be a condition that can hold and can fail."""
    try:
        expr = parse(text)
    except CommandError as error:
        column = re.search(r"column (\d+)", error.where)
        return [Fault(int(column[1]) if column else 1, error.what, error.fix or error.why)]
    if expr.kind is Kind.RANGE:
        return [Fault(1, "a range has no single value", "wrap it: rate(...) or avg_over_time(...)")]
    faults = [fault for selector in _selectors(expr.root) for fault in _unknown(selector, names)]
    if faults or not alert:
        return faults
    return [*_never_true(expr.root), *_no_condition(expr)]


def _no_condition(expr: Expr) -> Iterator[Fault]:
    if expr.kind is Kind.SCALAR:
        yield Fault(1, "an alert cannot watch a number", "write a condition on series, such as rate(x_total[5m]) > 0.1")
    elif not _filters(expr.root):
        yield Fault(1, "this has no condition, so it would always alert", f"compare it, such as {expr.text[:40]} > 0.1")


def _filters(node: Node) -> bool:
    """Whether the query can be without any answer although its metrics have values."""
    if isinstance(node, Binary):
        condition = node.op in COMPARISONS and not node.as_bool
        return condition or node.op == "unless" or _filters(node.left) or _filters(node.right)
    if isinstance(node, Call):
        return node.function == "absent" or any(_filters(argument) for argument in node.arguments)
    return isinstance(node, Aggregate | Negate) and _filters(node.operand)


def _children(node: Node) -> tuple[Node, ...]:
    if isinstance(node, Binary):
        return node.left, node.right
    if isinstance(node, Call):
        return node.arguments
    return (node.operand,) if isinstance(node, Aggregate | Negate) else ()


def _selectors(node: Node) -> Iterator[Selector]:
    if isinstance(node, Selector):
        yield node
    for child in _children(node):
        yield from _selectors(child)


def _unknown(selector: Selector, names: Names) -> Iterator[Fault]:
    metric = METRICS.get(selector.name)
    if metric is None:
        yield Fault(selector.column, f'no metric "{selector.name}"', nearest(selector.name, METRICS))
        return
    for matcher in selector.matchers:
        values = metric.labels.get(matcher.label)
        if values is None:
            what = f'{selector.name} has no label "{matcher.label}"'
            fix = nearest(matcher.label, metric.labels) if metric.labels else "it has no labels at all"
            yield Fault(selector.column, what, fix)
            continue
        known = () if values == ANY else names[values] if isinstance(values, str) else values
        if not known or matcher.op in ("!=", "!~"):
            continue
        if not any(matcher.matches({matcher.label: value}) for value in known):
            what = f'no series of {selector.name} has {matcher.label}{matcher.op}"{matcher.value}"'
            yield Fault(selector.column, what, nearest(matcher.value, known))


def _never_true(node: Node) -> Iterator[Fault]:
    """Comparisons that cannot hold whatever happens, from the ranges that metrics keep to."""
    if isinstance(node, Binary) and node.op in COMPARISONS and not node.as_bool:
        left, right = _range(node.left), _range(node.right)
        if not _POSSIBLE[node.op](left, right):
            what = f"this is never true: the left side is {_said(left)}, the right side {_said(right)}"
            yield Fault(node.column, what, "correct the threshold or the direction of the comparison")
        elif not _POSSIBLE[_OPPOSITE[node.op]](left, right):
            what = f"this is always true: the left side is {_said(left)}, the right side {_said(right)}"
            yield Fault(node.column, what, "correct the threshold or the direction of the comparison")
    for child in _children(node):
        yield from _never_true(child)


Range = tuple[float, float]
_POSSIBLE: Mapping[str, Callable[[Range, Range], bool]] = {
    ">": lambda a, b: a[1] > b[0],
    ">=": lambda a, b: a[1] >= b[0],
    "<": lambda a, b: a[0] < b[1],
    "<=": lambda a, b: a[0] <= b[1],
    "==": lambda a, b: a[0] <= b[1] and b[0] <= a[1],
    "!=": lambda a, b: not a[0] == a[1] == b[0] == b[1],
}
_OPPOSITE = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "==": "!=", "!=": "=="}
_ANYTHING: Range = (-math.inf, math.inf)
_SAME = ("avg_over_time", "max_over_time", "min_over_time", "last_over_time")


def _said(ends: Range) -> str:
    low, high = ends
    if low == high:
        return f"{low:g}"
    if ends == _ANYTHING:
        return "any number"
    if math.isinf(high):
        return f"never below {low:g}"
    return f"never above {high:g}" if math.isinf(low) else f"between {low:g} and {high:g}"


def _range(node: Node) -> Range:
    if isinstance(node, Number):
        return node.value, node.value
    if isinstance(node, Selector):
        metric = METRICS[node.name]
        return metric.low, metric.high
    if isinstance(node, Negate):
        low, high = _range(node.operand)
        return -high, -low
    if isinstance(node, Aggregate):
        return _of_aggregate(node.op, _range(node.operand))
    if isinstance(node, Call):
        return _of_call(node)
    return _of_operator(node)


def _of_aggregate(op: str, ends: Range) -> Range:
    if op == "count":
        return 1.0, math.inf
    if op != "sum":
        return ends
    low, high = ends
    return (low if low >= 0 else -math.inf), (high if high <= 0 else math.inf)


def _of_call(node: Call) -> Range:
    low, high = _range(node.arguments[0])
    if node.function in _SAME:
        return low, high
    if node.function in ("rate", "increase"):
        return 0.0, math.inf
    if node.function == "absent":
        return 1.0, 1.0
    if node.function == "count_over_time":
        return 1.0, math.inf
    if node.function == "sum_over_time":
        return _of_aggregate("sum", (low, high))
    if node.function == "abs":
        return (0.0 if low <= 0 <= high else min(abs(low), abs(high))), max(abs(low), abs(high))
    if node.function in ("clamp_min", "clamp_max"):
        bound, _ = _range(node.arguments[1])
        clamp = max if node.function == "clamp_min" else min
        return clamp(low, bound), clamp(high, bound)
    return _ANYTHING


def _of_operator(node: Binary) -> Range:
    left, right = _range(node.left), _range(node.right)
    if node.op in COMPARISONS:
        return (0.0, 1.0) if node.as_bool else left
    if node.op in ("and", "unless"):
        return left
    if node.op == "or":
        return min(left[0], right[0]), max(left[1], right[1])
    if node.op == "+":
        return left[0] + right[0], left[1] + right[1]
    if node.op == "-":
        return left[0] - right[1], left[1] - right[0]
    if node.op == "*":
        products = [0.0 if 0.0 in (a, b) else a * b for a in left for b in right]
        return min(products), max(products)
    if node.op == "/" and left[0] >= 0 and right[0] >= 0:
        # Parts of a whole stay below it, but nothing here knows which is a part of which.
        return (left[0] / right[1] if math.isfinite(right[1]) and right[1] else 0.0), (
            left[1] / right[0] if right[0] > 0 else math.inf
        )
    return _ANYTHING
