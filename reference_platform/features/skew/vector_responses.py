"""Responses of one plan as an Arrow batch, whole arrays at a time: a value never becomes a Python object.

Of each response only its arrays are kept, which the garbage collector does not follow; keeping responses themselves
costs every later read more than taking them apart. This reads the insides of `OnlineResponse` for the same reason:
by its public methods, one logged read costs ten times as much.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.columns import Column, column_to_arrow
from reference_platform.features.online_store.port import Status
from reference_platform.features.online_store.response import ComputedSection, OnlineResponse, StoredSection
from reference_platform.features.skew.vector_shape import VectorShape
from reference_platform.features.times import NEVER_US
from reference_platform.features.types import type_named

if TYPE_CHECKING:
    import pyarrow as pa


class _Section(NamedTuple):
    """A section of all responses, one below the other. `event_us` None: computed, without event times."""

    columns: tuple[Column, ...]
    statuses: tuple[NDArray[np.uint8], ...]
    event_us: NDArray[np.int64] | None


class ResponseRows:
    """Responses of one plan, until they are made a batch. `shape` is the one of that plan."""

    def __init__(self, shape: VectorShape, like: OnlineResponse) -> None:
        self.rows = 0
        self._shape = shape
        self._spots = like._shape.spots
        assert len(self._spots) == len(shape.features), "a shape of another plan"
        self._names = [column.name for column in (*shape.keys, *shape.requests)]
        self._inputs: list[list[Any]] = [[] for _ in self._names]
        self._counts: list[int] = []
        self._read_us: list[int] = []
        self._row_ids: list[Sequence[str]] = []
        self._parts: list[_StoredRows | _ComputedRows] = [
            _StoredRows(section) if isinstance(section, StoredSection) else _ComputedRows(section)
            for section in like._sections
        ]

    def add(self, response: OnlineResponse, read_us: int, row_ids: Sequence[str]) -> None:
        """Keep the arrays of one response."""
        self.rows += response.rows
        self._counts.append(response.rows)
        self._read_us.append(read_us)
        self._row_ids.append(row_ids)
        for name, kept in zip(self._names, self._inputs, strict=True):
            kept.append(response._inputs[name])
        for section, part in zip(response._sections, self._parts, strict=True):
            part.add(section)

    def batch(self) -> pa.RecordBatch:
        """The rows, in the order in which they were added."""
        import pyarrow as pa

        shape, rows = self._shape, self.rows
        read_us = np.repeat(self._read_us, self._counts)
        ids: list[str | None] = []
        for count, row_ids in zip(self._counts, self._row_ids, strict=True):
            ids += row_ids or (None,) * count
        sections = [part.joined(read_us) for part in self._parts]
        arrays: list[Any] = [pa.array(read_us, pa.int64()), pa.array(ids, pa.string()), pa.nulls(rows, pa.string())]
        arrays += [
            _input(kept, type_named(column.dtype).arrow_type())
            for kept, column in zip(self._inputs, (*shape.keys, *shape.requests), strict=True)
        ]
        width = len(self._spots)
        packed = np.stack([sections[section].statuses[slot] for section, slot in self._spots], axis=1)
        arrays.append(pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), rows, [None, pa.py_buffer(packed)]))
        for index in shape.lookups:
            event_us = None if index < 0 else sections[self._spots[index][0]].event_us
            arrays.append(pa.array(np.full(rows, NEVER_US) if event_us is None else event_us, pa.int64()))
        arrays += [
            column_to_arrow(sections[section].columns[slot], feature.kind)
            for feature, (section, slot) in zip(shape.features, self._spots, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=shape.schema)


class _StoredRows:
    def __init__(self, like: StoredSection) -> None:
        self._selection, self._layout, self._ttl_us = like._selection, like._answer.layout, like._ttl_us
        self._groups = sorted({self._layout.place[position][0] for position in self._selection.positions})
        self._events: list[NDArray[np.int64]] = []
        self._blocks: list[list[NDArray[Any]]] = [[] for _ in self._groups]
        self._nulls: list[NDArray[np.bool_] | None] = []

    def add(self, section: Any) -> None:
        answer = section._answer
        self._events.append(answer.event_us)
        for group, kept in zip(self._groups, self._blocks, strict=True):
            kept.append(answer.blocks[group])
        self._nulls.append(answer.nulls)

    def joined(self, read_us: NDArray[np.int64]) -> _Section:
        event_us = np.concatenate(self._events)
        status = np.where(event_us == NEVER_US, Status.NOT_FOUND, Status.PRESENT).astype(np.uint8)
        if self._ttl_us is not None:
            status[(status == Status.PRESENT) & (event_us < read_us - self._ttl_us)] = Status.OUTSIDE_MAX_AGE
        there = status == Status.PRESENT
        nulls = None
        if any(each is not None for each in self._nulls):
            pairs = zip(self._events, self._nulls, strict=True)
            width = self._layout.width
            nulls = np.concatenate([np.zeros((len(e), width), np.bool_) if n is None else n for e, n in pairs])
        blocks = dict(zip(self._groups, map(np.concatenate, self._blocks), strict=True))
        columns, statuses = [], []
        for position in self._selection.positions:
            group, at = self._layout.place[position]
            given = there if nulls is None else there & ~nulls[:, position]
            columns.append(Column(blocks[group][:, at], None if given.all() else given))
            statuses.append(status if nulls is None else np.where(there & ~given, Status.NULL_VALUE, status))
        return _Section(tuple(columns), tuple(each.astype(np.uint8, copy=False) for each in statuses), event_us)


class _ComputedRows:
    def __init__(self, like: ComputedSection) -> None:
        self._columns: list[list[tuple[NDArray[Any], NDArray[np.bool_] | None]]] = [[] for _ in like._columns]

    def add(self, section: Any) -> None:
        for column, kept in zip(section._columns, self._columns, strict=True):
            kept.append((column.values, column.valid))

    def joined(self, read_us: NDArray[np.int64]) -> _Section:
        assert all(sum(len(values) for values, _ in kept) == len(read_us) for kept in self._columns)
        columns = []
        for kept in self._columns:
            valid = None
            if any(given is not None for _, given in kept):
                valid = np.concatenate([np.ones(len(v), np.bool_) if given is None else given for v, given in kept])
            columns.append(Column(np.concatenate([values for values, _ in kept]), valid))
        statuses = [np.where(column.mask(), Status.PRESENT, Status.NULL_VALUE).astype(np.uint8) for column in columns]
        return _Section(tuple(columns), tuple(statuses), None)


def _input(parts: Sequence[Any], kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if all(isinstance(part, np.ndarray) for part in parts) and parts[0].dtype != object:
        return pa.array(np.concatenate(parts), kind)
    plain: list[Any] = []
    for part in parts:
        plain += part.to_list() if isinstance(part, Column) else list(part)
    return pa.array(plain, kind)
