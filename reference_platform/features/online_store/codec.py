"""Packed rows: one byte string per row that compares, as unsigned bytes, the way rows win over each other.

Layout, all little endian except the three versions, which are big endian and biased so that their bytes order like the
instants they stand for:

    4  fingerprint of the schema and of this format
    8  event time   8  created   8  sequence
    n  null bits, first feature first
    m  one matrix row per NumPy type: Float64, Int64 and instants, Float32, Int32, Bool
    4  per string, bytes or list: its size, then all of them one after the other
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import ConfigError
from reference_platform.features.columns import FeatureBlock
from reference_platform.features.definitions import FeatureView
from reference_platform.features.online_store.cells import cell_packer, cell_unpacker
from reference_platform.features.online_store.inputs import KeyColumn, checked_keys
from reference_platform.features.online_store.layout import RowBatch, RowLayout, batch_of
from reference_platform.features.online_store.port import ViewAnswer
from reference_platform.features.times import NEVER_US
from reference_platform.features.types import String

VERSIONS_AT = 4
"""Where the part of a packed row begins that decides which row wins."""
_BIAS = np.uint64(1 << 63)
_LENGTH = struct.Struct(">I")
_NUMBER = struct.Struct(">Q")
_HEAD = struct.Struct(">4sQ")
_NULLS_AT = 28


class RowCodec:
    """Rows of one view as bytes and back."""

    def __init__(self, view: FeatureView, layout: RowLayout | None = None) -> None:
        self.view = view
        self.layout = layout = layout or RowLayout(view)
        fields: list[tuple[Any, ...]] = [
            ("tag", "<u4"),
            ("event", ">u8"),
            ("created", ">u8"),
            ("sequence", ">u8"),
            ("nulls", "u1", (layout.null_bytes,)),
        ]
        self._fixed = [number for number, group in enumerate(layout.groups) if group.dtype.kind != "O"]
        fields += [
            (f"g{number}", layout.groups[number].dtype, (len(layout.groups[number].positions),))
            for number in self._fixed
        ]
        self._loose = len(layout.groups) - 1 if layout.groups[-1].dtype.kind == "O" else -1
        if self._loose >= 0:
            kinds = [layout.kinds[position] for position in layout.groups[-1].positions]
            self._packers = [cell_packer(kind) for kind in kinds]
            self._unpackers = [cell_unpacker(kind) for kind in kinds]
            fields.append(("sizes", "<u4", (len(kinds),)))
        self._dtype = np.dtype(fields)
        self.row_bytes = self._dtype.itemsize
        """Size of a row without what its strings, bytes and lists hold."""
        self._absent = self._blank_row()
        self._no_nulls = bytes(layout.null_bytes)
        self._places = [
            (group.dtype, len(group.positions), self._dtype.fields[f"g{number}"][1])
            for number, group in enumerate(layout.groups)
            if number in self._fixed and self._dtype.fields is not None
        ]

    def __reduce__(self) -> tuple[type[RowCodec], tuple[FeatureView, RowLayout]]:
        """It is what view and layout make it."""
        return RowCodec, (self.view, self.layout)

    def encode(self, rows: FeatureBlock) -> list[bytes]:
        """One byte string per row."""
        return self.encode_batch(batch_of(self.view, self.layout, rows))

    def encode_batch(self, rows: RowBatch) -> list[bytes]:
        """One byte string per row of a checked batch."""
        records = np.zeros(len(rows), dtype=self._dtype)
        records["tag"] = self.layout.fingerprint
        for name, values in (("event", rows.event_us), ("created", rows.created_us), ("sequence", rows.sequence)):
            records[name] = _biased(values)
        if rows.nulls is not None:
            records["nulls"] = np.packbits(rows.nulls, axis=1)
        for number in self._fixed:
            records[f"g{number}"] = rows.blocks[number]
        heaps: list[bytes] = []
        if self._loose >= 0:
            heaps = self._pack_cells(rows.blocks[self._loose], records["sizes"])
        raw, size = records.tobytes(), self.row_bytes
        heads = [raw[at : at + size] for at in range(0, len(raw), size)]
        return [head + heap for head, heap in zip(heads, heaps, strict=True)] if heaps else heads

    def decode(self, rows: Sequence[bytes | None]) -> ViewAnswer:
        """The rows, None being one that was not found. Raises ConfigError for bytes of another schema."""
        if len(rows) == 1 and self._loose < 0:
            return self._decode_one(rows[0])
        size, absent = self.row_bytes, self._absent
        loose = self._loose >= 0
        raw = b"".join([absent if row is None else row[:size] if loose else row for row in rows])
        if len(raw) != size * len(rows):
            raise self._damaged()
        records = np.frombuffer(raw, dtype=self._dtype)
        if (records["tag"] != self.layout.fingerprint).any():
            raise self._damaged()
        event_us = _unbiased(records["event"])
        blocks = [records[f"g{number}"] for number in self._fixed]
        if loose:
            blocks.append(self._unpack_cells(rows, records["sizes"]))
        bits = records["nulls"]
        nulls = None
        if bits.any():
            nulls = np.unpackbits(bits, axis=1, count=self.layout.width).view(np.bool_)
        return ViewAnswer(self.layout, event_us, tuple(blocks), nulls)

    def _decode_one(self, row: bytes | None) -> ViewAnswer:
        """`decode` of one row without loose cells, several times faster."""
        if row is None:
            row = self._absent
        elif len(row) != self.row_bytes:
            raise self._damaged()
        tag, event = _HEAD.unpack_from(row)
        if tag != self.layout.fingerprint.to_bytes(4, "little"):
            raise self._damaged()
        blocks = tuple([np.frombuffer(row, dtype, count, at).reshape(1, count) for dtype, count, at in self._places])
        nulls = None
        if row[_NULLS_AT : _NULLS_AT + self.layout.null_bytes] != self._no_nulls:
            bits = np.frombuffer(row, np.uint8, self.layout.null_bytes, _NULLS_AT)
            nulls = np.unpackbits(bits, count=self.layout.width).view(np.bool_).reshape(1, -1)
        return ViewAnswer(self.layout, np.array([event - (1 << 63)]), blocks, nulls)

    def decode_versions(self, rows: Sequence[bytes]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Created and sequence of rows that exist."""
        size = self.row_bytes
        records = np.frombuffer(b"".join([row[:size] for row in rows]), dtype=self._dtype)
        return _unbiased(records["created"]), _unbiased(records["sequence"])

    def _blank_row(self) -> bytes:
        record = np.zeros(1, dtype=self._dtype)
        record["tag"] = self.layout.fingerprint
        record["event"] = np.array([NEVER_US]).view(np.uint64) ^ _BIAS
        for number in self._fixed:
            record[f"g{number}"] = self.layout.groups[number].blank
        return record.tobytes()

    def _pack_cells(self, block: NDArray[Any], sizes: NDArray[np.uint32]) -> list[bytes]:
        columns = []
        for at, pack in enumerate(self._packers):
            cells = [b"" if cell is None else pack(cell) for cell in block[:, at].tolist()]
            sizes[:, at] = [len(cell) for cell in cells]
            columns.append(cells)
        return [b"".join(cells) for cells in zip(*columns, strict=True)]

    def _unpack_cells(self, rows: Sequence[bytes | None], sizes: NDArray[np.uint32]) -> NDArray[Any]:
        block = np.full(sizes.shape, None, dtype=object)
        null_bit = [(position >> 3, 128 >> (position & 7)) for position in self.layout.groups[-1].positions]
        for number, (row, lengths) in enumerate(zip(rows, sizes.tolist(), strict=True)):
            if row is None:
                continue
            at = self.row_bytes
            if at + sum(lengths) != len(row):
                raise self._damaged()
            for column, length in enumerate(lengths):
                byte, bit = null_bit[column]
                if not row[_NULLS_AT + byte] & bit:
                    block[number, column] = self._unpackers[column](row[at : at + length])
                at += length
        return block

    def _damaged(self) -> ConfigError:
        return ConfigError(
            f"a stored row of view {self.view.name} cannot be read",
            why="its bytes belong to another schema, or were changed from outside",
            fix="drop the view from the online store and materialize it again",
        )


