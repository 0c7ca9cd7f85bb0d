"""Answers to one request: values, statuses and event times by feature, worked out when they are looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.columns import Column, column_to_arrow
from reference_platform.features.online_store.layout import RowLayout
from reference_platform.features.online_store.port import Status, ViewAnswer
from reference_platform.features.times import NEVER_US, instant
from reference_platform.features.types import FeatureType, UnixTimestamp

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_PRESENT, _NULL, _MISSING, _EXPIRED = (
    int(status) for status in (Status.PRESENT, Status.NULL_VALUE, Status.NOT_FOUND, Status.OUTSIDE_MAX_AGE)
)
_US_PER_S = 1_000_000


@dataclass(frozen=True, slots=True)
class Selection:
    """Some features of a view: per matrix of its layout, which columns (None: all, in order) fill which slots."""

    positions: tuple[int, ...]
    parts: tuple[tuple[int, NDArray[np.int64] | None, tuple[int, ...]], ...]

    @classmethod
    def of(cls, layout: RowLayout, positions: Sequence[int]) -> Selection:
        """The features at `positions` of the schema; slot i holds positions[i]."""
        parts = []
        for number, group in enumerate(layout.groups):
            slots = tuple(slot for slot, position in enumerate(positions) if layout.place[position][0] == number)
            columns = [layout.place[positions[slot]][1] for slot in slots]
            whole = columns == list(range(len(group.positions)))
            if slots:
                parts.append((number, None if whole else np.array(columns), slots))
        return cls(tuple(positions), tuple(parts))


class StoredSection:
    """Features of one view, all answered by the same rows."""

    __slots__ = ("_answer", "_base", "_events", "_lists", "_now_us", "_selection", "_ttl_us")

    def __init__(self, answer: ViewAnswer, selection: Selection, ttl_us: int | None, now_us: int) -> None:
        self._answer = answer
        self._selection = selection
        self._ttl_us = ttl_us
        self._now_us = now_us
        self._events: list[int] | None = None
        self._base: list[int] | None = None
        self._lists: list[list[Any]] | None = None

    def events(self) -> list[int]:
        """Event time per row, NEVER_US where no row was found."""
        if self._events is None:
            self._events = self._answer.event_us.tolist()
        return self._events

    def base(self) -> list[int]:
        """Status per row, nulls of single features aside."""
        if self._base is None:
            if self._ttl_us is None:
                self._base = [_MISSING if event == NEVER_US else _PRESENT for event in self.events()]
            else:
                oldest = self._now_us - self._ttl_us
                self._base = [
                    _PRESENT if event >= oldest else _MISSING if event == NEVER_US else _EXPIRED
                    for event in self.events()
                ]
        return self._base

    def whole(self) -> bool:
        """Whether every value is there."""
        return self._answer.nulls is None and self.base().count(_PRESENT) == len(self._answer)

    def lists(self) -> list[list[Any]]:
        """Values per slot, None where there is none."""
        if self._lists is None:
            hidden = None if self.whole() else self._hidden()
            self._lists = self._build(hidden)
        return self._lists

    def statuses(self, slot: int) -> list[int]:
        """Status per row. All slots share one list where no feature is null."""
        nulls = self._answer.nulls
        if nulls is None:
            return self.base()
        column = nulls[:, self._selection.positions[slot]]
        if not column.any():
            return self.base()
        rows = zip(column.tolist(), self.base(), strict=True)
        return [_NULL if null and base == _PRESENT else base for null, base in rows]

    def column(self, slot: int) -> Column:
        """Values and which are there."""
        column = self._answer.column(self._selection.positions[slot])
        if self.base().count(_PRESENT) == len(self._answer):
            return column
        return Column(column.values, column.mask() & (np.array(self.base()) == _PRESENT))

    def _hidden(self) -> NDArray[np.bool_]:
        hidden: NDArray[np.bool_] = (np.array(self.base()) != _PRESENT)[:, None]
        nulls = self._answer.nulls
        return hidden if nulls is None else np.logical_or(hidden, nulls)

    def _build(self, hidden: NDArray[np.bool_] | None) -> list[list[Any]]:
        selection, blocks = self._selection, self._answer.blocks
        out: list[list[Any]] = [[]] * len(selection.positions)
        for number, columns, slots in selection.parts:
            block = blocks[number] if columns is None else blocks[number][:, columns]
            if hidden is not None:
                block = block.astype(object)
                wide = hidden if hidden.shape[1] == 1 else hidden[:, [selection.positions[slot] for slot in slots]]
                block[np.broadcast_to(wide, block.shape)] = None
            lists = block.T.tolist()
            if len(slots) == len(out):
                return lists  # type: ignore[no-any-return]
            for slot, values in zip(slots, lists, strict=True):
                out[slot] = values
        return out


class ComputedSection:
    """Features that an on-demand view computed for this request; they have no event time."""

    __slots__ = ("_columns", "_rows")

    def __init__(self, columns: tuple[Column, ...], rows: int) -> None:
        self._columns = columns
        self._rows = rows

    def events(self) -> list[int]:
        """NEVER_US per row."""
        return [NEVER_US] * self._rows

    def base(self) -> list[int]:
        """PRESENT per row."""
        return [_PRESENT] * self._rows

    def lists(self) -> list[list[Any]]:
        """Values per slot, None where null."""
        return [column.to_list() for column in self._columns]

    def statuses(self, slot: int) -> list[int]:
        """PRESENT, or NULL_VALUE where the function gave null."""
        return [_PRESENT if valid else _NULL for valid in self._columns[slot].mask().tolist()]

    def column(self, slot: int) -> Column:
        """Values and which are there."""
        return self._columns[slot]


Section = StoredSection | ComputedSection


@dataclass(frozen=True, slots=True)
class ResponseShape:
    """What the responses of one plan have in common. Feature i is slot `spots[i][1]` of section `spots[i][0]`."""

    names: tuple[str, ...]
    kinds: tuple[FeatureType, ...]
    spots: tuple[tuple[int, int], ...]
    inputs: tuple[tuple[str, FeatureType], ...]
    """Join keys, then request values."""
    has_instants: bool


class OnlineResponse:
    """Features in the order of `names`, row for row as asked."""

    __slots__ = ("_inputs", "_sections", "_shape", "rows")

    def __init__(
        self, shape: ResponseShape, rows: int, inputs: Mapping[str, Sequence[Any]], sections: Sequence[Section]
    ) -> None:
        self.rows = rows
        self._shape = shape
        self._inputs = inputs
        self._sections = sections

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features; join keys and request values are not among them."""
        return self._shape.names

    @property
    def kinds(self) -> tuple[FeatureType, ...]:
        """Their types."""
        return self._shape.kinds

    @property
    def inputs(self) -> dict[str, list[Any]]:
        """Join keys and request values as they were understood, by name."""
        return {name: _plain(self._inputs[name]) for name, _ in self._shape.inputs}

    def values(self, index: int) -> list[Any]:
        """Values of feature `index`, None where there is none; instants in microseconds since 1970."""
        section, slot = self._shape.spots[index]
        return self._sections[section].lists()[slot]

    def statuses(self, index: int) -> list[int]:
        """`Status` numbers of feature `index`. Features of one view may share one list: do not change it."""
        section, slot = self._shape.spots[index]
        return self._sections[section].statuses(slot)

    def event_us(self, index: int) -> list[int]:
        """Event times of feature `index`; 0 where no row was found and for computed features."""
        section, _ = self._shape.spots[index]
        return [0 if event == NEVER_US else event for event in self._sections[section].events()]

    def column(self, index: int) -> Column:
        """Values of feature `index` and which are there, without making Python objects."""
        section, slot = self._shape.spots[index]
        return self._sections[section].column(slot)

    def to_dict(self, include_event_timestamps: bool = False) -> dict[str, list[Any]]:
        """Join keys, request values, then features, by name. With event times: `name__ts`, in seconds."""
        out: dict[str, list[Any]] = self.inputs
        lists = [section.lists() for section in self._sections]
        shape = self._shape
        if shape.has_instants:
            for name, kind, (section, slot) in zip(shape.names, shape.kinds, shape.spots, strict=True):
                values = lists[section][slot]
                if kind is UnixTimestamp:
                    values = [None if us is None else instant(us) for us in values]
                out[name] = values
        else:
            out |= {name: lists[section][slot] for name, (section, slot) in zip(shape.names, shape.spots, strict=True)}
        if include_event_timestamps:
            out |= {
                f"{name}__ts": [us // _US_PER_S for us in self.event_us(index)]
                for index, name in enumerate(shape.names)
            }
        return out

    def to_arrow(self) -> pa.Table:
        """A table of join keys, request values and features, nulls and types kept."""
        import pyarrow as pa

        out = {name: pa.array(_plain(self._inputs[name]), type=kind.arrow_type()) for name, kind in self._shape.inputs}
        for index, (name, kind) in enumerate(zip(self._shape.names, self._shape.kinds, strict=True)):
            out[name] = column_to_arrow(self.column(index), kind)
        return pa.table(out)

    def to_df(self) -> pd.DataFrame:
        """The same as a frame; whole numbers and truth values stay what they are when some are missing."""
        import pandas as pd
        import pyarrow as pa

        nullable = {
            pa.int32(): pd.Int32Dtype(),
            pa.int64(): pd.Int64Dtype(),
            pa.bool_(): pd.BooleanDtype(),
        }
        return self.to_arrow().to_pandas(types_mapper=nullable.get)


def _plain(values: Sequence[Any] | NDArray[Any] | Column) -> list[Any]:
    if isinstance(values, Column):
        return values.to_list()
    return values.tolist() if isinstance(values, np.ndarray) else list(values)
