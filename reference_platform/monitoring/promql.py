"""Queries answered from a series store, with the semantics of Prometheus where the subset reaches.

`parse` is the door in; `evaluate` never changes the store and never raises on a parsed query, except where the data
make a pairing of two vectors ambiguous. A query that is asked often is `Prepared` once.
Source: Prometheus documentation, "Querying: basics, operators"; promql/engine.go for label rules.
"""

from __future__ import annotations

from dataclasses import dataclass

from reference_platform.monitoring.promql_nodes import Expr
from reference_platform.monitoring.promql_parser import parse
from reference_platform.monitoring.promql_plan import LOOKBACK_S, constant, planned
from reference_platform.monitoring.series import Labels, SeriesStore

__all__ = ["LOOKBACK_S", "Answer", "Prepared", "Sample", "Scalar", "evaluate", "parse"]


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
    return Prepared(expr)(store, now_s)


class Prepared:
    """`evaluate` for one query, which remembers between calls what only new series can change."""

    __slots__ = ("_plan", "_scalar", "expr")

    def __init__(self, expr: Expr) -> None:
        self.expr = expr
        number = constant(expr.root)
        self._scalar = None if number is None else Scalar(number)
        self._plan = planned(expr.root) if number is None else None

    def __call__(self, store: SeriesStore, now_s: float) -> Answer:
        """The answer at `now_s`. Raises CommandError when several series pair with the same one."""
        if self._plan is None:
            assert self._scalar is not None
            return self._scalar
        labels, values = self._plan(store, now_s)
        return [Sample(each, value) for each, value in zip(labels, values, strict=True)]

    def __reduce__(self) -> tuple[type[Prepared], tuple[Expr]]:
        """What it remembers is worked out anew."""
        return Prepared, (self.expr,)
