"""Columns of a declared type out of whatever an author's code or a caller hands over: without loss, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import CommandError
from reference_platform.features.columns import Column, column_from_arrow
from reference_platform.features.times import FAR_US, instant_us
from reference_platform.features.types import FeatureType, Int64, UnixTimestamp

Mask = NDArray[np.bool_]
_PER_UNIT = {"D": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}


def checked_column(data: object, kind: FeatureType, rows: int, what: str, null_rows: Mask | None = None) -> Column:
    """`data` as a column of `kind` with `rows` rows.

    `data`: an array, masked array, list, pandas Series, Arrow array or Column. Masked entries, None, NaT and pd.NA are
    null; NaN is null in `null_rows`, else a value. Raises CommandError, without values, for another length or type and
    for numbers that `kind` cannot hold; only float64 is rounded when `kind` is Float32.
    """
    if isinstance(data, Column):
        values, valid = data.values, data.valid
        if kind is UnixTimestamp and values.dtype == np.int64:
            values = values.view("<M8[us]")
    elif type(data).__module__.startswith("pyarrow"):
        values, valid = _of_arrow(data, kind, what)
    else:
        values, valid = _plain(data, kind, what)
    if len(values) != rows:
        raise CommandError(f"{what} has {len(values):,} values for {rows:,} rows", fix="give one value per row")
    if kind.item is not None:
        values, valid = _lists(values, valid, kind.item, what)
    elif values.dtype == object and kind.fixed_width:
        values, valid = _numbers(values, valid, kind, what)
    if values.dtype.kind == "f" and null_rows is not None:
        valid = _both(valid, ~(np.isnan(values) & null_rows))
    if not kind.fixed_width:
        values, valid = (values, valid) if kind.item is not None else _texts(values, valid, kind, what)
    elif kind is UnixTimestamp:
        values, valid = _instants(values, valid, what)
    else:
        values = _fixed(values, valid, kind, what)
    return Column(values, None if valid is None or valid.all() else valid)


def plain_column(data: object, what: str) -> Column:
    """`data` as a column of whatever type it has; masked entries, None, NaT and pd.NA are null, NaN is a value.

    Raises CommandError when it is no column.
    """
    if isinstance(data, Column):
        return data
    if type(data).__module__.startswith("pyarrow"):
        raise CommandError(f"{what} is an Arrow array", fix="hand over a Column or a NumPy array")
    values, valid = _plain(data, Int64, what)
    if values.dtype == object:
        valid = _given(values, valid)
    elif values.dtype.kind == "M":
        valid = _both(valid, ~np.isnat(values))
    return Column(values, None if valid is None or valid.all() else valid)


def _refused(what: str, kind: FeatureType, why: str) -> CommandError:
    return CommandError(f"{what} is no {kind}", why=why, fix=f"give {kind} values, or declare another dtype")


def _both(valid: Mask | None, other: Mask) -> Mask:
    return other if valid is None else valid & other


def _plain(data: object, kind: FeatureType, what: str) -> tuple[NDArray[Any], Mask | None]:
    """An array and what is valid in it."""
    if isinstance(data, np.ma.MaskedArray):
        return np.ma.getdata(data), ~np.ma.getmaskarray(data)
    if isinstance(data, np.ndarray) and (data.ndim == 1 or (data.ndim == 2 and kind.item is not None)):
        return data, None
    if isinstance(data, list | tuple):
        return np.fromiter(data, dtype=object, count=len(data)), None
    if hasattr(data, "isna") and hasattr(data, "dtype"):
        return _of_pandas(data, what)
    shape = f" of shape {data.shape}" if isinstance(data, np.ndarray) else ""
    raise CommandError(f"{what} is a {type(data).__name__}{shape}, not a column", fix="give one value per row")


def _of_arrow(data: Any, kind: FeatureType, what: str) -> tuple[NDArray[Any], Mask | None]:
    column = column_from_arrow(data, kind, what)
    return (column.values.view("<M8[us]") if kind is UnixTimestamp else column.values), column.valid


def _of_pandas(data: Any, what: str) -> tuple[NDArray[Any], Mask | None]:
    index = getattr(data, "index", None)
    if index is not None and not np.array_equal(np.asarray(index), np.arange(len(data))):
        raise CommandError(f"{what} has rows in another order", fix="keep the index of the frame")
    if isinstance(data.dtype, np.dtype) and data.dtype != object:
        return data.to_numpy(), None
    valid = ~np.asarray(data.isna(), dtype=np.bool_)
    if getattr(data.dtype, "tz", None) is not None:
        return (data.dt.tz_convert(None) if hasattr(data, "dt") else data.tz_convert(None)).to_numpy(), valid
    exact = getattr(data.dtype, "numpy_dtype", None)
    if exact is not None and np.dtype(exact).kind in "iufb":
        return data.to_numpy(dtype=exact, na_value=np.dtype(exact).type(0)), valid
    return data.to_numpy(dtype=object), valid


def _fixed(values: NDArray[Any], valid: Mask | None, kind: FeatureType, what: str) -> NDArray[Any]:
    """Numbers of exactly the NumPy type of `kind`."""
    wanted = kind.numpy_dtype
    if values.dtype == wanted:
        return np.ascontiguousarray(values)
    origin = values.dtype.kind
    if origin not in ("b" if kind.dtype == "?" else "iufb"):
        raise _refused(what, kind, f"it holds {values.dtype} values")
    if valid is not None:
        values = np.where(valid, values, values.dtype.type(0))
    if wanted.kind == "f":
        with np.errstate(over="ignore"):
            cast = values.astype(wanted)
        lost = np.isinf(cast) & ~np.isinf(values) if origin == "f" else _inexact(cast, values)
        if lost.any() or (origin == "f" and values.dtype.itemsize > 8):
            raise _refused(what, kind, f"{int(lost.sum()):,} of {len(values):,} {values.dtype} values do not fit")
        return cast
    bounds = np.iinfo(np.int32 if kind.dtype == "<i4" else np.int64)
    if origin == "f":
        fits = (values >= float(bounds.min)) & (values < float(bounds.max) + 1.0) & (np.trunc(values) == values)
        values = np.where(fits, values, 0.0)
    else:
        fits = np.ones(len(values), dtype=np.bool_)
        if len(values) and (int(values.min()) < bounds.min or int(values.max()) > bounds.max):
            fits = (values >= bounds.min) & (values <= bounds.max)
    if not fits.all():
        raise _refused(what, kind, f"{int((~fits).sum()):,} of {len(values):,} {values.dtype} values do not fit")
    return values.astype(wanted)


def _inexact(cast: NDArray[Any], values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which whole numbers `values` became other numbers as the floats `cast`."""
    if values.dtype.kind == "b":
        return np.zeros(len(values), dtype=np.bool_)
    floats = cast.astype(np.float64)
    # The upper bound of a 64-bit integer is no float; the next float above it is.
    within = floats < float(np.iinfo(values.dtype).max) + 1.0
    lost: NDArray[np.bool_] = np.where(within, floats, 0.0).astype(values.dtype) != values
    return lost | ~within


