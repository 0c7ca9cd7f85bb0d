"""Runs the code of feature authors: one function for one row, a batch and a whole history, with equal results.

A function gets columns and returns columns, row for row. What it sees depends on the declared types only, never on
whether a value happens to be missing:

| declared            | mode `numpy`                        | mode `python`       | mode `pandas`                     |
|---------------------|-------------------------------------|---------------------|-----------------------------------|
| Float32, Float64    | array, null is NaN                  | floats, null is None | float column, null is NaN        |
| Int32, Int64, Bool  | `numpy.ma` array, null is masked    | null is None        | `Int32`, `Int64`, `boolean`, pd.NA |
| UnixTimestamp       | `datetime64[us]`, null is NaT       | aware UTC datetimes | `datetime64[us, UTC]`, NaT        |
| String, Bytes, Array | object array, null is None         | null is None        | `string` (pd.NA), object (None)   |

Arrays are read-only. On the way back a masked entry, None, NaT and pd.NA are null. A NaN is null in a row where a
float that went in was null, and the value NaN in every other row; in mode `python` it is always a value. Note that
`numpy.ma` gives null for an integer division by zero, and that `np.where` ignores masks where `np.ma.where` keeps them.

Results must fit the declared type without loss. One exception: a float64 result of a Float32 feature is rounded to
the nearest Float32, for that is the precision it was declared with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePath
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import CommandError, nearest
from reference_platform.features.blocks import event_column
from reference_platform.features.casting import checked_column
from reference_platform.features.columns import Column, column_to_arrow
from reference_platform.features.definitions import FeatureView, Field
from reference_platform.features.on_demand import Mode, OnDemandFeatureView, RequestSource
from reference_platform.features.sources import FileSource, KafkaSource, PushSource
from reference_platform.features.times import instant
from reference_platform.features.types import Bool, FeatureType, Float64, Int64, UnixTimestamp

if TYPE_CHECKING:
    import pyarrow as pa

Function = Callable[[Any], Any]


class OnDemandInput(NamedTuple):
    """One argument of an on-demand function. `full_name`: `view__feature`; empty for data of the request."""

    name: str
    field: Field
    full_name: str


def on_demand_inputs(view: OnDemandFeatureView) -> tuple[OnDemandInput, ...]:
    """What the function of `view` receives, in order of declaration.

    A feature goes by its own name, or as `view__feature` when another source of the view has one of the same name.
    """
    found: list[OnDemandInput] = []
    for source in view.sources:
        if isinstance(source, RequestSource):
            found += [OnDemandInput(field.name, field, "") for field in source.schema]
        elif isinstance(source, FeatureView):
            found += [OnDemandInput(field.name, field, f"{source.name}__{field.name}") for field in source.schema]
        else:
            fields = [source.view.field(name) for name in source.features]
            found += [OnDemandInput(field.name, field, f"{source.name}__{field.name}") for field in fields]
    names = [item.name for item in found]
    if len(set(names)) == len(names):
        return tuple(found)
    return tuple(
        item._replace(name=item.full_name) if item.full_name and names.count(item.name) > 1 else item for item in found
    )


def run_on_demand(view: OnDemandFeatureView, columns: Mapping[str, Column], rows: int) -> tuple[Column, ...]:
    """The features of `view` for `rows` rows, in the order of its schema and of its types.

    `columns` holds its inputs by name (`on_demand_inputs`), or by `view__feature`; others are not shown to the
    function. Raises CommandError, without any value in it, when an input is missing or the function does not keep to
    its declaration.
    """
    what = f"on-demand view {view.name}"
    inputs = on_demand_inputs(view)
    given = []
    for item in inputs:
        column = columns.get(item.name)
        if column is None:
            column = columns.get(item.full_name)
        if column is None:
            raise CommandError(f'{what} needs "{item.name}"', fix=nearest(item.name, columns))
        if len(column) != rows:
            raise CommandError(f'{what}: "{item.name}" has {len(column):,} values for {rows:,} rows',
                               fix="hand over columns of equal length")  # fmt: skip
        given.append(column)
    if rows == 0:
        return tuple(Column(np.empty(0, dtype=field.dtype.numpy_dtype)) for field in view.schema)
    nulls: NDArray[np.bool_] | None = None
    arguments: dict[str, Any] = _Arguments()
    for item, column in zip(inputs, given, strict=True):
        kind = item.field.dtype
        arguments[item.name] = _ARGUMENT[view.mode](column, kind)
        if view.mode != "python" and column.valid is not None and kind.dtype in ("<f4", "<f8"):
            nulls = ~column.valid if nulls is None else nulls | ~column.valid
    result = call_author(view.function, _framed(arguments) if view.mode == "pandas" else arguments, what)
    outputs = outputs_of(result, what, rows)
    return tuple(
        checked_column(_picked(outputs, field.name, what), field.dtype, rows, f'{what}: "{field.name}"', nulls)
        for field in view.schema
    )


def apply_transformation(view: FeatureView, table: pa.Table) -> pa.Table:
    """`table` as `view` keeps it: keys and times of the source, then the features in the declared types.

    The view's transformation gets every column of the table as in mode `numpy`. Keys and the columns of event time,
    creation and sequence pass through unless it returns them. A view without a transformation gives `table` itself.
    Raises CommandError as `run_on_demand` does.
    """
    if view.transformation is None:
        return table
    import pyarrow as pa

    what = f"transformation of view {view.name}"
    rows = table.num_rows
    arguments, nulls = arrow_arguments(table)
    outputs = outputs_of(call_author(view.transformation, arguments, what), what, rows) if rows else {}
    columns: dict[str, Any] = {}
    for name, kind in _kept_columns(view).items():
        if name in outputs:
            columns[name] = column_to_arrow(checked_column(outputs[name], kind, rows, f'{what}: "{name}"'), kind)
        elif name in table.column_names:
            columns[name] = table.column(name)
    for field in view.schema:
        if not rows:
            columns[field.name] = pa.array([], type=field.dtype.arrow_type())
            continue
        value = _picked(outputs, field.name, what)
        column = checked_column(value, field.dtype, rows, f'{what}: "{field.name}"', nulls)
        columns[field.name] = column_to_arrow(column, field.dtype)
    return pa.table(columns)


def call_author(function: Function, argument: object, what: str) -> object:
    """What `function` returns. Raises CommandError, naming `what` and the line but no value, if it raises."""
    try:
        with np.errstate(all="ignore"):
            return function(argument)
    except _UnknownInputError as error:
        raise CommandError(f'{what} reads "{str(error.name)[:60]}", which is none of its inputs',
                           fix=nearest(str(error.name), error.known)) from None  # fmt: skip
    except Exception as error:  # noqa: BLE001  (author's code may raise anything; its text may hold personal data)
        line = _line(error.__traceback__, function)
        raise CommandError(f"{what} failed with {type(error).__name__}{line}",
                           why="the message is withheld, as it may contain values of the rows",
                           fix="call the function in a test on a few rows; nulls come as its mode documents",
                           ) from None  # fmt: skip


def arrow_arguments(table: pa.Table) -> tuple[dict[str, Any], NDArray[np.bool_] | None]:
    """Columns as mode `numpy` shows them, and the rows in which any float is null (None: none)."""
    columns = {name: arrow_column(table.column(name), name) for name in table.column_names}
    nulls: NDArray[np.bool_] | None = None
    for column in columns.values():
        if column.values.dtype.kind == "f" and column.valid is not None:
            nulls = ~column.valid if nulls is None else nulls | ~column.valid
    return plain_arguments(columns), nulls


def plain_arguments(columns: Mapping[str, Column]) -> dict[str, Any]:
    """Columns of undeclared types as mode `numpy` shows them: what decides is the NumPy type."""
    arguments: dict[str, Any] = _Arguments()
    for name, column in columns.items():
        kind = column.values.dtype.kind
        arguments[name] = _numpy_argument(column, Int64 if kind in "iu" else Bool if kind == "b" else Float64)
    return arguments


def arrow_column(data: pa.ChunkedArray, name: str) -> Column:
    """An Arrow column of any type: times as `datetime64[us]`, numbers in their own width, all else as objects."""
    import pyarrow as pa

    from reference_platform.features.times import to_us

    whole = data.combine_chunks()
    if pa.types.is_dictionary(whole.type):
        whole = whole.dictionary_decode()
    valid = np.asarray(whole.is_valid()) if whole.null_count else None
    if pa.types.is_timestamp(whole.type) or pa.types.is_date(whole.type):
        return Column(to_us(whole, f'column "{name}"')[0].view("<M8[us]"), valid)
    if pa.types.is_floating(whole.type):
        return Column(np.ascontiguousarray(whole.to_numpy(zero_copy_only=False)), valid)
    if pa.types.is_integer(whole.type) or pa.types.is_boolean(whole.type):
        filled = whole.fill_null(False if pa.types.is_boolean(whole.type) else 0) if valid is not None else whole
        return Column(np.ascontiguousarray(filled.to_numpy(zero_copy_only=False)), valid)
    return Column(np.fromiter(whole.to_pylist(), dtype=object, count=len(whole)), valid)


def outputs_of(result: object, what: str, rows: int) -> Mapping[str, Any]:
    """The columns that an author's function returned, by name. Raises CommandError if it returned something else."""
    if isinstance(result, Mapping):
        return result
    if hasattr(result, "columns") and hasattr(result, "index"):
        if len(result.index) == rows and not np.array_equal(np.asarray(result.index), np.arange(rows)):
            raise CommandError(f"{what} returned rows in another order", fix="keep the index of the frame it gets")
        return {str(name): result[name] for name in result.columns}  # type: ignore[index]
    raise CommandError(f"{what} returned a {type(result).__name__}", fix='return columns by name: {"total": ...}')


