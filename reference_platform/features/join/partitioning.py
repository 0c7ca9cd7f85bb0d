"""Streams of record batches, and cutting them by the hash of their keys. The hash is the same everywhere, always."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.join.scan import as_type

if TYPE_CHECKING:
    import pyarrow as pa

POSITION = "position"
"""Last column of every stream: where a row stands in its source, int64. The others are `c0`, `c1`, ..., whatever they
are called outside, so that no name can clash."""

_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MISSING = np.uint64(0x5851F42D4C957F2D)


@dataclass(frozen=True, slots=True)
class Stream:
    """Batches of one schema, read once."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]

    def read_all(self) -> pa.Table:
        """All of it as one table."""
        import pyarrow as pa

        return pa.Table.from_batches(list(self.batches), self.schema)


def stream_schema(types: Sequence[pa.DataType]) -> pa.Schema:
    """Columns `c0`, `c1`, ... of `types`, then the position. Dictionaries become what they stand for."""
    import pyarrow as pa

    plain = [kind.value_type if pa.types.is_dictionary(kind) else kind for kind in types]
    return pa.schema([*((f"c{index}", kind) for index, kind in enumerate(plain)), (POSITION, pa.int64())])


def numbered(batch: pa.RecordBatch, first: int, schema: pa.Schema) -> pa.RecordBatch:
    """`batch` as `schema` has it, its rows at `first` and the positions behind."""
    import pyarrow as pa

    arrays = [as_type(column, field.type) for column, field in zip(batch.columns, schema, strict=False)]
    positions = pa.array(np.arange(first, first + batch.num_rows, dtype=np.int64))
    return pa.RecordBatch.from_arrays([*arrays, positions], schema=schema)


def partition_numbers(columns: Sequence[pa.Array], rows: int, n: int) -> NDArray[np.int64]:
    """For each row which of `n` partitions its keys belong to. Equal keys agree, int32 with int64 and so on."""
    hashed = np.zeros(rows, dtype=np.uint64)
    for column in columns:
        hashed = _mixed(hashed * _STEP + _hashes(column))
    return (hashed % np.uint64(n)).astype(np.int64)


def split(batch: pa.RecordBatch, keys: int, n: int) -> list[tuple[int, pa.RecordBatch]]:
    """The partitions that have rows in `batch`, with these rows in their order. Keys are the first `keys` columns."""
    import pyarrow as pa

    if n == 1 or not batch.num_rows:
        return [(0, batch)] if batch.num_rows else []
    part = partition_numbers(batch.columns[:keys], batch.num_rows, n)
    order = np.argsort(part, kind="stable")
    sorted_batch = batch.take(pa.array(order))
    ends = np.cumsum(np.bincount(part, minlength=n)).tolist()
    starts = [0, *ends[:-1]]
    return [(i, sorted_batch.slice(a, b - a)) for i, (a, b) in enumerate(zip(starts, ends, strict=True)) if b > a]


def _hashes(column: pa.Array) -> NDArray[np.uint64]:
    import pyarrow as pa

    kinds = pa.types
    if kinds.is_dictionary(column.type):
        column = column.dictionary_decode()
    if kinds.is_null(column.type):
        return np.full(len(column), _MISSING)
    valid = None if not column.null_count else np.asarray(column.is_valid())
    if kinds.is_timestamp(column.type) or kinds.is_date(column.type):
        column = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    if kinds.is_integer(column.type) or kinds.is_floating(column.type) or kinds.is_boolean(column.type):
        if kinds.is_floating(column.type):
            gone = ~np.isfinite(column.to_numpy(zero_copy_only=False))
            valid = ~gone if gone.any() else valid
            column = column.fill_null(0)
        whole = column.cast(pa.int64(), safe=False).fill_null(0).to_numpy(zero_copy_only=False)
        hashed = _mixed(whole.view(np.uint64))
    else:
        words = column.dictionary_encode()
        each = [zlib.crc32(word.encode() if isinstance(word, str) else word) for word in words.dictionary.to_pylist()]
        at = words.indices.fill_null(0).to_numpy(zero_copy_only=False)
        hashed = _mixed(np.array([*each, 0], dtype=np.uint64)[at])
    return hashed if valid is None else np.where(valid, hashed, _MISSING)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Every bit in spreads over all bits out. Source: the finaliser of SplitMix64, Steele, Lea and Flood 2014."""
    mixed = values + _STEP
    mixed = (mixed ^ (mixed >> _SHIFTS[0])) * _MIX[0]
    mixed = (mixed ^ (mixed >> _SHIFTS[1])) * _MIX[1]
    return mixed ^ (mixed >> _SHIFTS[2])
