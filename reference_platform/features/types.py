"""The types a feature can have, and how each looks in Arrow, in NumPy and in other tools' vocabularies."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from reference_platform.errors import ContentError, nearest

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class FeatureType:
    """A type. `dtype` is the NumPy type of a column without nulls; object for what has no fixed width."""

    name: str
    arrow: str
    dtype: str
    item: FeatureType | None = None

    @property
    def fixed_width(self) -> bool:
        """Whether every value takes the same number of bytes."""
        return self.dtype != "O"

    @property
    def numpy_dtype(self) -> np.dtype[np.generic]:
        """NumPy type of a column of such values."""
        return np.dtype(self.dtype)

    def arrow_type(self) -> pa.DataType:
        """Arrow type of a column of such values."""
        import pyarrow as pa

        if self.item is not None:
            return pa.list_(self.item.arrow_type())
        if self is UnixTimestamp:
            return pa.timestamp("us", tz="UTC")
        return getattr(pa, self.arrow)()

    def __str__(self) -> str:
        return self.name


Int32 = FeatureType("Int32", "int32", "<i4")
Int64 = FeatureType("Int64", "int64", "<i8")
Float32 = FeatureType("Float32", "float32", "<f4")
Float64 = FeatureType("Float64", "float64", "<f8")
Bool = FeatureType("Bool", "bool_", "?")
String = FeatureType("String", "string", "O")
Bytes = FeatureType("Bytes", "binary", "O")
UnixTimestamp = FeatureType("UnixTimestamp", "timestamp", "<i8")
"""An instant, UTC, in microseconds since 1970."""

SCALARS = {kind.name: kind for kind in (Int32, Int64, Float32, Float64, Bool, String, Bytes, UnixTimestamp)}
KEY_TYPES = (Int32, Int64, String, Bytes)
"""What a join key may be."""


def Array(item: FeatureType) -> FeatureType:  # noqa: N802  (the name users of feature stores know)
    """A list of `item`. Raises ContentError for a list of lists."""
    if item.item is not None:
        raise ContentError("a list of lists is not a feature type", fix="flatten it, or keep two features")
    return FeatureType(f"Array({item.name})", "list_", "O", item)


class ValueType(Enum):
    """Types by the names that entity declarations use."""

    BYTES = 1
    STRING = 2
    INT32 = 3
    INT64 = 4
    DOUBLE = 5
    FLOAT = 6
    BOOL = 7
    UNIX_TIMESTAMP = 8

    @property
    def feature_type(self) -> FeatureType:
        """The same type as a feature declaration names it."""
        return _OF_VALUE_TYPE[self]


_OF_VALUE_TYPE = {
    ValueType.BYTES: Bytes,
    ValueType.STRING: String,
    ValueType.INT32: Int32,
    ValueType.INT64: Int64,
    ValueType.DOUBLE: Float64,
    ValueType.FLOAT: Float32,
    ValueType.BOOL: Bool,
    ValueType.UNIX_TIMESTAMP: UnixTimestamp,
}


def type_named(name: str) -> FeatureType:
    """The type called `name`, such as `Float32` or `Array(Int64)`. Raises ContentError with the nearest valid name."""
    if name.startswith("Array(") and name.endswith(")"):
        return Array(type_named(name[6:-1]))
    if name not in SCALARS:
        raise ContentError(f'"{name[:60]}" is not a feature type', fix=nearest(name, [*SCALARS, "Array(Float32)"]))
    return SCALARS[name]