class _UnknownInputError(KeyError):
    def __init__(self, name: object, known: list[str]) -> None:
        self.name = name
        self.known = known
        super().__init__(name)


class _Arguments(dict[str, Any]):
    def __missing__(self, name: object) -> object:
        raise _UnknownInputError(name, list(self))


def _picked(outputs: Mapping[str, Any], name: str, what: str) -> object:
    if name not in outputs:
        raise CommandError(f'{what} did not return "{name}"', fix=nearest(name, [str(key) for key in outputs]))
    return outputs[name]


def _numpy_argument(column: Column, kind: FeatureType) -> NDArray[Any]:
    values = np.ascontiguousarray(column.values)
    valid = column.valid
    if kind is UnixTimestamp:
        values = values.view("<M8[us]")
    elif kind.dtype in ("<i4", "<i8", "?"):
        missing = np.zeros(len(values), dtype=np.bool_) if valid is None else ~valid
        return _masked(values if valid is None else np.where(valid, values, values.dtype.type(0)), missing)
    if valid is not None and not valid.all():
        values = values.copy()
        values[~valid] = None if values.dtype == object else _MISSING[values.dtype.kind]
    return _read_only(values)


_MISSING: dict[str, Any] = {"f": np.nan, "M": np.datetime64("NaT")}