def key_bytes(view: FeatureView, keys: Sequence[Any], *, checked: bool = False) -> list[bytes | None]:
    """One byte string per row over all join keys, typed and length-prefixed; None where any of them is null.

    Raises CommandError for keys of another type.
    """
    parts = []
    for values, kind, name in zip(keys, view.key_types, view.join_keys, strict=True):
        column: KeyColumn = values if checked else checked_keys(values, kind, name)
        parts.append(_int_keys(column) if kind.dtype != "O" else _loose_keys(column, kind is String))
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return [b""]
    return [None if None in row else b"".join(row) for row in zip(*parts, strict=True)]


def _int_keys(column: KeyColumn) -> list[bytes | None]:
    pack = _NUMBER.pack
    plain = column.tolist() if isinstance(column, np.ndarray) else column
    return [None if key is None else b"i" + pack(key + (1 << 63)) for key in plain]


def _loose_keys(column: KeyColumn, text: bool) -> list[bytes | None]:
    out: list[bytes | None] = []
    kind = b"s" if text else b"b"
    for key in column:
        data = key.encode("utf-8", "surrogatepass") if text and key is not None else key
        out.append(None if data is None else kind + _LENGTH.pack(len(data)) + data)
    return out


def _biased(values: NDArray[np.int64]) -> NDArray[np.uint64]:
    return np.ascontiguousarray(values).view(np.uint64) ^ _BIAS


def _unbiased(values: NDArray[np.uint64]) -> NDArray[np.int64]:
    return (values.astype(np.uint64) ^ _BIAS).view(np.int64)
