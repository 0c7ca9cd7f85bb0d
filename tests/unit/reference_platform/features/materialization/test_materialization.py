"""Materialisation: what it takes, what it leaves, and that dying anywhere changes nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from reference_platform.errors import CommandError, ConfigError
from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.materialization.materialization import Materialization
from reference_platform.features.sources import FileSource, PushSource
from reference_platform.features.stream_views import Aggregation, StreamFeatureView
from reference_platform.features.times import NEVER_US
from reference_platform.features.types import Float64, Int64, String
from tests.unit.reference_platform.features.materialization.plain_store import (
    VIEW,
    KilledError,
    PlainStore,
    Row,
    newest_of,
    write_rows,
)

ROWS: list[Row] = [(i * 7 % 5, i * 10, i * 10 + 3, float(i)) for i in range(40)]


def _over(root: Path, store: PlainStore, **options: int) -> Materialization:
    return Materialization(store, root / "progress", root, **{"step_rows": 8, **options})  # type: ignore[arg-type]


def test_a_range_takes_both_ends(tmp_path: Path) -> None:
    write_rows(tmp_path, ROWS)
    store = PlainStore()
    done = _over(tmp_path, store).materialize(VIEW, 100, 200)
    assert store.state == newest_of(ROWS, lambda at, seen: 100 <= at <= 200)
    assert done.done
    assert (done.ratio, done.counts.taken, store.watermark_us("trips")) == (1.0, 11, NEVER_US)


def test_every_step_writes_only_the_newest_row_of_each_key(tmp_path: Path) -> None:
    write_rows(tmp_path, [(1, i, i, float(i)) for i in range(100)], groups=100)
    store = PlainStore()
    counts = _over(tmp_path, store, step_rows=25).materialize(VIEW, 0, 1000).counts
    assert store.blocks == [1, 1, 1, 1]
    assert (counts.read, counts.taken, counts.written) == (100, 100, 4)


def test_the_newest_row_wins_whatever_its_place(tmp_path: Path) -> None:
    rows: list[Row] = [(1, 5, 9, 1.0), (1, 7, 8, 2.0), (1, 7, 9, 3.0), (1, 7, 9, None), (1, 6, 99, 4.0), (1, 7, 8, 5.0)]
    write_rows(tmp_path, rows, groups=2)
    store = PlainStore()
    _over(tmp_path, store, step_rows=2).materialize(VIEW, 0, 100)
    assert store.state == {(1,): (7, 9, 3, (None,))}


def test_incremental_runs_take_what_arrives_behind_the_last_end(tmp_path: Path) -> None:
    write_rows(tmp_path, [(1, 100, 100, 1.0)], name="trips.parquet/0.parquet")
    store = PlainStore()
    job = _over(tmp_path, store, lateness_us=0)
    job.materialize_incremental(VIEW, 200)
    assert store.watermark_us("trips") == 200
    write_rows(tmp_path, [(2, 50, 250, 2.0), (1, 150, 260, 3.0), (3, 50, 301, 4.0)], name="trips.parquet/1.parquet")
    done = job.materialize_incremental(VIEW, 300)
    assert {key: version[3] for key, version in store.state.items()} == {(1,): (3.0,), (2,): (2.0,)}
    assert (done.counts.taken, done.counts.late, done.counts.written) == (2, 2, 2)
    job.materialize_incremental(VIEW, 400)
    assert (3,) in store.state


def test_a_row_of_the_future_is_taken_once_its_event_has_come(tmp_path: Path) -> None:
    write_rows(tmp_path, [(1, 500, 100, 1.0)])
    store = PlainStore()
    job = _over(tmp_path, store, lateness_us=0)
    job.materialize_incremental(VIEW, 200)
    assert store.state == {}
    job.materialize_incremental(VIEW, 500)
    assert (1,) in store.state


def test_lateness_allows_for_rows_that_appear_after_their_created_time(tmp_path: Path) -> None:
    write_rows(tmp_path, [(1, 10, 10, 1.0)], name="trips.parquet/0.parquet")
    store = PlainStore()
    job = _over(tmp_path, store, lateness_us=50)
    job.materialize_incremental(VIEW, 200)
    write_rows(tmp_path, [(2, 151, 151, 2.0), (3, 150, 150, 3.0)], name="trips.parquet/1.parquet")
    job.materialize_incremental(VIEW, 300)
    assert set(store.state) == {(1,), (2,)}


def test_the_watermark_stays_behind_now_when_the_end_lies_ahead(tmp_path: Path) -> None:
    write_rows(tmp_path, ROWS)
    store = PlainStore()
    job = _over(tmp_path, store)
    job.materialize_incremental(VIEW, 1_000_000, now_us=500)
    assert store.watermark_us("trips") == 500
    assert job.lag_s(VIEW, 2_000_500) == 2.0
    assert job.lag_s(VIEW, 0) == 0.0


def test_lag_is_infinite_before_the_first_run(tmp_path: Path) -> None:
    write_rows(tmp_path, ROWS)
    assert _over(tmp_path, PlainStore()).lag_s(VIEW, 0) == math.inf


def test_without_created_column_rows_are_known_at_their_event(tmp_path: Path) -> None:
    view = replace(VIEW, source=FileSource(path="trips.parquet", timestamp_field="at"))
    write_rows(tmp_path, ROWS)
    store = PlainStore()
    job = _over(tmp_path, store, lateness_us=0)
    first = job.materialize_incremental(view, 195).counts.taken
    second = job.materialize_incremental(view, 1000).counts.taken
    assert (first, second) == (20, 20)
    assert all(version[0] == version[1] for version in store.state.values())


def test_rows_without_key_or_event_are_counted_and_left_out(tmp_path: Path) -> None:
    rows: list[Row] = [(None, 1, 1, 1.0), (1, None, 1, 2.0), (2, 1, None, 3.0), (3, 1, 1, 4.0)]
    write_rows(tmp_path, rows)
    store = PlainStore()
    job = _over(tmp_path, store)
    counts = job.materialize_incremental(VIEW, 10).counts
    assert (set(store.state), counts.unusable, counts.never_known) == ({(3,)}, 2, 1)
    job.materialize(VIEW, 0, 10)
    assert store.state == newest_of(rows, lambda at, seen: True)


def test_incremental_runs_skip_row_groups_they_know(tmp_path: Path) -> None:
    write_rows(tmp_path, ROWS, groups=4)
    job = _over(tmp_path, PlainStore(), lateness_us=0)
    assert job.materialize_incremental(VIEW, 303).counts.read == 32
    assert job.materialize_incremental(VIEW, 1000).counts.read == 12


@pytest.mark.parametrize(("start_us", "end_us"), [(5, 5), (6, 5)])
def test_an_empty_range_is_refused(tmp_path: Path, start_us: int, end_us: int) -> None:
    write_rows(tmp_path, ROWS)
    with pytest.raises(CommandError, match="is empty"):
        _over(tmp_path, PlainStore()).materialize(VIEW, start_us, end_us)


def test_an_end_before_the_watermark_is_refused_and_the_same_end_is_not(tmp_path: Path) -> None:
    write_rows(tmp_path, ROWS)
    store = PlainStore()
    job = _over(tmp_path, store)
    job.materialize_incremental(VIEW, 200)
    before = dict(store.state)
    job.materialize_incremental(VIEW, 200)
    assert store.state == before
    with pytest.raises(CommandError, match="already materialized"):
        job.materialize_incremental(VIEW, 199)


def test_views_that_cannot_be_materialized_say_why(tmp_path: Path) -> None:
    write_rows(tmp_path, ROWS)
    job = _over(tmp_path, PlainStore())
    with pytest.raises(CommandError, match="not served online"):
        job.materialize(replace(VIEW, online=False), 0, 1)
    with pytest.raises(CommandError, match="no rows to materialize"):
        job.materialize(replace(VIEW, source=PushSource(name="pushed")), 0, 1)
    with pytest.raises(CommandError, match="beyond the calendar"):
        job.materialize(VIEW, 0, 1 << 62)


def test_pushed_rows_that_were_kept_come_after_the_source(tmp_path: Path) -> None:
    write_rows(tmp_path, [(1, 10, 10, 1.0), (2, 10, 10, 2.0)])
    log = tmp_path / "offline" / "trips"
    log.mkdir(parents=True)
    time = pa.array([10, 5]).cast(pa.timestamp("us", tz="UTC"))
    pushed = {"driver": [1, 2], "event_timestamp": time, "created_timestamp": time, "sequence": [1 << 40, 1 << 41]}
    pq.write_table(pa.table({**pushed, "x": [7.0, 8.0]}), log / "0.parquet")
    store = PlainStore()
    job = Materialization(store, tmp_path / "progress", tmp_path, push_logs=tmp_path / "offline", step_rows=8)
    job.materialize_incremental(VIEW, 100)
    assert {key: version[3] for key, version in store.state.items()} == {(1,): (7.0,), (2,): (2.0,)}


def test_keys_of_several_columns_and_text_never_collide(tmp_path: Path) -> None:
    pair = (Entity(name="a", value_type=String), Entity(name="b", value_type=String))
    source = FileSource(path="t.parquet", timestamp_field="at")
    view = FeatureView(name="pairs", entities=pair, schema=(Field(name="x", dtype=Float64),), source=source)
    at = pa.array([1, 1, 2]).cast(pa.timestamp("us"))
    pq.write_table(pa.table({"a": ["1", "12", "1"], "b": ["23", "3", "23"], "at": at, "x": [1.0, 2.0, 3.0]}),
                   tmp_path / "t.parquet")  # fmt: skip
    store = PlainStore()
    _over(tmp_path, store).materialize(view, 0, 10)
    assert {key: version[3] for key, version in store.state.items()} == {("1", "23"): (3.0,), ("12", "3"): (2.0,)}


def test_a_view_without_keys_has_one_row(tmp_path: Path) -> None:
    write_rows(tmp_path, ROWS)
    store = PlainStore()
    _over(tmp_path, store).materialize(replace(VIEW, entities=()), 0, 1000)
    assert store.state == {(): (390, 393, 39, (39.0,))}


def test_the_transformation_runs_before_rows_are_compared(tmp_path: Path) -> None:
    write_rows(tmp_path, ROWS)
    view = replace(VIEW, schema=(Field(name="twice", dtype=Float64),), transformation=lambda columns: columns)

    def twice(_: FeatureView, table: pa.Table) -> pa.Table:
        return table.append_column("twice", pc.multiply(table["x"], 2.0))

    store = PlainStore()
    Materialization(store, tmp_path / "progress", tmp_path, transform=twice).materialize(view, 0, 1000)
    wanted = {key: (2 * version[3][0],) for key, version in newest_of(ROWS, lambda at, seen: True).items()}
    assert {key: version[3] for key, version in store.state.items()} == wanted


def test_a_declared_transformation_may_return_keys(tmp_path: Path) -> None:
    write_rows(tmp_path, ROWS)

    def merged_keys(columns: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"driver": columns["driver"] * 0, "x": columns["x"] + 1.0}

    store = PlainStore()
    _over(tmp_path, store).materialize(replace(VIEW, transformation=merged_keys), 0, 1000)
    assert store.state == {(0,): (390, 393, 39, (40.0,))}


def test_windows_of_a_stream_are_not_copied(tmp_path: Path) -> None:
    count = Aggregation(column="x", function="count", time_window=timedelta(hours=1))
    view = StreamFeatureView(
        name="windows",
        entities=VIEW.entities,
        source=VIEW.source,
        aggregations=(count,),
        schema=(Field(name=count.name, dtype=Int64),),
    )
    with pytest.raises(CommandError, match="not copied from its events"):
        _over(tmp_path, PlainStore()).materialize(view, 0, 1)


def _uninterrupted(root: Path) -> PlainStore:
    store = PlainStore()
    _over(root / "whole", store, lateness_us=0)
    job = Materialization(store, root / "whole", root, lateness_us=0, step_rows=8)
    job.materialize_incremental(VIEW, 350)
    return store


def _in_two_runs(job: Materialization) -> None:
    for end_us in (100, 350):
        job.materialize_incremental(VIEW, end_us)


@pytest.mark.parametrize("rows_left", range(0, 24, 2))
def test_dying_inside_a_write_changes_nothing(tmp_path: Path, rows_left: int) -> None:
    write_rows(tmp_path, ROWS)
    store = PlainStore()
    store.rows_left = rows_left
    job = _over(tmp_path, store, lateness_us=0)
    with pytest.raises(KilledError):
        _in_two_runs(job)
    store.rows_left = 1 << 60
    _over(tmp_path, store, lateness_us=0).materialize_incremental(VIEW, 350)
    wanted = _uninterrupted(tmp_path)
    assert store.state == wanted.state
    assert store.watermark_us("trips") == wanted.watermark_us("trips") == 350


@pytest.mark.parametrize("steps", range(7))
def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, steps: int) -> None:
    write_rows(tmp_path, ROWS)
    store = PlainStore()
    run = _over(tmp_path, store).begin(VIEW, 0, 350)
    for _ in range(steps):
        run.step(350)
    again = _over(tmp_path, store).begin(VIEW, 0, 350)
    assert again.progress.position == (0 if run.progress.done else run.progress.position)
    again.run(350)
    assert store.state == newest_of(ROWS, lambda at, seen: at <= 350)
    if not run.progress.done:
        assert again.progress.counts.read == 36


@pytest.mark.parametrize("calls_left", range(6))
def test_a_step_that_failed_can_be_repeated_on_the_same_run(tmp_path: Path, calls_left: int) -> None:
    write_rows(tmp_path, ROWS)
    store = PlainStore()
    store.calls_left = calls_left
    run = _over(tmp_path, store, lateness_us=0).begin_incremental(VIEW, 350)
    with pytest.raises(KilledError):
        run.run(350)
    store.calls_left = 1 << 60
    run.run(350)
    assert store.state == _uninterrupted(tmp_path).state
    assert store.watermark_us("trips") == 350


def test_dying_between_the_watermark_and_the_note_is_harmless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows(tmp_path, ROWS)
    store = PlainStore()
    job = _over(tmp_path, store, lateness_us=0)
    run = job.begin_incremental(VIEW, 350)
    monkeypatch.setattr(run, "_note", lambda progress: (_ for _ in ()).throw(KilledError) if progress.done else None)
    with pytest.raises(KilledError):
        run.run(350)
    assert store.watermark_us("trips") == 350
    assert job.unfinished(VIEW) is not None
    job.materialize_incremental(VIEW, 350)
    assert job.unfinished(VIEW) is None
    assert store.state == _uninterrupted(tmp_path).state


def test_a_source_that_changed_is_read_from_the_start(tmp_path: Path) -> None:
    write_rows(tmp_path, ROWS, name="trips.parquet/1.parquet")
    store = PlainStore()
    run = _over(tmp_path, store).begin(VIEW, 0, 1000)
    run.step(0)
    write_rows(tmp_path, [(77, 5, 5, 1.0)], name="trips.parquet/0.parquet")
    again = _over(tmp_path, store).resume(VIEW)
    assert again is not None
    assert again.progress.position == 0
    again.run(1000)
    assert (77,) in store.state


def test_counts_add_up_over_runs_and_processes(tmp_path: Path) -> None:
    write_rows(tmp_path, ROWS)
    store = PlainStore()
    _over(tmp_path, store).materialize(VIEW, 0, 100)
    run = _over(tmp_path, store).begin(VIEW, 0, 1000)
    run.step(0)
    assert _over(tmp_path, store).counts(VIEW).taken == 11 + 8


def test_a_damaged_progress_file_says_what_to_do(tmp_path: Path) -> None:
    write_rows(tmp_path, ROWS)
    job = _over(tmp_path, PlainStore())
    job.begin(VIEW, 0, 10)
    (tmp_path / "progress" / "trips.json").write_text('{"version": 1, "unfin')
    with pytest.raises(ConfigError, match="delete it"):
        job.begin(VIEW, 0, 10)


def test_ttl_does_not_change_what_is_written(tmp_path: Path) -> None:
    write_rows(tmp_path, ROWS)
    store = PlainStore()
    _over(tmp_path, store).materialize_incremental(replace(VIEW, ttl=timedelta(microseconds=1)), 1000)
    assert len(store.state) == len({row[0] for row in ROWS})
    assert np.all([version[0] >= 350 for version in store.state.values()])


def test_a_view_that_changed_or_a_store_that_was_emptied_starts_over(tmp_path: Path) -> None:
    write_rows(tmp_path, ROWS)
    store = PlainStore()
    _over(tmp_path, store).begin(VIEW, 0, 1000).step(0)
    wider = replace(VIEW, schema=(Field(name="x", dtype=Float64), Field(name="x_again", dtype=Float64)))
    view = replace(wider, transformation=lambda columns: columns)
    job = Materialization(store, tmp_path / "progress", tmp_path, transform=lambda _, table: table)
    assert job.begin(view, 0, 1000).progress.position == 0
    _over(tmp_path, store).begin(VIEW, 0, 1000).step(0)
    store.state.clear()
    resumed = _over(tmp_path, store).resume(VIEW)
    assert resumed is not None
    assert resumed.progress.position == 0
    resumed.run(0)
    assert store.state == newest_of(ROWS, lambda at, seen: True)


def test_an_incremental_run_into_another_store_starts_over(tmp_path: Path) -> None:
    write_rows(tmp_path, ROWS)
    first = PlainStore()
    job = _over(tmp_path, first, lateness_us=0)
    job.materialize_incremental(VIEW, 200)
    job.begin_incremental(VIEW, 300).step(300)
    second = PlainStore()
    _over(tmp_path, second, lateness_us=0).materialize_incremental(VIEW, 300)
    assert second.state == newest_of(ROWS, lambda at, seen: max(at, seen) <= 300)


def test_what_is_noted_can_be_forgotten(tmp_path: Path) -> None:
    write_rows(tmp_path, ROWS)
    job = _over(tmp_path, PlainStore())
    job.materialize(VIEW, 0, 100)
    assert job.counts(VIEW).read
    job.forget("trips")
    job.forget("trips")
    assert not job.counts(VIEW).read
