"""The rows that a stream view would have published, out of the archive of its events: by the code that runs live."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from reference_platform.features.blocks import event_column
from reference_platform.features.columns import Column, FeatureBlock, column_to_arrow
from reference_platform.features.join.spec import RowColumns
from reference_platform.features.sources import EVENT_TIMESTAMP, FileSource, KafkaSource, PushSource
from reference_platform.features.stream_views import StreamFeatureView
from reference_platform.features.types import Int64, UnixTimestamp
from reference_platform.features.windows.aggregator import WindowAggregator
from reference_platform.features.windows.events import arrivals, event_columns

if TYPE_CHECKING:
    import pyarrow as pa

CREATED_TIMESTAMP = "created_timestamp"
SEQUENCE = "sequence"


def history_columns(view: StreamFeatureView) -> RowColumns:
    """What the columns of `aggregate_history` are called."""
    return RowColumns(view.join_keys, EVENT_TIMESTAMP, CREATED_TIMESTAMP, SEQUENCE, view.feature_names)


def aggregate_history(
    view: StreamFeatureView,
    events: pa.Table,
    *,
    event_id: str = "",
    arrived: str = "",
    advanced_us: Sequence[int] | None = None,
    until_us: int | None = None,
) -> pa.Table:
    """Rows as `WindowAggregator` published them, every correction with the instant it became known.

    `arrived`: the column of the events that says when each arrived; without it the created column of the view's
    source, and without that an event counts as arrived when it happened. Events without an arrival never arrived.
    `advanced_us`: the instants, ascending, at which the live job advanced; without them it is taken to have advanced
    at every multiple of the slide. `until_us`: the last of these; without it, when the last window has emptied.
    Columns: `history_columns`. Raises CommandError as `WindowAggregator.ingest` does.
    """
    import pyarrow as pa

    aggregator = WindowAggregator(view, event_id=event_id)
    blocks = list(_blocks(aggregator, events, arrived, advanced_us, until_us))
    columns: dict[str, pa.ChunkedArray] = {}
    for place, (name, kind) in enumerate(zip(view.join_keys, view.key_types, strict=True)):
        chunks = [column_to_arrow(Column(block.keys[place]), kind) for block in blocks]
        columns[name] = pa.chunked_array(chunks, type=kind.arrow_type())
    for name, kind, attribute in (
        (EVENT_TIMESTAMP, UnixTimestamp, "event_us"),
        (CREATED_TIMESTAMP, UnixTimestamp, "created_us"),
        (SEQUENCE, Int64, "sequence"),
    ):
        chunks = [column_to_arrow(Column(getattr(block, attribute)), kind) for block in blocks]
        columns[name] = pa.chunked_array(chunks, type=kind.arrow_type())
    for place, field in enumerate(view.schema):
        chunks = [column_to_arrow(block.values[place], field.dtype) for block in blocks]
        columns[field.name] = pa.chunked_array(chunks, type=field.dtype.arrow_type())
    return pa.table(columns).combine_chunks()


def _blocks(
    aggregator: WindowAggregator,
    events: pa.Table,
    arrived: str,
    advanced_us: Sequence[int] | None,
    until_us: int | None,
) -> Iterator[FeatureBlock]:
    view = aggregator.view
    columns = event_columns(events)
    source = view.source
    file = source.batch_source if isinstance(source, PushSource | KafkaSource) else source
    happened = (
        file.timestamp_field if file is not None and file.timestamp_field in columns else event_column(view.source)
    )
    if happened in columns:
        columns[event_column(view.source)] = columns[happened]
    if not arrived and isinstance(file, FileSource):
        arrived = file.created_timestamp_column
    arrival = arrivals(events, arrived or happened)
    order = np.argsort(arrival.values, kind="stable")
    order = order[arrival.mask()[order]]
    arrived_us = arrival.values[order]
    columns = {name: column.take(order) for name, column in columns.items()}
    steps = _every_slide(aggregator, arrived_us, until_us) if advanced_us is None else iter(advanced_us)
    taken = 0
    for now_us in steps:
        end = int(np.searchsorted(arrived_us, now_us, side="right"))
        if end > taken:
            rows = np.arange(taken, end)
            aggregator.ingest({name: column.take(rows) for name, column in columns.items()}, arrived_us[taken:end])
            taken = end
        block = aggregator.advance(now_us)
        if len(block):
            yield block


def _every_slide(aggregator: WindowAggregator, arrived_us: np.ndarray, until_us: int | None) -> Iterator[int]:
    """Multiples of the slide at which something arrived since the last, or a window may change."""
    slide_us = aggregator.view.slide_us
    now_us: int | None = None
    while True:
        taken = 0 if now_us is None else int(np.searchsorted(arrived_us, now_us, side="right"))
        wanted = [] if taken == len(arrived_us) else [-(-int(arrived_us[taken]) // slide_us) * slide_us]
        if now_us is not None and (end_us := aggregator.next_end_us) is not None:
            wanted.append(end_us)
        if not wanted or (until_us is not None and min(wanted) > until_us):
            return
        now_us = min(wanted)
        yield now_us
