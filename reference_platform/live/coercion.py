"""JSON values as the types that were declared. What does not fit is refused with its place, never guessed at.

Integers may come as text, because JSON readers in browsers round large ones. Bytes are base64, instants are seconds
since 1970 or ISO 8601, and the numbers that JSON lacks are the words NaN, Infinity and -Infinity.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from reference_platform.features.times import instant
from reference_platform.features.types import (
    Bool,
    Bytes,
    FeatureType,
    Float32,
    Float64,
    Int32,
    Int64,
    String,
    UnixTimestamp,
)
from reference_platform.live.refusals import Kind, RefusedError

_INTEGER = re.compile(r"[+-]?\d{1,19}")
_BITS = {Int32: 31, Int64: 63}
_WORDS = {"NaN", "Infinity", "-Infinity", "+Infinity"}
_EXAMPLES = {
    Int32: "1001",
    Int64: "1001",
    Float32: "0.5",
    Float64: "0.5",
    Bool: "true",
    String: '"text"',
    Bytes: '"AAE=" (base64)',
    UnixTimestamp: '1767225600 or "2026-01-01T00:00:00Z"',
}


def coerced(values: list[Any], kind: FeatureType, name: str) -> list[Any]:
    """`values` as Python values of `kind`, null as None; instants as datetimes. Raises RefusedError."""
    if _fits_as_it_is(values, kind):
        return values
    of_one = _one(kind)
    fitted: list[Any] = []
    for row, value in enumerate(values):
        try:
            fitted.append(None if value is None else of_one(value))
        except (ValueError, TypeError, OverflowError):
            raise RefusedError(
                Kind.WRONG,
                f'"{name[:60]}" in row {row} is no {kind}',
                fix=f"such as {_EXAMPLES.get(kind) or f'[{_EXAMPLES[kind.item or Int64]}]'}, or null",
            ) from None
    return fitted


def _fits_as_it_is(values: Sequence[Any], kind: FeatureType) -> bool:
    kinds = set(map(type, values))
    if kind is String:
        return kinds <= {str, type(None)}
    if kind in _BITS and kinds <= {int}:
        most = 1 << _BITS[kind]
        return not values or (min(values) >= -most and max(values) < most)
    return kind in (Float32, Float64) and kinds <= {float, type(None)}


def _one(kind: FeatureType) -> Callable[[Any], Any]:
    if kind.item is not None:
        of_item = _one(kind.item)
        return lambda value: _list(value, of_item)
    if kind in _BITS:
        most = 1 << _BITS[kind]
        return lambda value: _integer(value, most)
    return _SCALARS[kind]


def _list(value: Any, of_item: Callable[[Any], Any]) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return [None if item is None else of_item(item) for item in value]


def _integer(value: Any, most: int) -> int:
    spelled = isinstance(value, str) and value.isascii() and _INTEGER.fullmatch(value)
    if spelled or (isinstance(value, float) and value.is_integer()):
        value = int(value)
    if type(value) is not int or not -most <= value < most:
        raise ValueError
    return int(value)


def _float(value: Any) -> float:
    if isinstance(value, bool) or (isinstance(value, str) and value not in _WORDS):
        raise TypeError
    return float(value)


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(_string(value), validate=True)
    except binascii.Error:
        raise ValueError from None


def _instant(value: Any) -> datetime:
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    # Whole seconds and the rest apart: their product as a float would lose microseconds.
    whole = int(value // 1)
    return instant(whole * 1_000_000) + timedelta(microseconds=round((value - whole) * 1_000_000))


_SCALARS: dict[FeatureType, Callable[[Any], Any]] = {
    Float32: _float,
    Float64: _float,
    Bool: _bool,
    String: _string,
    Bytes: _bytes,
    UnixTimestamp: _instant,
}