def _instants(values: NDArray[Any], valid: Mask | None, what: str) -> tuple[NDArray[np.int64], Mask | None]:
    """Microseconds of `datetime64` values of any unit that loses nothing."""
    if values.dtype.kind != "M":
        raise _refused(what, UnixTimestamp, f"it holds {values.dtype} values, which name no unit")
    unit, step = np.datetime_data(values.dtype)
    given = _both(valid, ~np.isnat(values))
    raw = np.where(given, values.astype(np.int64), 0)
    if unit == "ns":
        us, rest = np.divmod(raw * step, 1000)
        if rest.any():
            raise _refused(what, UnixTimestamp, "it is finer than a microsecond")
    else:
        if unit not in _PER_UNIT:
            raise _refused(what, UnixTimestamp, f"it counts in units of {unit}")
        factor = _PER_UNIT[unit] * step
        if len(raw) and max(int(raw.max()), -int(raw.min())) > FAR_US // factor:
            raise _refused(what, UnixTimestamp, "it lies beyond the calendar")
        us = raw * factor
    return us, given


def _texts(values: NDArray[Any], valid: Mask | None, kind: FeatureType, what: str) -> tuple[NDArray[Any], Mask | None]:
    """Object array of str or bytes."""
    wanted = str if kind.name == "String" else bytes
    if values.dtype.kind in ("UT" if wanted is str else "S"):
        values = values.astype(object)
    elif values.dtype != object:
        raise _refused(what, kind, f"it holds {values.dtype} values")
    given = _given(values, valid)
    for value in values if given is None else values[given]:
        if not isinstance(value, wanted):
            raise _refused(what, kind, f"it holds a {type(value).__name__}")
    return values, given


