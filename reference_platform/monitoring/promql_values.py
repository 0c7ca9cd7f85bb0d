"""Functions of single values and of the values of a group, with the answers of Prometheus."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence


def to_nearest(value: float, unit: float) -> float:
    """The multiple of `unit` nearest to a value; halves go up. Source: Prometheus promql/functions.go, funcRound."""
    return math.floor(value / unit + 0.5) * unit if unit and math.isfinite(value) else value


def _root(value: float) -> float:
    return math.sqrt(value) if value >= 0 else math.nan


def _whole(fold: Callable[[float], int]) -> Callable[[float], float]:
    return lambda value: float(fold(value)) if math.isfinite(value) else value


OF_A_VALUE: dict[str, Callable[[float], float]] = {
    "abs": abs,
    "ceil": _whole(math.ceil),
    "floor": _whole(math.floor),
    "sqrt": _root,
}


def in_order(values: Sequence[float], *, descending: bool) -> list[int]:
    """Places of values by their size; those that are no number come last."""
    return sorted(
        range(len(values)), key=lambda at: (math.isnan(values[at]), -values[at] if descending else values[at])
    )


def quantile(values: Sequence[float], share: float) -> float:
    """Linear between the two nearest values. Source: Prometheus promql/quantile.go, quantile."""
    if not values or math.isnan(share):
        return math.nan
    if not 0.0 <= share <= 1.0:
        return math.copysign(math.inf, share)
    ordered = [values[at] for at in in_order(values, descending=False)]
    rank = share * (len(ordered) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] * (1.0 - (rank - low)) + ordered[high] * (rank - low)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _spread(values: Sequence[float]) -> float:
    mean = _mean(values)
    return math.sqrt(_mean([(value - mean) ** 2 for value in values]))


def _real(values: Iterable[float]) -> list[float]:
    return [value for value in values if value == value] or [math.nan]


FOLDS: dict[str, Callable[[Sequence[float]], float]] = {
    "sum": lambda values: float(sum(values)),
    "avg": _mean,
    "max": lambda values: max(_real(values)),
    "min": lambda values: min(_real(values)),
    "count": lambda values: float(len(values)),
    "stddev": _spread,
}
