"""From states to feature values: which accumulators the aggregations of a view need, and what they answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import ContentError
from reference_platform.features.columns import Column
from reference_platform.features.stream_views import Aggregation, StreamFeatureView
from reference_platform.features.types import FeatureType, Float64
from reference_platform.features.windows.distinct import Registers, estimates
from reference_platform.features.windows.exact_sums import Sums, means, totals, variances
from reference_platform.features.windows.states import Accumulator, Counts, Extremes, Lasts, State
from reference_platform.features.windows.tiles import TileRun, window

Ints = NDArray[np.int64]
_NEEDS = {
    "count": ("count",),
    "sum": ("sum",),
    "mean": ("count", "sum"),
    "var": ("count", "sum", "square"),
    "min": ("min",),
    "max": ("max",),
    "last": ("last",),
    "approx_distinct": ("distinct",),
}


class WindowPlan:
    """What to keep per tile for `view`, and how its features are read off windows of tiles.

    Of an empty window count, sum and approx_distinct are 0 and all else is null. `var` is the population variance
    (n in the denominator), so that one value has variance 0. Raises ContentError for lists, which have no order.
    """

    def __init__(self, view: StreamFeatureView) -> None:
        self._aggregations = view.aggregations
        self._kinds = tuple(field.dtype for field in view.schema)
        self._places: list[tuple[int, ...]] = []
        self.accumulators: list[Accumulator] = []
        for aggregation, kind in zip(view.aggregations, self._kinds, strict=True):
            if kind.item is not None:
                raise ContentError(f"{view.name}:{aggregation.name} is a list", fix="aggregate numbers, times or texts")
            self._places.append(tuple(self._place(need, aggregation, kind) for need in _NEEDS[aggregation.function]))
        slide = timedelta(microseconds=view.slide_us)
        self._widths = tuple(aggregation.time_window // slide for aggregation in view.aggregations)
        self.widths: tuple[int, ...] = tuple(sorted(set(self._widths)))
        """Lengths of the windows in tiles, ascending."""
        self.nothing: tuple[State, ...] = tuple(one.nothing() for one in self.accumulators)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the events that are aggregated."""
        return tuple(dict.fromkeys(aggregation.column for aggregation in self._aggregations))

    def answer(self, runs: list[TileRun], codes: Ints, ends: Ints) -> tuple[Column, ...]:
        """The features of entity codes[i] over its windows that end before tile ends[i]."""
        found: list[Column | None] = [None] * len(self._aggregations)
        for width in self.widths:
            chosen = [place for place, one in enumerate(self._widths) if one == width]
            needed = sorted({number for place in chosen for number in self._places[place]})
            part = [TileRunPart(run, needed) for run in runs]
            states = window(part, tuple(self.nothing[number] for number in needed), codes, ends, width)
            by_number = dict(zip(needed, states, strict=True))
            for place in chosen:
                inputs = [by_number[number] for number in self._places[place]]
                found[place] = _value(self._aggregations[place].function, inputs)
        return tuple(cast("Column", column) for column in found)

    def _place(self, kind: str, aggregation: Aggregation, dtype: FeatureType) -> int:
        typed = dtype if kind in ("min", "max", "last") else Float64
        wanted = Accumulator(kind, aggregation.column, typed)
        if wanted not in self.accumulators:
            self.accumulators.append(wanted)
        return self.accumulators.index(wanted)


class TileRunPart:
    """A run with some of its accumulators only."""

    def __init__(self, run: TileRun, numbers: list[int]) -> None:
        self.states: tuple[State, ...] = tuple(run.states[number] for number in numbers)
        self.search = run.search


def differs(left: tuple[Column, ...], right: tuple[Column, ...]) -> NDArray[np.bool_]:
    """Rows in which any value differs, to the bit; nulls equal each other."""
    found = np.zeros(len(left[0]), dtype=np.bool_)
    for a, b in zip(left, right, strict=True):
        mask_a, mask_b = a.mask(), b.mask()
        one, other = _bits(a.values), _bits(b.values)
        found |= (mask_a != mask_b) | (mask_a & mask_b & (one != other))
    return found


def _bits(values: NDArray[Any]) -> NDArray[Any]:
    return values.view(f"<i{values.dtype.itemsize}") if values.dtype.kind == "f" else values


def _value(function: str, states: list[State]) -> Column:
    first = states[0]
    if isinstance(first, Sums):
        return Column(totals(first))
    if isinstance(first, Registers):
        return Column(estimates(first))
    if isinstance(first, Extremes):
        return _nullable(first.values, first.given)
    if isinstance(first, Lasts):
        return _nullable(first.values, first.given)
    assert isinstance(first, Counts)
    if function == "count":
        return Column(first.count)
    sums = cast("Sums", states[1])
    if function == "mean":
        return _nullable(means(sums, first.count), first.count > 0)
    return _nullable(variances(sums, cast("Sums", states[2]), first.count), first.count > 0)


def _nullable(values: NDArray[Any], given: NDArray[np.bool_]) -> Column:
    return Column(values, None if given.all() else given)