def _masked(values: NDArray[Any], missing: NDArray[np.bool_]) -> NDArray[Any]:
    masked: NDArray[Any] = np.ma.MaskedArray(_read_only(values), mask=missing)
    return masked


def _read_only(values: NDArray[Any]) -> NDArray[Any]:
    shared = values.view()
    shared.flags.writeable = False
    return shared


def _python_argument(column: Column, kind: FeatureType) -> list[Any]:
    plain = column.to_list()
    return [None if us is None else instant(us) for us in plain] if kind is UnixTimestamp else plain


def _pandas_argument(column: Column, kind: FeatureType) -> Any:
    import pandas as pd

    array = _numpy_argument(column, kind)
    if isinstance(array, np.ma.MaskedArray):
        missing = np.ma.getmaskarray(array)
        whole = pd.arrays.BooleanArray if kind.dtype == "?" else pd.arrays.IntegerArray
        return whole(np.ma.getdata(array).copy(), missing.copy())
    if kind is UnixTimestamp:
        return pd.DatetimeIndex(array).tz_localize("UTC")
    return pd.array(array, dtype="string") if kind.name == "String" else array.copy()


_ARGUMENT: dict[Mode, Callable[[Column, FeatureType], Any]] = {
    "numpy": _numpy_argument,
    "python": _python_argument,
    "pandas": _pandas_argument,
}


def _framed(arguments: dict[str, Any]) -> Any:
    import pandas as pd

    return pd.DataFrame(dict(arguments))


def _kept_columns(view: FeatureView) -> dict[str, FeatureType]:
    """Keys and times of a view's rows, by their names in its source."""
    kept = dict(zip(view.join_keys, view.key_types, strict=True))
    kept[event_column(view.source)] = UnixTimestamp
    source = view.source.batch_source if isinstance(view.source, PushSource | KafkaSource) else view.source
    if isinstance(source, FileSource):
        if source.created_timestamp_column:
            kept[source.created_timestamp_column] = UnixTimestamp
        if source.sequence_column:
            kept[source.sequence_column] = Int64
    return kept


def _line(trace: TracebackType | None, function: Function) -> str:
    """The deepest line of the author's own file that was running."""
    code = getattr(function, "__code__", None)
    found = ""
    while code is not None and trace is not None:
        frame = trace.tb_frame.f_code
        if frame.co_filename == code.co_filename:
            found = f" in line {trace.tb_lineno} of {PurePath(frame.co_filename).name}"
        trace = trace.tb_next
    return found
