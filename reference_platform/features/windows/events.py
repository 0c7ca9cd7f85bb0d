"""Raw events as columns: keys, times, arrival, values, and whatever tells one event from its copies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import CommandError, nearest
from reference_platform.features.blocks import event_column
from reference_platform.features.casting import checked_column, plain_column
from reference_platform.features.columns import Column, column_from_arrow
from reference_platform.features.stream_views import StreamFeatureView
from reference_platform.features.transformations import (
    arrow_column,
    call_author,
    outputs_of,
    plain_arguments,
)
from reference_platform.features.types import UnixTimestamp
from reference_platform.features.windows.hashing import Hashes, column_hashes, mixed

if TYPE_CHECKING:
    import pyarrow as pa

Ints = NDArray[np.int64]
EventColumns = Mapping[str, Column | NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Events:
    """n events. `identity`: a hash of id and event time, with which of them have an id; None: nothing tells copies."""

    keys: tuple[Column, ...]
    event: Column
    arrived_us: Ints
    columns: dict[str, Column]
    identity: tuple[Hashes, NDArray[np.bool_]] | None

    def __len__(self) -> int:
        return len(self.arrived_us)

    def take(self, index: Ints) -> Events:
        """The events at `index`."""
        return Events(
            tuple(key.take(index) for key in self.keys),
            self.event.take(index),
            self.arrived_us[index],
            {name: column.take(index) for name, column in self.columns.items()},
            None if self.identity is None else (self.identity[0][index], self.identity[1][index]),
        )


def read_events(
    view: StreamFeatureView, events: EventColumns, arrived_us: int | Ints, event_id: str, names: tuple[str, ...]
) -> Events:
    """The columns `names` of `events`, with keys and times, in order of arrival.

    The view's transformation is applied first; columns that it does not return stay as they are. Event times are
    `datetime64`, or int64 microseconds. Raises CommandError for a missing column, one of another length, and values of
    another type.
    """
    what = f"events of stream view {view.name}"
    given = {name: plain_column(data, f'{what}: "{name}"') for name, data in events.items()}
    rows = len(next(iter(given.values()))) if given else 0
    for name, column in given.items():
        if len(column) != rows:
            raise CommandError(f'{what}: "{name}" has {len(column):,} values for {rows:,} rows',
                               fix="hand over columns of equal length")  # fmt: skip
    if view.transformation is not None and rows:
        code = f"transformation of view {view.name}"
        returned = outputs_of(call_author(view.transformation, plain_arguments(given), code), code, rows)
        for name, data in returned.items():
            given[name] = plain_column(data, f'{code}: "{name}"')
            if len(given[name]) != rows:
                raise CommandError(f'{code}: "{name}" has {len(given[name]):,} values for {rows:,} rows',
                                   fix="give one value per row")  # fmt: skip
    time_name = event_column(view.source)
    for name in (*view.join_keys, time_name, *names, *([event_id] if event_id else [])):
        if name not in given:
            raise CommandError(f'{what} have no column "{name}"', fix=nearest(name, given))
    keys = tuple(
        checked_column(given[name], kind, rows, f'{what}: "{name}"')
        for name, kind in zip(view.join_keys, view.key_types, strict=True)
    )
    event = checked_column(given[time_name], UnixTimestamp, rows, f'{what}: "{time_name}"')
    identity = None
    if event_id:
        ids = given[event_id]
        hashes = mixed(column_hashes(ids, f'{what}: "{event_id}"') ^ mixed(event.values.view(np.uint64)))
        identity = (hashes, ids.mask())
    arrived = np.array(np.broadcast_to(np.asarray(arrived_us, dtype=np.int64), (rows,)))
    found = Events(keys, event, arrived, {name: given[name] for name in names}, identity)
    return found if (arrived[1:] >= arrived[:-1]).all() else found.take(np.argsort(arrived, kind="stable"))


def event_columns(table: pa.Table) -> dict[str, Column]:
    """The columns of an Arrow table of events, for `WindowAggregator.ingest`."""
    return {name: arrow_column(table.column(name), name) for name in table.column_names}


def arrivals(table: pa.Table, name: str) -> Column:
    """Microseconds of the column `name`. Raises CommandError when there is none."""
    if name not in table.column_names:
        raise CommandError(f'the archive has no column "{name}"', fix=nearest(name, table.column_names))
    return column_from_arrow(table.column(name), UnixTimestamp, f'column "{name}"')
