"""Logged reads as Arrow batches. A value that does not fit its declared type is kept as text, never lost.

`misfits` of a row is JSON: the text of each such value by feature index (`{"3":"nan"}`); its value column is null.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from reference_platform.features.skew.vector_shape import VectorShape

if TYPE_CHECKING:
    import pyarrow as pa

TEXT_MAX = 200
"""Characters kept of a misfit."""


class Entry(NamedTuple):
    """The rows of one read, column-major."""

    rows: int
    read_us: int
    keys: Sequence[Sequence[Any]]
    requests: Sequence[Sequence[Any]]
    values: Sequence[Sequence[Any]]
    statuses: Sequence[Sequence[int]]
    event_us: Sequence[Sequence[int]]
    row_ids: Sequence[str]


def to_batch(shape: VectorShape, entries: Sequence[Entry]) -> pa.RecordBatch:
    """The rows of `entries`, in their order."""
    import pyarrow as pa

    types = shape.schema.types
    rows = sum(entry.rows for entry in entries)
    misfits: dict[int, dict[str, str]] = {}
    read_us = np.repeat([entry.read_us for entry in entries], [entry.rows for entry in entries])
    ids = [row_id for entry in entries for row_id in (entry.row_ids or (None,) * entry.rows)]
    columns: list[Any] = [pa.array(read_us, pa.int64()), pa.array(ids, pa.string()), None]
    for prefix, parts in (("k", [entry.keys for entry in entries]), ("r", [entry.requests for entry in entries])):
        for index, plain in enumerate(_flat(parts)):
            columns.append(_fitted(plain, types[len(columns)], f"{prefix}{index}", misfits))
    columns.append(_statuses(entries, len(shape.features), rows))
    columns += [pa.array(plain, pa.int64()) for plain in _flat([entry.event_us for entry in entries])]
    for index, plain in enumerate(_flat([entry.values for entry in entries])):
        columns.append(_fitted(plain, types[len(columns)], str(index), misfits))
    texts = [json.dumps(misfits[row], sort_keys=True) if row in misfits else None for row in range(rows)]
    columns[2] = pa.array(texts, pa.string()) if misfits else pa.nulls(rows, pa.string())
    return pa.RecordBatch.from_arrays(columns, schema=shape.schema)


def _flat(parts: Sequence[Sequence[Sequence[Any]]]) -> Iterator[list[Any]]:
    """Column by column, the values of all entries. No bytecode runs per value."""
    for index in range(len(parts[0])):
        yield list(chain.from_iterable(map(itemgetter(index), parts)))


def _statuses(entries: Sequence[Entry], width: int, rows: int) -> pa.Array:
    import pyarrow as pa

    first = itemgetter(0)
    packed = b"".join(
        bytes(map(first, entry.statuses)) if entry.rows == 1 else np.array(entry.statuses, dtype=np.uint8).T.tobytes()
        for entry in entries
    )
    assert len(packed) == rows * width
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), rows, [None, pa.py_buffer(packed)])


def _fitted(plain: list[Any], kind: pa.DataType, name: str, misfits: dict[int, dict[str, str]]) -> pa.Array:
    """`plain` as `kind`; what does not fit is null there and text in `misfits`."""
    import pyarrow as pa

    refused = (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, TypeError, ValueError)
    try:
        return pa.array(plain, kind)
    except refused:
        fitted = []
        for row, value in enumerate(plain):
            try:
                fitted.append(pa.scalar(value, kind).as_py())
            except refused:
                misfits.setdefault(row, {})[name] = str(value)[:TEXT_MAX]
                fitted.append(None)
        return pa.array(fitted, kind)
