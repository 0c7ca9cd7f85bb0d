"""Responses of one plan as an Arrow batch, whole arrays at a time.

Of each response only the bytes of its arrays are kept: copying a few of them is cheap, whereas arrays that outlive
their read make every later read slower, which then finds no memory to reuse. This reads the insides of
`OnlineResponse`; by its public methods, one logged read costs ten times as much.
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
        self._inputs: dict[str, list[Any]] = {column.name: [] for column in (*shape.keys, *shape.requests)}
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
        for name, kept in self._inputs.items():
            kept.extend(_plain(response._inputs[name]))
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
            pa.array(self._inputs[column.name], type_named(column.dtype).arrow_type())
            for column in (*shape.keys, *shape.requests)
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


class _Stack:
    """Arrays of one type and width, one below the other; `parts` holds bytes, or the values themselves if objects."""

    def __init__(self, like: NDArray[Any]) -> None:
        self._dtype, self._width = like.dtype, like.shape[1:]
        self.objects = like.dtype == object
        self.parts: list[Any] = []

    def add(self, array: NDArray[Any]) -> None:
        if self.objects:
            self.parts += array.ravel().tolist()
        else:
            self.parts.append(array.tobytes())

    def joined(self) -> NDArray[Any]:
        if self.objects:
            whole = np.fromiter(self.parts, dtype=object, count=len(self.parts))
        else:
            whole = np.frombuffer(b"".join(self.parts), dtype=self._dtype)
        return whole.reshape(-1, *self._width)


class _StoredRows:
    def __init__(self, like: StoredSection) -> None:
        answer = like._answer
        self._selection, self._layout, self._ttl_us = like._selection, answer.layout, like._ttl_us
        self._events = _Stack(answer.event_us)
        groups = sorted({self._layout.place[position][0] for position in self._selection.positions})
        self._blocks = {group: _Stack(answer.blocks[group]) for group in groups}
        self._plain = [(group, stack.parts.append) for group, stack in self._blocks.items() if not stack.objects]
        self._other = [(group, stack) for group, stack in self._blocks.items() if stack.objects]
        self._nulls = _Stack(np.empty((0, self._layout.width), np.bool_))
        self._any_nulls = False

    def add(self, section: Any) -> None:
        answer = section._answer
        event_us, blocks, nulls = answer.event_us, answer.blocks, answer.nulls
        self._events.parts.append(event_us.tobytes())
        for group, append in self._plain:
            append(blocks[group].tobytes())
        for group, stack in self._other:
            stack.add(blocks[group])
        if nulls is None:
            self._nulls.parts.append(bytes(len(event_us) * self._layout.width))
        else:
            self._any_nulls = True
            self._nulls.add(nulls)

    def joined(self, read_us: NDArray[np.int64]) -> _Section:
        event_us = self._events.joined()
        status = np.where(event_us == NEVER_US, Status.NOT_FOUND, Status.PRESENT).astype(np.uint8)
        if self._ttl_us is not None:
            status[(status == Status.PRESENT) & (event_us < read_us - self._ttl_us)] = Status.OUTSIDE_MAX_AGE
        there = status == Status.PRESENT
        nulls = self._nulls.joined() if self._any_nulls else None
        blocks = {group: stack.joined() for group, stack in self._blocks.items()}
        columns, statuses = [], []
        for position in self._selection.positions:
            group, at = self._layout.place[position]
            given = there if nulls is None else there & ~nulls[:, position]
            columns.append(Column(blocks[group][:, at], None if given.all() else given))
            statuses.append(status if nulls is None else np.where(there & ~given, Status.NULL_VALUE, status))
        return _Section(tuple(columns), tuple(each.astype(np.uint8, copy=False) for each in statuses), event_us)


class _ComputedRows:
    def __init__(self, like: ComputedSection) -> None:
        self._values = [_Stack(column.values) for column in like._columns]
        self._valid = [_Stack(np.empty(0, np.bool_)) for _ in like._columns]

    def add(self, section: Any) -> None:
        for column, values, valid in zip(section._columns, self._values, self._valid, strict=True):
            values.add(column.values)
            valid.add(column.mask())

    def joined(self, read_us: NDArray[np.int64]) -> _Section:
        columns = tuple(Column(v.joined(), valid.joined()) for v, valid in zip(self._values, self._valid, strict=True))
        assert all(len(column) == len(read_us) for column in columns)
        statuses = [np.where(column.mask(), Status.PRESENT, Status.NULL_VALUE).astype(np.uint8) for column in columns]
        return _Section(columns, tuple(statuses), None)


def _plain(values: Any) -> list[Any]:
    if isinstance(values, Column):
        return values.to_list()
    return values.tolist() if isinstance(values, np.ndarray) else list(values)
