"""What a tile keeps of its events, for each aggregation: columns of slots that merge without regard to order.

A state has n slots. `lifted` makes one slot of each event; `reduce` merges runs of neighbouring slots. Merging is
associative and commutative to the last bit, so tiles may be cut and joined in any way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import CommandError
from reference_platform.features.casting import checked_column
from reference_platform.features.columns import Column
from reference_platform.features.times import NEVER_US
from reference_platform.features.types import FeatureType, Float64
from reference_platform.features.windows.distinct import no_registers, registers_of, restored_registers
from reference_platform.features.windows.exact_sums import no_sums, restored_sums, sums_of, sums_of_squares
from reference_platform.features.windows.hashing import column_hashes
from reference_platform.features.windows.stored import packed_objects, unpacked_objects

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@runtime_checkable
class State(Protocol):
    """n slots of one accumulator."""

    def __len__(self) -> int: ...

    def take(self, index: NDArray[np.integer]) -> Self:
        """The slots at `index`."""

    def joined(self, others: Sequence[Self]) -> Self:
        """These slots, then those of `others`."""

    def reduce(self, starts: Ints) -> Self:
        """One slot per run [starts[i], starts[i + 1]); no run is empty and they cover every slot."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, by name; no array of objects."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many values: int64[n]."""

    count: Ints

    def __len__(self) -> int:
        return len(self.count)

    def take(self, index: NDArray[np.integer]) -> Counts:
        return Counts(self.count[index])

    def joined(self, others: Sequence[Counts]) -> Counts:
        return Counts(np.concatenate([self.count, *(one.count for one in others)]))

    def reduce(self, starts: Ints) -> Counts:
        return Counts(np.add.reduceat(self.count, starts))

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"count": self.count}


@dataclass(frozen=True, slots=True)
class Extremes:
    """The smallest value of each slot, or the greatest. NaN beats everything."""

    values: NDArray[Any]
    given: Mask
    greatest: bool

    def __len__(self) -> int:
        return len(self.values)

    def take(self, index: NDArray[np.integer]) -> Extremes:
        return Extremes(self.values[index], self.given[index], self.greatest)

    def joined(self, others: Sequence[Extremes]) -> Extremes:
        return Extremes(
            np.concatenate([self.values, *(one.values for one in others)]),
            np.concatenate([self.given, *(one.given for one in others)]),
            self.greatest,
        )

    def reduce(self, starts: Ints) -> Extremes:
        given = np.logical_or.reduceat(self.given, starts)
        choose = np.maximum if self.greatest else np.minimum
        if self.values.dtype == object:
            known, rank = np.unique(self.values[self.given], return_inverse=True)
            ranks = np.full(len(self), -1 if self.greatest else len(known), dtype=np.int64)
            ranks[self.given] = rank
            values = np.full(len(starts), None, dtype=object)
            values[given] = known[choose.reduceat(ranks, starts)[given]]
            return Extremes(values, given, self.greatest)
        worst = _worst(self.values.dtype, self.greatest)
        return Extremes(choose.reduceat(np.where(self.given, self.values, worst), starts), given, self.greatest)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {**packed_objects("values", self.values), "given": self.given}


@dataclass(frozen=True, slots=True)
class Lasts:
    """The value of the latest event, with its version: event time, then arrival, then the greater value."""

    event_us: Ints
    arrived_us: Ints
    values: NDArray[Any]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def given(self) -> Mask:
        """Where there is any."""
        given: Mask = self.event_us != NEVER_US
        return given

    def take(self, index: NDArray[np.integer]) -> Lasts:
        return Lasts(self.event_us[index], self.arrived_us[index], self.values[index])

    def joined(self, others: Sequence[Lasts]) -> Lasts:
        return Lasts(
            np.concatenate([self.event_us, *(one.event_us for one in others)]),
            np.concatenate([self.arrived_us, *(one.arrived_us for one in others)]),
            np.concatenate([self.values, *(one.values for one in others)]),
        )

    def reduce(self, starts: Ints) -> Lasts:
        group = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(self)))
        newest = np.flatnonzero(self.event_us == np.maximum.reduceat(self.event_us, starts)[group])
        if len(newest) > len(starts):
            tied, group = self.take(newest), group[newest]
            order = np.lexsort((_content(tied.values, tied.given), tied.arrived_us, group))
            newest = newest[order[np.append(np.flatnonzero(group[1:] != group[:-1]), len(group) - 1)]]
        return self.take(newest)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"event_us": self.event_us, "arrived_us": self.arrived_us, **packed_objects("values", self.values)}


@dataclass(frozen=True, slots=True)
class Accumulator:
    """What to keep of one column of the events: `kind` is count, sum, square, min, max, last or distinct."""

    kind: str
    column: str
    dtype: FeatureType = Float64

    def lifted(self, data: Column, event_us: Ints, arrived_us: Ints) -> State:
        """One slot per event. Raises CommandError when the values do not fit."""
        what = f'column "{self.column}" of the events'
        valid = data.mask()
        if self.kind == "count":
            return Counts(valid.astype(np.int64))
        if self.kind == "distinct":
            return registers_of(column_hashes(data, what), valid)
        if self.kind in ("sum", "square"):
            # A null adds nothing, as 0 does.
            numbers = np.where(valid, _floats(data, what), 0.0)
            return sums_of(numbers) if self.kind == "sum" else sums_of_squares(numbers)
        column = checked_column(data, self.dtype, len(data), what)
        values, valid = column.values, column.mask()
        if self.kind == "last":
            never = np.int64(NEVER_US)
            return Lasts(np.where(valid, event_us, never), np.where(valid, arrived_us, never), values)
        if values.dtype.kind == "f":
            # One zero and one NaN: which of several equal ones stays must not depend on the order.
            values = np.where(np.isnan(values), np.nan, values + 0.0).astype(values.dtype)
        return Extremes(values, valid, self.kind == "max")

    def nothing(self) -> State:
        """One slot without events."""
        if self.kind == "count":
            return Counts(np.zeros(1, dtype=np.int64))
        if self.kind == "distinct":
            return no_registers()
        if self.kind in ("sum", "square"):
            return no_sums()
        values = np.zeros(1, dtype=self.dtype.numpy_dtype) if self.dtype.fixed_width else np.array([None], dtype=object)
        if self.kind == "last":
            never = np.full(1, NEVER_US, dtype=np.int64)
            return Lasts(never, never, values)
        return Extremes(values, np.zeros(1, dtype=np.bool_), self.kind == "max")

    def restored(self, arrays: Mapping[str, NDArray[Any]]) -> State:
        """What `State.arrays` gave."""
        if self.kind == "count":
            return Counts(arrays["count"])
        if self.kind == "distinct":
            return restored_registers(arrays)
        if self.kind in ("sum", "square"):
            return restored_sums(arrays)
        values = unpacked_objects("values", arrays, text=self.dtype.name == "String")
        if self.kind == "last":
            return Lasts(arrays["event_us"], arrays["arrived_us"], values)
        return Extremes(values, arrays["given"], self.kind == "max")


def _floats(data: Column, what: str) -> NDArray[np.float64]:
    values = data.values
    if values.dtype.kind in "iufb":
        return values.astype(np.float64)
    if values.dtype == object:
        return checked_column(data, Float64, len(data), what).values.astype(np.float64)
    raise CommandError(f"{what} cannot be added up", why=f"it holds {values.dtype} values", fix="use numbers")


def _worst(dtype: np.dtype[Any], greatest: bool) -> Any:
    """What no value loses against."""
    if dtype.kind == "b":
        return not greatest
    if dtype.kind == "f":
        return dtype.type(-np.inf if greatest else np.inf)
    bounds = np.iinfo(np.int32 if dtype.itemsize == 4 else np.int64)
    return dtype.type(bounds.min if greatest else bounds.max)


def _content(values: NDArray[Any], given: Mask) -> NDArray[Any]:
    """A number per value that orders values by what they are, to the bit."""
    if values.dtype == object:
        ranks = np.zeros(len(values), dtype=np.int64)
        if given.any():
            ranks[given] = np.unique(values[given], return_inverse=True)[1]
        return ranks
    return values.view(f"<i{values.dtype.itemsize}") if values.dtype.kind == "f" else values