def _given(values: NDArray[Any], valid: Mask | None) -> Mask | None:
    """`valid`, less the entries that are None or pd.NA."""
    missing = np.fromiter((value is None or type(value).__name__ in ("NAType", "NaTType") for value in values),
                          dtype=np.bool_, count=len(values))  # fmt: skip
    return _both(valid, ~missing) if missing.any() else valid


def _numbers(
    values: NDArray[Any], valid: Mask | None, kind: FeatureType, what: str
) -> tuple[NDArray[Any], Mask | None]:
    """Python numbers or datetimes as an array that `kind` can be cast from, without loss on the way."""
    given = _given(values, valid)
    items = (values if given is None else values[given]).tolist()
    types = set(map(type, items))
    if kind is UnixTimestamp:
        if not all(issubclass(one, datetime) for one in types):
            raise _refused(what, kind, _held(types))
        dense: NDArray[Any] = np.fromiter((instant_us(item) for item in items), dtype=np.int64, count=len(items))
        dense = dense.view("<M8[us]")
    else:
        allowed = (bool, np.bool_) if kind.dtype == "?" else (bool, int, float, np.number, np.bool_)
        if not all(issubclass(one, allowed) for one in types):
            raise _refused(what, kind, _held(types))
        try:
            dense = _dense(items, types, kind)
        except (OverflowError, ValueError):
            raise _refused(what, kind, "a value does not fit") from None
    if given is None:
        return dense, None
    spread = np.zeros(len(values), dtype=dense.dtype)
    spread[given] = dense
    return spread, given


def _dense(items: Sequence[Any], types: set[type], kind: FeatureType) -> NDArray[Any]:
    if kind.dtype == "?":
        return np.array(items, dtype=np.bool_)
    if kind.numpy_dtype.kind == "f":
        narrow = kind.numpy_dtype.type
        if any(float(narrow(item)) != item for item in items if isinstance(item, int | np.integer)):
            raise ValueError
        return np.array(items, dtype=np.float64)
    real = any(issubclass(one, float | np.floating) for one in types)
    return np.array([_integer(item) for item in items] if real else [int(item) for item in items], dtype=np.int64)


def _integer(item: Any) -> int:
    if isinstance(item, float | np.floating) and not float(item).is_integer():
        raise ValueError
    return int(item)


def _held(types: set[type]) -> str:
    return "it holds " + ", ".join(sorted(one.__name__ for one in types)[:4])


def _lists(values: NDArray[Any], valid: Mask | None, item: FeatureType, what: str) -> tuple[NDArray[Any], Mask | None]:
    """Object array of lists, whose items are checked as a column of their own."""
    if values.ndim == 2:
        flat = checked_column(values.reshape(-1), item, values.size, f"{what}, item").to_list()
        width = values.shape[1]
        rows = (flat[start * width : (start + 1) * width] for start in range(len(values)))
        return np.fromiter(rows, dtype=object, count=len(values)), valid
    if values.dtype != object:
        raise CommandError(f"{what} holds {values.dtype} values, not lists", fix=f"give one list of {item} per row")
    given = _given(values, valid)
    chosen = np.arange(len(values)) if given is None else np.flatnonzero(given)
    joined: list[Any] = []
    lengths = []
    for row in chosen.tolist():
        one = values[row]
        if not isinstance(one, list | tuple | np.ndarray):
            raise CommandError(f"{what} holds a {type(one).__name__}, not a list", fix=f"give a list of {item}")
        joined += one.tolist() if isinstance(one, np.ndarray) else list(one)
        lengths.append(len(one))
    flat = checked_column(joined, item, len(joined), f"{what}, item").to_list()
    found = np.empty(len(values), dtype=object)
    start = 0
    for row, length in zip(chosen.tolist(), lengths, strict=True):
        found[row] = flat[start : start + length]
        start += length
    return found, given
