"""Tables that callers hand over, checked and turned into rows of a view."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import CommandError, nearest
from reference_platform.features.columns import Column, FeatureBlock, column_from_arrow
from reference_platform.features.definitions import FeatureView
from reference_platform.features.sources import (
    EVENT_TIMESTAMP,
    LOG_TIMES,
    FileSource,
    KafkaSource,
    Source,
    TableSource,
)
from reference_platform.features.times import NEVER_US, to_us

if TYPE_CHECKING:
    import pyarrow as pa


def event_column(source: Source) -> str:
    """The column of a source's event times."""
    if isinstance(source, FileSource | KafkaSource | TableSource):
        return source.timestamp_field
    return source.batch_source.timestamp_field if source.batch_source else EVENT_TIMESTAMP


def created_column(source: Source) -> str:
    """The column that says when a row became known; empty when there is none."""
    file = source if isinstance(source, FileSource) else getattr(source, "batch_source", None)
    return file.created_timestamp_column if isinstance(file, FileSource) else ""


def rows_of(view: FeatureView, table: pa.Table, *, arrived_us: int | None, first_sequence: int = 0) -> FeatureBlock:
    """`table` as rows of `view`.

    A row without a created time became known at `arrived_us`, or at its event time when that is None. Raises
    CommandError for a missing column, a null key or event time, and values that do not fit their declared type.
    """
    names = table.column_names
    event_name = _event_name(view, names)
    event_us, valid = to_us(table.column(event_name), f"{view.name}: {event_name}")
    if not valid.all():
        raise CommandError(
            f"{view.name}: {event_name} is missing in row {int(np.argmin(valid))}", fix="every row needs its event time"
        )
    keys = []
    for name, kind in zip(view.join_keys, view.key_types, strict=True):
        column = column_from_arrow(table.column(_present(view, name, names)), kind, f"{view.name}: {name}")
        if column.valid is not None:
            row = int(np.argmin(column.valid))
            raise CommandError(f"{view.name}: join key {name} is missing in row {row}", fix="every row needs its keys")
        keys.append(column.values)
    values = tuple(
        column_from_arrow(table.column(_present(view, field.name, names)), field.dtype, f"{view.name}: {field.name}")
        for field in view.schema
    )
    count = len(event_us)
    return FeatureBlock(
        tuple(keys),
        event_us,
        _created_us(view, table, event_us, arrived_us),
        np.arange(first_sequence, first_sequence + count, dtype=np.int64),
        values,
    )


def table_of(view: FeatureView, rows: FeatureBlock) -> pa.Table:
    """`rows` as a table: join keys, event_timestamp, created_timestamp, sequence, features."""
    import pyarrow as pa

    from reference_platform.features.columns import column_to_arrow
    from reference_platform.features.types import UnixTimestamp

    arrays = [
        *(column_to_arrow(Column(key), kind) for key, kind in zip(rows.keys, view.key_types, strict=True)),
        column_to_arrow(Column(rows.event_us), UnixTimestamp),
        column_to_arrow(Column(rows.created_us), UnixTimestamp),
        pa.array(rows.sequence),
        *(column_to_arrow(column, field.dtype) for column, field in zip(rows.values, view.schema, strict=True)),
    ]
    names = [*view.join_keys, *LOG_TIMES, *view.feature_names]
    return pa.Table.from_arrays(arrays, names=names)


def _event_name(view: FeatureView, names: list[str]) -> str:
    declared = event_column(view.source)
    if declared in names:
        return _present(view, declared, names)
    return _present(view, EVENT_TIMESTAMP if EVENT_TIMESTAMP in names else declared, names)


def _present(view: FeatureView, name: str, names: list[str]) -> str:
    if name not in names:
        raise CommandError(f'{view.name}: column "{name}" is missing', fix=nearest(name, names) if names else "")
    if names.count(name) > 1:
        raise CommandError(f'{view.name}: column "{name}" is there twice', fix="rename one of them")
    return name


def _created_us(
    view: FeatureView, table: pa.Table, event_us: NDArray[np.int64], arrived_us: int | None
) -> NDArray[np.int64]:
    for name in (created_column(view.source), "created", "created_timestamp"):
        if name and name in table.column_names and name not in view.feature_names:
            created, valid = to_us(table.column(_present(view, name, table.column_names)), f"{view.name}: {name}")
            if arrived_us is None:
                return np.where(valid, created, NEVER_US)
            return np.where(valid, created, arrived_us)
    return event_us.copy() if arrived_us is None else np.full(len(event_us), arrived_us, dtype=np.int64)
