"""What callers hand in: keys and request values, checked against their declared types. Errors name column and row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import CommandError
from reference_platform.features.columns import Column
from reference_platform.features.definitions import Field
from reference_platform.features.times import FAR_US, instant_us
from reference_platform.features.types import Bytes, FeatureType, String, UnixTimestamp

KeyColumn = NDArray[np.int64] | list[Any]
"""Typed keys of one join key: int64, or Python values with None for a null key."""

_INT64 = (-(1 << 63), (1 << 63) - 1)
_NONE = type(None)


def checked_keys(values: Sequence[Any] | NDArray[Any], kind: FeatureType, name: str) -> KeyColumn:
    """`values` as keys of type `kind`. Integer keys may be given as decimal text; None is a null key.

    Raises CommandError naming `name` and the row.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "iu" and kind.dtype != "O":
        if values.dtype == np.uint64 and len(values) and values.max() > _INT64[1]:
            raise _refused(name, int(np.argmax(values > _INT64[1])), "the number is too large", kind)
        return values.astype(np.int64, copy=False)
    plain = values if type(values) is list else as_list(values, name)
    wanted = int if kind.dtype != "O" else str if kind is String else bytes
    types = set(map(type, plain))
    if types == {wanted}:
        if wanted is int and (min(plain) < _INT64[0] or max(plain) > _INT64[1]):
            row = next(row for row, value in enumerate(plain) if not _INT64[0] <= value <= _INT64[1])
            raise _refused(name, row, "the number is too large", kind)
        return plain
    return [_key(value, wanted, kind, name, row) for row, value in enumerate(plain)]


def as_list(values: Any, name: str) -> list[Any]:
    """A Python list of a column that may be a list, tuple, array, Series or Arrow array. Raises CommandError."""
    if isinstance(values, list | tuple | range):
        return list(values)
    for convert in ("to_pylist", "tolist", "to_list"):
        if hasattr(values, convert) and not isinstance(values, np.generic):
            return list(getattr(values, convert)())
    raise CommandError(f'column "{name}" is a {type(values).__name__}', fix="hand over a list of values")


def checked_column(values: Sequence[Any] | NDArray[Any], field: Field) -> Column:
    """Request values as a column of the field's type. Raises CommandError naming the field and the row."""
    kind = field.dtype
    if isinstance(values, np.ndarray) and kind.fixed_width and np.can_cast(values.dtype, kind.numpy_dtype, "safe"):
        return Column(values.astype(kind.numpy_dtype, copy=False))
    plain = as_list(values, field.name)
    valid = np.array([value is not None for value in plain], dtype=np.bool_)
    mask = None if valid.all() else valid
    if not kind.fixed_width:
        from reference_platform.features.online_store.cells import canonical_cells

        cells = np.empty(len(plain), dtype=object)
        cells[:] = plain
        cells[:] = canonical_cells(Column(cells, mask), kind, f'request value "{field.name}"')
        return Column(cells, mask)
    blank = False if kind.dtype == "?" else 0
    given = [blank if value is None else _scalar(value, kind, field.name, row) for row, value in enumerate(plain)]
    try:
        return Column(np.array(given, dtype=kind.numpy_dtype), mask)
    except OverflowError:
        limit = 1 << (8 * kind.numpy_dtype.itemsize - 1)
        row = next(row for row, value in enumerate(given) if not -limit <= value < limit)
        raise _refused(field.name, row, "the number is too large", kind) from None


def _scalar(value: Any, kind: FeatureType, name: str, row: int) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if kind is UnixTimestamp:
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            raise _refused(name, row, "the text is no instant", kind) from None
        value = instant_us(moment) if isinstance(moment, datetime) else moment
        if isinstance(value, int) and abs(value) > FAR_US:
            raise _refused(name, row, "the instant lies beyond the calendar", kind)
    wanted = {"f": (int, float), "i": (int,), "b": (bool,)}[kind.numpy_dtype.kind]
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind.dtype != "?"):
        raise _refused(name, row, f"{_named(value)} is no {kind}", kind)
    return value


def _key(value: Any, wanted: type, kind: FeatureType, name: str, row: int) -> Any:
    if value is None or type(value) is wanted:
        if type(value) is int and not _INT64[0] <= value <= _INT64[1]:
            raise _refused(name, row, "the number is too large", kind)
        return value
    if isinstance(value, np.generic):
        return _key(value.item(), wanted, kind, name, row)
    if wanted is int and isinstance(value, str):
        digits = value.removeprefix("-")
        if digits.isascii() and digits.isdecimal() and len(digits) <= 19:
            return _key(int(value), wanted, kind, name, row)
        raise _refused(name, row, "the text is no whole number", kind)
    if wanted is not int and isinstance(value, wanted):
        return wanted(value)
    raise _refused(name, row, f"{_named(value)} is no {kind}", kind)


def _named(value: Any) -> str:
    return "null" if value is None else f"a {type(value).__name__}"


def _refused(name: str, row: int, why: str, kind: FeatureType) -> CommandError:
    shown = {String: "text", Bytes: "bytes", UnixTimestamp: "an instant"}.get(kind, f"{kind} values")
    return CommandError(f'"{name}", row {row}: {why}', fix=f"hand over {shown}, or null where there is none")
