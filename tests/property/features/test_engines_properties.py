"""Engines, cuts and a second opinion in SQL: all agree, whatever the data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reference_platform.features.join.duckdb_engine import DuckDBEngine
from reference_platform.features.join.engine import ViewJoin, view_answers
from reference_platform.features.join.in_process import InProcessEngine
from reference_platform.features.join.kernel import point_in_time_join
from reference_platform.features.join.partitioning import partition_numbers
from reference_platform.features.join.scan import open_rows
from reference_platform.features.join.sorted_layout import answers_from_layout, compact, open_layout
from reference_platform.features.join.spec import JoinSpec
from tests.unit.reference_platform.features.engines.questions import (
    SOURCE,
    Cut,
    content,
    oracle,
    random_labels,
    random_rows,
    spec_of,
    write_folder,
)

QUESTIONS = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 1 << 32),
        "rows": st.integers(0, 60),
        "labels": st.integers(0, 30),
        "span": st.integers(1, 40),
        "ttl_us": st.one_of(st.none(), st.integers(0, 45)),
        "known": st.booleans(),
        "sequence": st.sampled_from([None, "number"]),
        "partitions": st.integers(1, 6),
        "cut": st.integers(1, 25),
    }
)
QUIET = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUIET
@given(q=QUESTIONS)
def test_any_cut_into_batches_and_partitions_gives_the_answers_of_the_rules(q: dict[str, int], tmp_path: Path) -> None:
    rng = np.random.default_rng(q["seed"])
    rows, labels = random_rows(rng, q["rows"], q["span"]), random_labels(rng, q["labels"], q["span"])
    spec = spec_of(ttl_us=q["ttl_us"], known=bool(q["known"]), sequence=q["sequence"])  # type: ignore[arg-type]
    direct = point_in_time_join(labels, rows, spec)
    cut = view_answers(
        InProcessEngine(tmp_path), labels, ViewJoin(Cut(rows, q["cut"]), spec), partitions=q["partitions"]
    )
    assert cut.table.num_rows == labels.num_rows
    if rows.num_rows:
        assert content(cut.table) == content(direct)
    assert cut.found.tolist() == [row is not None for row in oracle(labels, rows, spec)]


@settings(QUIET, max_examples=15)
@given(q=QUESTIONS)
def test_duckdb_gives_the_same_bytes(q: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> None:
    rng = np.random.default_rng(q["seed"])
    rows, labels = random_rows(rng, q["rows"], q["span"]), random_labels(rng, q["labels"], q["span"])
    spec = spec_of(ttl_us=q["ttl_us"], known=bool(q["known"]), sequence=q["sequence"])  # type: ignore[arg-type]
    root = tmp_path_factory.mktemp("rows")
    write_folder(rows, root, 2, q["cut"])
    join = ViewJoin(open_rows(SOURCE, root), spec)
    here = view_answers(InProcessEngine(), labels, join)
    with DuckDBEngine(threads=2, partitions=q["partitions"], spill=root) as engine:
        there = view_answers(engine, labels, join)
    assert content(there.table) == content(here.table)
    assert (there.row_sequence == here.row_sequence).all()


def _in_sql(labels: object, rows: object, spec: JoinSpec) -> list[tuple[object, ...]]:
    """Position of the answering row and its x, by join and row_number over a total order."""
    import duckdb

    ttl = "true" if spec.ttl_us is None else f"epoch_us(r.at) >= epoch_us(l.event_timestamp) - {spec.ttl_us}"
    known = "r.seen <= l.event_timestamp" if spec.known_at_label else "true"
    sequence = "coalesce(r.number, -9223372036854775808)" if spec.rows.sequence else "0"
    query = f"""
        WITH l AS (SELECT *, row_number() OVER () AS i FROM labels),
        r AS (SELECT *, row_number() OVER () AS j FROM rows),
        ranked AS (
            SELECT i, j, x, row_number() OVER (
                PARTITION BY i ORDER BY r.at DESC, r.seen DESC NULLS LAST, {sequence} DESC, j DESC) AS place
            FROM l JOIN r ON r.driver = l.driver_id AND r.city = l.city
            WHERE r.at <= l.event_timestamp AND {ttl} AND {known})
        SELECT ranked.j - 1, ranked.x FROM l LEFT JOIN ranked ON ranked.i = l.i AND place = 1 ORDER BY l.i"""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("labels", labels)
        connection.register("rows", rows)
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("seed", range(6))
def test_sql_agrees_on_ten_thousand_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, labels = random_rows(rng, 10_000, 500, 40), random_labels(rng, 2_000, 500, 44)
    spec = spec_of(ttl_us=[None, 30, 100][seed % 3], known=seed % 2 == 0, sequence=None if seed < 3 else "number")
    answers = view_answers(InProcessEngine(), labels, ViewJoin(Cut(rows, 1234), spec))
    wanted = _in_sql(labels, rows, spec)
    assert answers.found.tolist() == [position is not None for position, _ in wanted]
    if spec.rows.sequence is None:
        assert [int(at) for at in answers.row_sequence] == [-1 if at is None else at for at, _ in wanted]
    assert list(map(repr, answers.table["x"].to_pylist())) == [repr(x) for _, x in wanted]


@QUIET
@given(seed=st.integers(0, 1 << 32), n=st.integers(1, 9))
def test_equal_keys_share_a_partition_whatever_their_type(seed: int, n: int) -> None:
    import pyarrow as pa

    rng = np.random.default_rng(seed)
    ids = rng.integers(-3, 3, 50)
    words = pa.array(rng.choice(["", "a", "bb"], 50))
    wide, narrow = pa.array(ids, pa.int64()), pa.array(ids, pa.int32())
    forms = [
        [wide, words],
        [narrow, words.cast(pa.large_string())],
        [wide.cast(pa.float64()), words.dictionary_encode()],
    ]
    first, *others = (partition_numbers(columns, 50, n) for columns in forms)
    assert all((first == other).all() for other in others)
    assert ((first >= 0) & (first < n)).all()


def test_partitions_are_stable_and_even() -> None:
    import pyarrow as pa

    numbers = partition_numbers([pa.array(np.arange(100_000))], 100_000, 8)
    assert numbers[:8].tolist() == [7, 6, 4, 7, 3, 5, 1, 5]
    assert np.bincount(numbers).min() > 12_000


@QUIET
@given(q=QUESTIONS)
def test_the_sorted_layout_gives_the_same_bytes(q: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> None:
    rng = np.random.default_rng(q["seed"])
    rows, labels = random_rows(rng, q["rows"], q["span"]), random_labels(rng, q["labels"], q["span"])
    spec = spec_of(ttl_us=q["ttl_us"], known=bool(q["known"]), sequence=q["sequence"])  # type: ignore[arg-type]
    root = tmp_path_factory.mktemp("rows")
    write_folder(rows, root, 1, q["cut"])
    source = open_rows(SOURCE, root)
    compact(root / "sorted", source, spec.rows, "a", total_rows=q["rows"], part_rows=q["cut"])
    layout = open_layout(root / "sorted", "a")
    here, reason = answers_from_layout(layout, InProcessEngine(), labels, ViewJoin(source, spec))
    there = view_answers(InProcessEngine(), labels, ViewJoin(source, spec))
    assert not reason
    assert content(here.table) == content(there.table)
    assert (here.row_sequence == there.row_sequence).all()
