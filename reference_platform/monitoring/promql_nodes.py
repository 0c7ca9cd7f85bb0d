"""What a query is made of once it is parsed. Nodes carry the column they began at, counted from 1."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from reference_platform.monitoring.series import Matcher


class Kind(Enum):
    """The type of a query's answer."""

    SCALAR = "a number"
    INSTANT = "one value per series"
    RANGE = "a range of values per series"


@dataclass(frozen=True, slots=True)
class Number:
    column: int
    value: float


@dataclass(frozen=True, slots=True)
class Selector:
    """`range_s` is None for an instant selector."""

    column: int
    name: str
    matchers: tuple[Matcher, ...]
    range_s: float | None
    offset_s: float


@dataclass(frozen=True, slots=True)
class Call:
    column: int
    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`without` turns `labels` from the labels to keep into the labels to drop."""

    column: int
    op: str
    labels: tuple[str, ...]
    without: bool
    operand: Node
    parameter: float = 0.0
    """What stands before the operand: how many of topk, which share of quantile."""


@dataclass(frozen=True, slots=True)
class Negate:
    column: int
    operand: Node


@dataclass(frozen=True, slots=True)
class Matching:
    """Which labels pair two vectors: only `labels` (on) or all but `labels` (ignoring)."""

    on: bool
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Binary:
    """`as_bool` makes a comparison answer 0 or 1 instead of filtering."""

    column: int
    op: str
    left: Node
    right: Node
    as_bool: bool
    matching: Matching


Node = Number | Selector | Call | Aggregate | Negate | Binary

COMPARISONS = ("==", "!=", ">", "<", ">=", "<=")
SET_OPERATORS = ("and", "or", "unless")
AGGREGATIONS = ("sum", "avg", "max", "min", "count", "stddev", "topk", "bottomk", "quantile")
PARAMETRIC = ("topk", "bottomk", "quantile")
"""Aggregations that take a number before what they aggregate."""
SELECTING = ("topk", "bottomk")
"""Aggregations that answer some of the series themselves."""
RANGE_FUNCTIONS = (
    "rate",
    "irate",
    "idelta",
    "deriv",
    "changes",
    "resets",
    "stddev_over_time",
    "increase",
    "delta",
    "avg_over_time",
    "max_over_time",
    "min_over_time",
    "sum_over_time",
    "count_over_time",
    "last_over_time",
)
INSTANT_FUNCTIONS = {
    "absent": 1,
    "abs": 1,
    "ceil": 1,
    "clamp_max": 2,
    "clamp_min": 2,
    "floor": 1,
    "round": 2,
    "sort": 1,
    "sort_desc": 1,
    "sqrt": 1,
    "vector": 1,
}
"""Number of arguments; those after the first are numbers."""
OPTIONAL = {"round": 1.0}
"""The second argument of functions that may go without."""


def kind_of(node: Node) -> Kind:
    """The type of answer `node` gives."""
    if isinstance(node, Number):
        return Kind.SCALAR
    if isinstance(node, Selector):
        return Kind.INSTANT if node.range_s is None else Kind.RANGE
    if isinstance(node, Negate):
        return kind_of(node.operand)
    if isinstance(node, Binary):
        both = kind_of(node.left) is Kind.SCALAR and kind_of(node.right) is Kind.SCALAR
        return Kind.SCALAR if both else Kind.INSTANT
    return Kind.INSTANT


@dataclass(frozen=True, slots=True)
class Expr:
    """A parsed query. Parse once, evaluate often."""

    text: str
    root: Node

    @property
    def kind(self) -> Kind:
        return kind_of(self.root)
