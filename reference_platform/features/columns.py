"""Columns with nulls, as NumPy arrays, and rows of feature views made of them. To and from Arrow and pandas.

Fixed-width types keep their NumPy type even when values are missing; what is missing says the mask. Strings, bytes and
lists are object arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import CommandError
from reference_platform.features.types import FeatureType, UnixTimestamp

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Column:
    """`values` [n], and `valid` bool[n] or None when nothing is missing. What stands under a null is unspecified."""

    values: NDArray[Any]
    valid: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.values)

    def take(self, index: NDArray[np.integer]) -> Column:
        """The rows at `index`, copied."""
        return Column(self.values[index], None if self.valid is None else self.valid[index])

    def mask(self) -> NDArray[np.bool_]:
        """`valid`, spelled out."""
        return np.ones(len(self.values), dtype=np.bool_) if self.valid is None else self.valid

    def to_list(self) -> list[Any]:
        """Python values, None where missing."""
        plain: list[Any] = self.values.tolist()
        if self.valid is None or self.valid.all():
            return plain
        return [value if valid else None for value, valid in zip(plain, self.valid.tolist(), strict=True)]


@dataclass(frozen=True, slots=True)
class FeatureBlock:
    """Rows of one view. `keys`: one array per join key; `values`: one column per feature, in the view's order.

    The three versions order rows of the same key: event time, then the instant the row became known, then sequence.
    """

    keys: tuple[NDArray[Any], ...]
    event_us: NDArray[np.int64]
    created_us: NDArray[np.int64]
    sequence: NDArray[np.int64]
    values: tuple[Column, ...]

    def __len__(self) -> int:
        return len(self.event_us)

    def take(self, index: NDArray[np.integer]) -> FeatureBlock:
        """The rows at `index`, copied."""
        return FeatureBlock(
            tuple(key[index] for key in self.keys),
            self.event_us[index],
            self.created_us[index],
            self.sequence[index],
            tuple(column.take(index) for column in self.values),
        )


def column_from_arrow(data: pa.Array | pa.ChunkedArray, kind: FeatureType, what: str) -> Column:
    """A column of `kind`. Raises CommandError when the values do not fit it; nothing is rounded or cut."""
    import pyarrow as pa

    if isinstance(data, pa.ChunkedArray):
        data = data.combine_chunks() if data.num_chunks != 1 else data.chunk(0)
    wanted = kind.arrow_type()
    if kind is UnixTimestamp:
        return _timestamps(data, what)
    if data.type != wanted:
        try:
            data = data.cast(wanted)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            # What Arrow says quotes the value.
            raise CommandError(f"{what}: {data.type} does not fit {kind}", why="some values would change",
                               fix=f"hand over {kind} values") from None  # fmt: skip
    valid = None if data.null_count == 0 else np.asarray(data.is_valid())
    if not kind.fixed_width:
        values = np.empty(len(data), dtype=object)
        values[:] = data.to_pylist()
        return Column(values, valid)
    if valid is not None:
        data = data.fill_null(False if kind.dtype == "?" else 0)
    return Column(np.ascontiguousarray(data.to_numpy(zero_copy_only=False), dtype=kind.numpy_dtype), valid)


def _timestamps(data: pa.Array, what: str) -> Column:
    from reference_platform.features.times import to_us

    values, valid = to_us(data, what)
    return Column(values, None if valid.all() else valid)


def column_to_arrow(column: Column, kind: FeatureType) -> pa.Array:
    """The column as an Arrow array of `kind`, nulls kept."""
    import pyarrow as pa

    mask = None if column.valid is None else ~column.valid
    if kind is UnixTimestamp:
        return pa.array(column.values, type=pa.int64(), mask=mask).cast(kind.arrow_type())
    if kind.fixed_width:
        return pa.array(column.values, type=kind.arrow_type(), mask=mask, from_pandas=False)
    return pa.array(column.to_list(), type=kind.arrow_type())


def arrow_table(data: Any) -> pa.Table:
    """An Arrow table of a table, record batch, pandas frame, mapping of columns or list of rows."""
    import pyarrow as pa

    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    try:
        if isinstance(data, Mapping):
            return pa.table({str(name): _array(values) for name, values in data.items()})
        if isinstance(data, Sequence):
            rows = list(data)
            # Arrow takes the columns of the first row for those of all.
            return pa.Table.from_pylist([{name: row.get(name) for name in _names(rows)} for row in rows])
        if hasattr(data, "to_arrow"):
            return arrow_table(data.to_arrow())
        return _frame_table(data)
    except (pa.ArrowException, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise CommandError(
            f"a {type(data).__name__} is no table of rows",
            why=str(error).splitlines()[0][:200] if str(error) else "",
            fix="hand over a pandas DataFrame, an Arrow table, or a mapping of equally long columns",
        ) from error


def _names(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _frame_table(frame: Any) -> pa.Table:
    """A pandas frame without its index. Times with a zone go by their UTC values: pandas deprecates the other way."""
    import pyarrow as pa

    arrays = []
    for index in range(frame.shape[1]):
        series = frame.iloc[:, index]
        if hasattr(series.dtype, "tz") and hasattr(series.dtype, "unit"):
            plain = pa.array(series.dt.tz_convert(None).to_numpy(), from_pandas=True)
            arrays.append(plain.cast(pa.timestamp(plain.type.unit, tz="UTC")))
        else:
            arrays.append(pa.array(series, from_pandas=True))
    return pa.Table.from_arrays(arrays, names=[str(name) for name in frame.columns])


def _array(values: Any) -> Any:
    import pyarrow as pa

    return values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
