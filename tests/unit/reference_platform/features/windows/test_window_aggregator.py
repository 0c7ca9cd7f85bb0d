"""What a stream view publishes, when, and what it refuses or leaves out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from reference_platform.errors import CommandError, ContentError
from reference_platform.features.columns import Column, FeatureBlock
from reference_platform.features.definitions import Entity, Field
from reference_platform.features.sources import FileSource, KafkaSource, Source
from reference_platform.features.stream_views import Aggregation, Function, StreamFeatureView
from reference_platform.features.types import Array, FeatureType, Float64, Int32, Int64, String, UnixTimestamp
from reference_platform.features.windows.aggregator import DEAD_ENTITIES_MIN, Dropped, WindowAggregator
from reference_platform.features.windows.history import aggregate_history, history_columns

MINUTE_US = 60_000_000
TOPIC = KafkaSource(name="payments", timestamp_field="at")


def _view(
    *declared: tuple[Function, str, int, FeatureType],
    slide_minutes: int = 1,
    lateness_minutes: float = 2,
    source: Source = TOPIC,
    entities: tuple[Entity, ...] = (Entity("card"),),
    **more: Any,
) -> StreamFeatureView:
    slide = timedelta(minutes=slide_minutes)
    return StreamFeatureView(
        name="spend",
        entities=entities,
        source=source,
        aggregations=tuple(
            Aggregation(column=c, function=f, time_window=timedelta(minutes=w), slide_interval=slide, name=f"{f}_{w}m")
            for f, c, w, _ in declared
        ),
        schema=tuple(Field(name=f"{f}_{w}m", dtype=kind) for f, _, w, kind in declared),
        allowed_lateness=timedelta(minutes=lateness_minutes),
        **more,
    )


SPEND = _view(("sum", "amount", 2, Float64), ("count", "amount", 1, Int64))


def _events(*rows: tuple[Any, float, Any]) -> dict[str, np.ndarray]:
    """Card, minute, amount."""
    card, minute, amount = zip(*rows, strict=True)
    return {
        "card": np.array(card),
        "at": np.array([round(m * MINUTE_US) for m in minute]),
        "amount": np.array(amount, dtype=np.float64),
    }


def _rows(block: FeatureBlock) -> list[list[Any]]:
    """Keys, event minute, created minute, values."""
    columns = [*(key.tolist() for key in block.keys), (block.event_us / MINUTE_US).tolist(),
               (block.created_us / MINUTE_US).tolist(), *(column.to_list() for column in block.values)]  # fmt: skip
    return [list(row) for row in zip(*columns, strict=True)]


def test_a_window_holds_its_begin_and_not_its_end() -> None:
    job = WindowAggregator(SPEND)
    job.ingest(_events((7, 0, 1.0), (7, 1, 10.0), (7, 1.999999, 100.0), (7, 2, 1000.0)), 2 * MINUTE_US)
    assert _rows(job.advance(2 * MINUTE_US)) == [[7, 1, 2, 1.0, 1], [7, 2, 2, 111.0, 2]]
    assert _rows(job.advance(3 * MINUTE_US - 1)) == []
    assert _rows(job.advance(3 * MINUTE_US)) == [[7, 3, 3, 1110.0, 1]]


def test_an_entity_gets_one_last_row_when_its_windows_are_empty() -> None:
    several: list[tuple[Function, int]] = [("sum", 2), ("mean", 1), ("count", 2), ("last", 2), ("var", 2), ("min", 2)]
    view = _view(*((f, "amount", w, Int64 if f == "count" else Float64) for f, w in several))
    job = WindowAggregator(view)
    job.ingest(_events((1, 0, 4.0)), 0)
    found = _rows(job.advance(60 * MINUTE_US))
    assert found == [
        [1, 1, 60, 4.0, 4.0, 1, 4.0, 0.0, 4.0],
        [1, 2, 60, 4.0, None, 1, 4.0, 0.0, 4.0],
        [1, 3, 60, 0.0, None, 0, None, None, None],
    ]
    assert job.next_end_us is None
    assert _rows(job.advance(90 * MINUTE_US)) == []


def test_an_unchanged_value_is_not_published_again() -> None:
    view = _view(("max", "amount", 5, Float64))
    job = WindowAggregator(view)
    job.ingest(_events((1, 0, 9.0), (1, 1, 3.0), (1, 2, 9.0)), 2 * MINUTE_US)
    assert [row[1] for row in _rows(job.advance(60 * MINUTE_US))] == [1, 8]


def test_a_late_event_corrects_every_window_it_belongs_to() -> None:
    job = WindowAggregator(SPEND)
    job.ingest(_events((1, 0.5, 1.0), (2, 0.5, 5.0)), MINUTE_US)
    assert len(job.advance(2 * MINUTE_US)) == 4
    job.ingest(_events((1, 0.25, 10.0)), 2 * MINUTE_US + 1)
    found = job.advance(2 * MINUTE_US + 2)
    assert [row[1] for row in _rows(found)] == [1, 2]
    assert [column.to_list() for column in found.values] == [[11.0, 11.0], [2, 0]]
    assert set(found.created_us.tolist()) == {2 * MINUTE_US + 2}
    assert found.sequence.tolist() == [4, 5]


def test_events_that_do_not_count_are_counted_by_reason() -> None:
    job = WindowAggregator(SPEND, event_id="id")
    now_us = 10 * MINUTE_US
    events: dict[str, Any] = {
        "card": [1, 1, 1, 1, None, 1, 1],
        "at": Column(np.array([8, 8, 7.99999, 12.1, 9, 9, 9]) * MINUTE_US // 1, np.arange(7) != 5),
        "amount": np.ones(7),
        "id": ["a", "a", "b", "c", "d", "e", "f"],
    }
    events["at"] = Column(events["at"].values.astype(np.int64), events["at"].valid)
    job.ingest(events, now_us)
    assert job.dropped == Dropped(late=1, early=1, duplicate=1, keyless=1, timeless=1)
    assert job.late_dropped == 1
    assert _rows(job.advance(now_us)) == [[1, 9, 10, 1.0, 1], [1, 10, 10, 2.0, 1]]


def test_copies_are_told_by_id_and_time_and_events_without_id_always_count() -> None:
    job = WindowAggregator(SPEND, event_id="id")
    for arrived in (0, 1, 2):
        job.ingest({**_events((1, 0, 1.0), (1, 0, 2.0)), "id": np.array(["x", None], dtype=object)}, arrived)
    assert _rows(job.advance(MINUTE_US)) == [[1, 1, 1, 7.0, 4]]


def test_a_refused_batch_changes_nothing() -> None:
    view = _view(("max", "amount", 1, Int64), ("count", "amount", 1, Int64))
    job = WindowAggregator(view)
    job.ingest(_events((1, 0, 3.0)), 0)
    for broken in (
        _events((1, 0, 0.5)),
        {"card": np.array([1]), "at": np.array([0])},
        {**_events((1, 0, 1.0)), "card": np.array(["one"])},
        {**_events((1, 0, 1.0)), "at": np.array([0.5])},
        {**_events((1, 0, 1.0)), "amount": np.array([1.0, 2.0])},
    ):
        with pytest.raises(CommandError, match=r"spend|amount"):
            job.ingest(broken, 0)
    assert _rows(job.advance(MINUTE_US)) == [[1, 1, 1, 3, 1]]


def test_time_never_runs_backwards() -> None:
    job = WindowAggregator(SPEND)
    job.advance(5 * MINUTE_US)
    with pytest.raises(CommandError, match="arrived before its last advance"):
        job.ingest(_events((1, 4, 1.0)), 5 * MINUTE_US - 1)
    with pytest.raises(CommandError, match="go back in time"):
        job.advance(5 * MINUTE_US - 1)
    job.ingest(_events((1, 4, 1.0)), 5 * MINUTE_US)
    assert len(job.advance(5 * MINUTE_US)) == 1


def test_composite_and_text_keys_never_collide() -> None:
    pair = (Entity("shop", value_type=String), Entity("till", value_type=Int32))
    job = WindowAggregator(_view(("count", "amount", 1, Int64), entities=pair))
    events: dict[str, Any] = {"shop": ["a", "a1", "a", None], "till": np.array([11, 1, 1, 1])}
    events |= {"at": np.zeros(4, dtype="M8[ms]"), "amount": np.ones(4)}
    job.ingest(events, 0)
    block = job.advance(MINUTE_US)
    assert _rows(block) == [["a", 1, 1, 1, 1], ["a", 11, 1, 1, 1], ["a1", 1, 1, 1, 1]]
    assert block.keys[1].dtype == np.dtype("<i4")
    one = WindowAggregator(_view(("count", "amount", 1, Int64), entities=()))
    one.ingest({"at": np.zeros(2, dtype=np.int64), "amount": np.ones(2)}, 0)
    assert _rows(one.advance(MINUTE_US)) == [[1, 1, 2]]


def test_what_is_kept_is_bounded() -> None:
    """Ten hours of sixty new cards a minute: what is kept stays at what a few minutes can touch."""
    job = WindowAggregator(_view(("count", "amount", 5, Int64), ("approx_distinct", "amount", 5, Int64)), event_id="id")
    most_tiles = most_cards = most_bytes = 0
    for minute in range(600):
        cards = np.arange(60) + 60 * minute
        events = {"card": cards, "at": np.full(60, minute * MINUTE_US), "amount": np.ones(60), "id": cards}
        job.ingest(events, minute * MINUTE_US)
        job.advance((minute + 1) * MINUTE_US)
        most_tiles, most_cards = max(most_tiles, job.tiles), max(most_cards, job.entities)
        if minute % 60 == 59:
            most_bytes = max(most_bytes, sum(array.nbytes for array in job.state().values()))
    assert most_tiles <= 2 * 60 * 9
    assert most_cards <= DEAD_ENTITIES_MIN + 3 * most_tiles
    assert most_bytes < 400_000


def test_state_of_another_view_or_damaged_is_refused() -> None:
    job = WindowAggregator(SPEND)
    job.ingest(_events((1, 0, 1.0)), 0)
    state = job.state()
    other = WindowAggregator(_view(("sum", "amount", 2, Float64), ("count", "amount", 2, Int64)))
    with pytest.raises(CommandError, match="not of stream view spend"):
        other.restore(state)
    del state["fresh.code"]
    with pytest.raises(CommandError, match="damaged"):
        WindowAggregator(SPEND).restore(state)


def test_lists_and_endless_windows_are_refused_when_declared() -> None:
    with pytest.raises(ContentError, match="is a list"):
        WindowAggregator(_view(("last", "amount", 1, Array(Float64))))
    with pytest.raises(ContentError, match="slides"):
        WindowAggregator(_view(("count", "amount", 2**31, Int64)))


def test_values_keep_their_types() -> None:
    view = _view(("last", "amount", 1, UnixTimestamp), ("min", "amount", 2, UnixTimestamp))
    job = WindowAggregator(view)
    moment = np.array(["2026-03-01T12:00:00", "NaT"], dtype="M8[s]")
    job.ingest({"card": np.array([1, 1]), "at": np.zeros(2, dtype=np.int64), "amount": moment}, 0)
    block = job.advance(MINUTE_US)
    us = round(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp() * 1e6)
    assert [column.to_list() for column in block.values] == [[us], [us]]


def test_the_transformation_of_a_stream_view_prepares_its_events() -> None:
    view = _view(("sum", "euros", 1, Float64), transformation=lambda c: {"euros": c["amount"] / 100})
    job = WindowAggregator(view)
    job.ingest(_events((1, 0, 250.0)), 0)
    assert _rows(job.advance(MINUTE_US)) == [[1, 1, 1, 2.5]]


def test_history_is_typed_sorted_by_creation_and_follows_the_source() -> None:
    file = FileSource(path="payments.parquet", timestamp_field="happened", created_timestamp_column="seen")
    view = _view(
        ("sum", "amount", 2, Float64), source=KafkaSource(name="payments", timestamp_field="at", batch_source=file)
    )
    events = pa.table({
        "card": pa.array([1, 1, 2, 1], pa.int32()),
        "happened": pa.array([0, 30_000, 0, 5_000], pa.timestamp("ms")),
        "seen": pa.array([0, 61_000, None, 2_000], pa.timestamp("ms", tz="UTC")),
        "amount": pa.array([1, 10, 100, None], pa.int64()),
    })  # fmt: skip
    found = aggregate_history(view, events)
    columns = history_columns(view)
    assert found.column_names == ["card", columns.event, columns.created, columns.sequence, "sum_2m"]
    assert found.schema.field("event_timestamp").type == pa.timestamp("us", tz="UTC")
    minutes = [
        [moment.minute for moment in found.column(name).to_pylist()] for name in (columns.event, columns.created)
    ]
    assert minutes == [[1, 1, 3], [1, 2, 3]]
    assert found.column("sum_2m").to_pylist() == [1.0, 11.0, 0.0]
    assert aggregate_history(view, events.slice(0, 0)).num_rows == 0
    with pytest.raises(CommandError, match='no column "seem"'):
        aggregate_history(view, events, arrived="seem")
