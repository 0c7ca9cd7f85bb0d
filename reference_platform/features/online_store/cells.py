"""Cells without a fixed width: strings, bytes and lists, checked and as bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np

from reference_platform.errors import CommandError
from reference_platform.features.columns import Column
from reference_platform.features.times import instant, instant_us
from reference_platform.features.types import Bytes, FeatureType, String, UnixTimestamp

_U4 = struct.Struct("<I")


def canonical_cells(column: Column, kind: FeatureType, name: str) -> list[Any]:
    """The values as every store would return them, None where null. Raises CommandError for a value of another type."""
    cells: list[Any] = column.values.tolist()
    if column.valid is not None:
        cells = [cell if valid else None for cell, valid in zip(cells, column.valid.tolist(), strict=True)]
    elif any(cell is None for cell in cells):
        raise CommandError(f"{name}: a value is None", fix="mark it in the column's mask")
    wanted = str if kind is String else bytes if kind is Bytes else None
    if wanted is not None and {type(cell) for cell in cells} <= {wanted, type(None)}:
        return cells
    pack, unpack = cell_packer(kind), cell_unpacker(kind)
    for row, cell in enumerate(cells):
        if cell is None:
            continue
        try:
            cells[row] = unpack(pack(cell))
        except (TypeError, ValueError, OverflowError, struct.error) as error:
            raise CommandError(
                f"{name}, row {row}: a {type(cell).__name__} is no {kind}", fix=f"hand over {kind} values"
            ) from error
    return cells


def cell_packer(kind: FeatureType) -> Callable[[Any], bytes]:
    """Bytes of one value of `kind`; equal values have equal bytes."""
    if kind.item is not None:
        item = kind.item
        return lambda value: _pack_list(value, item)
    return _pack_text if kind is String else _pack_bytes


def cell_unpacker(kind: FeatureType) -> Callable[[bytes], Any]:
    """Inverse of `cell_packer`."""
    if kind.item is not None:
        item = kind.item
        return lambda data: _unpack_list(data, item)
    return _unpack_text if kind is String else bytes


def _pack_text(value: Any) -> bytes:
    if not isinstance(value, str):
        raise TypeError
    # JSON may carry half of a surrogate pair; it is stored as it came.
    return value.encode("utf-8", "surrogatepass")


def _unpack_text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _pack_bytes(value: Any) -> bytes:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise TypeError
    return bytes(value)


def _pack_list(value: Any, item: FeatureType) -> bytes:
    items = (
        value.tolist() if isinstance(value, np.ndarray) else list(value) if isinstance(value, list | tuple) else None
    )
    if items is None:
        raise TypeError
    given = [element is not None for element in items]
    mask = b"" if all(given) else np.packbits(given).tobytes()
    if item.fixed_width:
        body = _fixed_items([element for element in items if element is not None], item)
    else:
        pack = cell_packer(item)
        cells = [pack(element) for element in items if element is not None]
        body = b"".join(_U4.pack(len(cell)) for cell in cells) + b"".join(cells)
    return _U4.pack(len(items)) + bytes([bool(mask)]) + mask + body


def _fixed_items(items: list[Any], item: FeatureType) -> bytes:
    if item is UnixTimestamp:
        items = [instant_us(element) if isinstance(element, datetime) else element for element in items]
    allowed = {"f": (int, float), "i": (int,), "b": (bool,)}[item.numpy_dtype.kind]
    if not all(isinstance(element, allowed) and (item.dtype == "?" or type(element) is not bool) for element in items):
        raise TypeError
    with np.errstate(over="ignore"):
        return np.array(items, dtype=item.numpy_dtype).tobytes()


def _unpack_list(data: bytes, item: FeatureType) -> list[Any]:
    (count,) = _U4.unpack_from(data)
    at = 5
    given = None
    if data[4]:
        mask = np.frombuffer(data, np.uint8, (count + 7) // 8, at)
        given = np.unpackbits(mask, count=count).tolist()
        at += len(mask)
    items = _unpacked_items(data, at, sum(given) if given is not None else count, item)
    if given is None:
        return items
    rest = iter(items)
    return [next(rest) if here else None for here in given]


def _unpacked_items(data: bytes, at: int, count: int, item: FeatureType) -> list[Any]:
    if item.fixed_width:
        plain: list[Any] = np.frombuffer(data, item.numpy_dtype, count, at).tolist()
        return [instant(us) for us in plain] if item is UnixTimestamp else plain
    unpack = cell_unpacker(item)
    sizes = np.frombuffer(data, "<u4", count, at).tolist()
    at += 4 * count
    items = []
    for size in sizes:
        items.append(unpack(data[at : at + size]))
        at += size
    return items
