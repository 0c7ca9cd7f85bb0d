"""The offline store: newest rows, incremental reads, bounded memory and Parquet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_platform.features.join.kernel import point_in_time_join
from reference_platform.features.join.spec import JoinSpec, RowColumns
from reference_platform.features.times import NEVER_US
from reference_platform.shop.offline import CREATED, EVENT, Mark, OfflineStore, after
from reference_platform.shop.rows import PER_S, FeatureRows
from tests.unit.reference_platform.shop.one_view import one_view

VIEW = one_view("seen", 5, "a")

Row = tuple[int, int, int, int]
BATCHES = st.lists(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(0, 6), st.integers(0, 9)), max_size=6),
    max_size=5,
)


def feature_rows(rows: list[Row]) -> FeatureRows:
    return FeatureRows(
        np.array([row[0] for row in rows], dtype=np.int32),
        np.array([row[1] for row in rows], dtype=np.int64) * PER_S,
        np.array([row[2] for row in rows], dtype=np.int64) * PER_S,
        np.array([row[3] for row in rows], dtype=np.float32).reshape(-1, 1),
    )


def filled(batches: list[list[Row]], tail_rows_max: int = 1000) -> OfflineStore:
    store = OfflineStore([VIEW], tail_rows_max=tail_rows_max)
    for number, batch in enumerate(batches):
        store.append("seen", feature_rows(batch), complete_us=number * PER_S)
    return store


def newest(rows: list[Row], until: float) -> dict[int, Row]:
    found: dict[int, Row] = {}
    for row in rows:
        best = found.get(row[0])
        if row[1] <= until and (best is None or (row[1], row[2]) >= (best[1], best[2])):
            found[row[0]] = row
    return found


def as_rows(rows: FeatureRows) -> list[Row]:
    columns = zip(rows.entity, rows.event_us // PER_S, rows.created_us // PER_S, rows.values[:, 0], strict=True)
    return [(int(a), int(b), int(c), int(d)) for a, b, c, d in columns]


@settings(max_examples=150, deadline=None)
@given(batches=BATCHES)
def test_latest_is_the_newest_row_of_every_entity(batches: list[list[Row]]) -> None:
    expected = newest([row for batch in batches for row in batch], np.inf)
    assert as_rows(filled(batches).latest("seen")) == [expected[entity] for entity in sorted(expected)]


@settings(max_examples=200, deadline=None)
@given(batches=BATCHES, mark=st.integers(-1, 6), until=st.integers(0, 7), limit=st.integers(1, 4))
def test_reading_on_from_mark_to_mark_misses_nothing_and_repeats_nothing(
    batches: list[list[Row]], mark: int, until: int, limit: int
) -> None:
    store = filled(batches)
    rows = [row for batch in batches for row in batch]
    expected = sorted((row for row in newest(rows, until).values() if row[1] > mark), key=lambda row: (row[1], row[0]))
    taken: list[Row] = []
    at = after(mark * PER_S)
    while part := as_rows(store.changed_since("seen", at, until * PER_S, limit=limit)):
        assert len(part) <= limit
        taken += part
        at = Mark(part[-1][1] * PER_S, part[-1][0])
    assert taken == expected


def test_memory_is_bounded_and_the_newest_rows_survive_it() -> None:
    batches: list[list[Row]] = [[(number % 5, number, number, number)] for number in range(50)]
    store = filled(batches, tail_rows_max=10)
    assert len(store.tail("seen")) == 10
    assert [row[1] for row in as_rows(store.latest("seen"))] == [45, 46, 47, 48, 49]


def test_the_point_in_time_answer_comes_from_the_history_and_respects_the_ttl() -> None:
    store = filled([[(1, 0, 0, 7)], [(1, 5, 5, 8)]])
    answer = store.as_of("seen", np.array([1, 1, 1]), np.array([4.0, 5.0, 5.0 + VIEW.ttl_s + 1]))
    assert answer.values[:2, 0].tolist() == [7.0, 8.0]
    assert answer.found.tolist() == [True, True, False]
    assert answer.event_us.tolist() == [0, 5 * PER_S, NEVER_US]
    assert np.isnan(answer.values[2, 0])


@settings(max_examples=150, deadline=None)
@given(
    batches=BATCHES,
    asked=st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from([0.0, 0.5, 1.0, 2.9999995, 3.0, 6.0, 9.0])), max_size=5
    ),
)
def test_every_answer_is_what_a_search_through_all_rows_finds(
    batches: list[list[Row]], asked: list[tuple[int, float]]
) -> None:
    rows = [row for batch in batches for row in batch]
    answer = filled(batches).as_of(
        "seen", np.array([entity for entity, _ in asked], dtype=np.int32), np.array([ts for _, ts in asked])
    )
    for index, (entity, ts) in enumerate(asked):
        known = [(row[1], row[2], at) for at, row in enumerate(rows) if row[0] == entity and max(row[1], row[2]) <= ts]
        assert answer.found[index] == bool(known)
        if known:
            assert answer.values[index, 0] == rows[max(known)[2]][3]


def test_the_parquet_history_joins_like_any_other_source_of_the_feature_store(tmp_path: Path) -> None:
    store = filled([[(1, 0, 0, 7), (2, 1, 3, 9)], [(1, 5, 6, 8)]])
    path = tmp_path / "seen.parquet"
    store.write_parquet("seen", path)
    labels = pa.table(
        {
            "customer": pa.array([1, 1, 2, 2], type=pa.int32()),
            "event_timestamp": pa.array([5 * PER_S, 6 * PER_S, 2 * PER_S, 3 * PER_S]).cast(pa.timestamp("us", "UTC")),
        }
    )
    rows = RowColumns(("customer",), EVENT, CREATED, None, ("a",))
    spec = JoinSpec(("customer",), "event_timestamp", rows, ("a",), VIEW.ttl_us)
    joined = point_in_time_join(labels, pq.read_table(path), spec)
    own = store.as_of("seen", np.array([1, 1, 2, 2]), np.array([5.0, 6.0, 2.0, 3.0]))
    assert joined.column("a").to_pylist() == [7.0, 8.0, None, 9.0]
    assert [None if np.isnan(value) else value for value in own.values[:, 0].tolist()] == [7.0, 8.0, None, 9.0]


def test_parquet_and_state_round_trips_keep_every_bit(tmp_path: Path) -> None:
    store = filled([[(1, 0, 0, 7), (2, 1, 1, 9)], [(1, 5, 6, 8)]])
    path = tmp_path / "seen.parquet"
    store.write_parquet("seen", path)
    assert as_rows(store.read_parquet("seen", path)) == as_rows(store.tail("seen"))
    copy = OfflineStore([VIEW])
    copy.restore(store.state())
    assert as_rows(copy.latest("seen")) == as_rows(store.latest("seen"))
    assert copy.complete_until("seen") == store.complete_until("seen")
