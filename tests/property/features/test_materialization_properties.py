"""Whatever arrives when, and wherever the process dies: the store ends with what was known, as history would answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_platform.features.join.engine import ViewJoin, view_answers
from reference_platform.features.join.in_process import InProcessEngine
from reference_platform.features.join.scan import open_rows
from reference_platform.features.join.spec import JoinSpec, RowColumns
from reference_platform.features.materialization.materialization import Materialization
from reference_platform.features.materialization.reduction import key_codes, newest_rows
from reference_platform.features.sources import FileSource
from reference_platform.features.times import NEVER_US
from tests.unit.reference_platform.features.materialization.plain_store import (
    NEVER,
    VIEW,
    KilledError,
    PlainStore,
    Row,
    newest_of,
    write_rows,
)

SPEC = JoinSpec(("driver",), "event_timestamp", RowColumns(("driver",), "at", "seen", None, ("x",)), ("x",), None)
ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(0, 4)),
        st.one_of(st.none(), st.integers(0, 100)),
        st.integers(0, 40),
        st.one_of(st.none(), st.integers(0, 9).map(float)),
    ),
    max_size=40,
)
QUIET = settings(max_examples=40, deadline=None)


def _arrivals(drawn: list[tuple[int | None, int | None, int, float | None]]) -> list[Row]:
    """Rows in the order they became known, each up to 40 us after its event."""
    rows: list[Row] = [(driver, at, None if at is None else at + late, x) for driver, at, late, x in drawn]
    return sorted(rows, key=lambda row: -1 if row[2] is None else row[2])


def _run_until_done(job: Materialization, store: PlainStore, end_us: int, deaths: list[int]) -> None:
    while True:
        store.rows_left = deaths.pop() if deaths else NEVER
        try:
            job.materialize_incremental(VIEW, end_us)
        except KilledError:
            continue
        return


@QUIET
@given(
    drawn=ROWS,
    ends=st.lists(st.integers(1, 150), min_size=1, max_size=4, unique=True).map(sorted),
    deaths=st.lists(st.integers(0, 6), max_size=6),
    step_rows=st.integers(1, 12),
    groups=st.integers(1, 8),
)
def test_incremental_runs_hold_what_was_known_at_their_end(
    drawn: list[tuple[int | None, int | None, int, float | None]],
    ends: list[int],
    deaths: list[int],
    step_rows: int,
    groups: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    root = tmp_path_factory.mktemp("rows")
    rows, store, shown = _arrivals(drawn), PlainStore(), 0
    deaths = list(deaths)
    for number, end_us in enumerate(ends):
        # The source grows by a file of what has arrived since.
        here = sum(1 for row in rows if row[2] is None or row[2] <= end_us)
        write_rows(root, rows[shown:here], groups=groups, name=f"trips.parquet/{number}.parquet")
        shown = here
        job = Materialization(store, root / "progress", root, lateness_us=0, step_rows=step_rows)
        _run_until_done(job, store, end_us, deaths)

        def known(at: int, seen: int, end_us: int = end_us) -> bool:
            return max(at, seen) <= end_us

        assert store.state == newest_of(rows[:here], known)
        assert store.watermark_us("trips") == end_us
        _check_history(root, store, end_us)


def _check_history(root: Path, store: PlainStore, end_us: int) -> None:
    """A join at the watermark answers what the store holds."""
    time = pa.array([end_us] * 5).cast(pa.timestamp("us", tz="UTC"))
    labels = pa.table({"driver": list(range(5)), "event_timestamp": time})
    source = open_rows(FileSource(path="trips.parquet", timestamp_field="at", created_timestamp_column="seen"), root)
    answers = view_answers(InProcessEngine(), labels, ViewJoin(source, SPEC))
    held = [store.state.get((driver,), (NEVER_US, 0, 0, (None,))) for driver in range(5)]
    assert answers.event_us.tolist() == [version[0] for version in held]
    assert answers.table["x"].to_pylist() == [version[3][0] for version in held]


@QUIET
@given(
    drawn=ROWS,
    start=st.integers(0, 60),
    length=st.integers(1, 80),
    deaths=st.lists(st.integers(0, 8), max_size=4),
    step_rows=st.integers(1, 12),
)
def test_a_range_ends_the_same_wherever_it_dies(
    drawn: list[tuple[int | None, int | None, int, float | None]],
    start: int,
    length: int,
    deaths: list[int],
    step_rows: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    root = tmp_path_factory.mktemp("rows")
    rows: list[Row] = [(driver, at, late, x) for driver, at, late, x in drawn]
    write_rows(root, rows)
    store = PlainStore()
    for rows_left in [*deaths, NEVER]:
        store.rows_left = rows_left
        try:
            Materialization(store, root / "progress", root, step_rows=step_rows).materialize(
                VIEW, start, start + length
            )
        except KilledError:
            continue
    assert store.state == newest_of(rows, lambda at, seen: start <= at <= start + length)


@QUIET
@given(seed=st.integers(0, 1 << 32), n=st.integers(0, 60), spread=st.sampled_from([3, 1 << 40]), text=st.booleans())
def test_the_newest_rows_are_those_no_row_of_their_key_beats(seed: int, n: int, spread: int, text: bool) -> None:
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, 4, n) * spread
    second = rng.integers(0, 3, n)
    columns = [pa.array(numbers), pa.array([f"{value}" for value in second]) if text else pa.array(second)]
    versions = [rng.integers(0, 3, n) for _ in range(3)]
    codes, count = key_codes(columns, n)
    keys = list(zip(numbers.tolist(), second.tolist(), strict=True))
    assert [[a == b for a in keys] for b in keys] == [[a == b for a in codes] for b in codes]
    assert not n or codes.max() < count
    ranks = list(zip(*(version.tolist() for version in versions), strict=True))
    wanted = [i for i in range(n) if all(ranks[j] <= ranks[i] for j in range(n) if keys[j] == keys[i])]
    assert newest_rows(codes, count, *versions).tolist() == wanted
