"""When two columns of values say the same.

Integers, text, bytes, booleans and instants agree when they are equal. Floats agree within `ulps` units in the last
place of their type, because the order of a sum may differ between a row and a batch; NaN agrees with NaN, 0.0 with
-0.0, an infinity only with itself. Lists agree item by item. Null agrees with null and with nothing else, not with NaN.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.columns import Column
from reference_platform.features.types import FeatureType

ULPS_MAX = 4
"""Units in the last place by which two floats may differ unless the caller says otherwise."""
Flags = NDArray[np.bool_]


def agree(left: Column, right: Column, kind: FeatureType, ulps: int = ULPS_MAX) -> Flags:
    """Where the two columns of `kind` say the same, bool[n]."""
    given, other = left.mask(), right.mask()
    if kind.dtype in ("<f4", "<f8"):
        same = close_floats(left.values, right.values, ulps)
    elif kind.fixed_width:
        same = left.values == right.values
    elif kind.item is None:
        same = np.asarray(left.values == right.values, dtype=np.bool_)
    else:
        pairs = zip(left.values.tolist(), right.values.tolist(), strict=True)
        same = np.fromiter((_same_list(a, b, kind.item, ulps) for a, b in pairs), np.bool_, len(left))
    found: Flags = np.where(given & other, same, given == other)
    return found


def close_floats(left: NDArray[Any], right: NDArray[Any], ulps: int) -> Flags:
    """Where two float arrays of one type are at most `ulps` representable numbers apart, NaN equal to NaN."""
    assert left.dtype == right.dtype, f"{left.dtype} and {right.dtype}"
    bits = np.dtype(f"<i{left.dtype.itemsize}")
    places = []
    for values in (left, right):
        raw = np.ascontiguousarray(values).view(bits)
        places.append(np.where(raw < 0, np.iinfo(bits).min - raw, raw))
    low, high = np.minimum(*places), np.maximum(*places)
    wide = np.dtype(f"<u{left.dtype.itemsize}")
    apart = high.view(wide) - low.view(wide)
    finite = np.isfinite(left) & np.isfinite(right)
    same: Flags = np.where(finite, apart <= ulps, (left == right) | (np.isnan(left) & np.isnan(right)))
    return same


def _same_list(left: Any, right: Any, item: FeatureType, ulps: int) -> bool:
    if left is None or right is None:
        return left is right
    if len(left) != len(right):
        return False
    if item.dtype in ("<f4", "<f8") and None not in left and None not in right:
        kind = item.numpy_dtype
        return bool(close_floats(np.asarray(left, dtype=kind), np.asarray(right, dtype=kind), ulps).all())
    return list(left) == list(right)


def is_default(column: Column, kind: FeatureType) -> Flags:
    """Where a value is one that code puts in the place of a null: 0, NaN, -1, False, or something empty."""
    if kind.dtype in ("<f4", "<f8"):
        same = (column.values == 0) | (column.values == -1) | np.isnan(column.values)
    elif kind.dtype == "?":
        same = ~column.values
    elif kind.fixed_width:
        same = (column.values == 0) | (column.values == -1)
    else:
        plain = column.values.tolist()
        same = np.fromiter((value is not None and len(value) == 0 for value in plain), np.bool_, len(column))
    found: Flags = same & column.mask()
    return found


def one_constant(column: Column, where: Flags, least: int) -> bool:
    """Whether at least `least` rows are chosen and all of them hold one and the same value."""
    rows = np.flatnonzero(where)
    if len(rows) < least:
        return False
    values = column.values[rows]
    first = values[0]
    if column.values.dtype == object:
        return all(value == first for value in values.tolist())
    return bool((values == first).all())


def smape_parts(left: Column, right: Column, kind: FeatureType) -> tuple[float, int]:
    """Sum and count of 2 |a - b| / (|a| + |b|) over rows where both are finite numbers; 0 where both are 0.

    Source: Makridakis, Accuracy measures, International Journal of Forecasting 9(4), 1993.
    """
    if kind.dtype not in ("<f4", "<f8", "<i4", "<i8") or kind.name == "UnixTimestamp":
        return 0.0, 0
    both = left.mask() & right.mask()
    a, b = left.values[both].astype(np.float64), right.values[both].astype(np.float64)
    finite = np.isfinite(a) & np.isfinite(b)
    a, b = a[finite], b[finite]
    # Halves, so that neither the difference nor the sum of two large floats overflows.
    size = np.abs(a / 2) + np.abs(b / 2)
    parts = np.divide(np.abs(a / 2 - b / 2), size, out=np.zeros_like(size), where=size > 0)
    return 2 * math.fsum(parts), len(parts)
