"""Every engine gives the answers that the rules give, and all of them the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from reference_platform.errors import CommandError, ConfigError, ContentError
from reference_platform.features.join.duckdb_engine import DuckDBEngine
from reference_platform.features.join.engine import Engine, ViewJoin, historical_join, view_answers
from reference_platform.features.join.in_process import InProcessEngine
from reference_platform.features.join.kernel import point_in_time_join
from reference_platform.features.join.scan import open_rows
from reference_platform.features.times import NEVER_US
from tests.unit.reference_platform.features.engines.questions import (
    SOURCE,
    Cut,
    content,
    oracle,
    plain,
    random_labels,
    random_rows,
    spec_of,
    write_folder,
)


@pytest.fixture(params=["in-process", "duckdb"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "in-process":
        yield InProcessEngine(tmp_path)
    else:
        with DuckDBEngine(threads=2, memory_limit="256MB", partitions=3, spill=tmp_path) as started:
            yield started


@pytest.mark.parametrize("partitions", [0, 1, 5])
@pytest.mark.parametrize(
    ("ttl_us", "known", "sequence"), [(None, True, None), (7, True, "number"), (0, False, None), (20, False, "number")]
)
def test_answers_are_those_of_the_rules(
    engine: Engine, tmp_path: Path, partitions: int, ttl_us: int | None, known: bool, sequence: str | None
) -> None:
    rng = np.random.default_rng([partitions, known])
    rows, labels = random_rows(rng, 300), random_labels(rng, 80)
    write_folder(rows, tmp_path, 3, 17)
    spec = spec_of(ttl_us=ttl_us, known=known, sequence=sequence)
    answers = view_answers(engine, labels, ViewJoin(open_rows(SOURCE, tmp_path), spec), partitions=partitions)
    wanted = oracle(labels, rows, spec)
    assert answers.found.tolist() == [row is not None for row in wanted]
    nothing = (None,) * len(spec.outputs)
    given = [
        pa.array([(row or nothing)[i] for row in wanted], kind) for i, kind in enumerate(answers.table.schema.types)
    ]
    assert plain(answers.table) == plain(pa.table(given, names=spec.outputs))
    assert ((answers.event_us == NEVER_US) == ~answers.found).all()
    direct = point_in_time_join(labels, rows, spec)
    assert content(answers.table) == content(direct)


def test_tables_are_joined_as_files_are(engine: Engine, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    rows, labels, spec = random_rows(rng, 200), random_labels(rng, 60), spec_of(ttl_us=30)
    write_folder(rows, tmp_path, 1, 50)
    from_file = view_answers(engine, labels, ViewJoin(open_rows(SOURCE, tmp_path), spec))
    from_tables = view_answers(engine, labels, ViewJoin(Cut(rows, 23), spec), partitions=4)
    assert content(from_file.table) == content(from_tables.table)
    assert (from_file.row_sequence == from_tables.row_sequence).all()


def test_labels_keep_their_columns_rows_and_order(engine: Engine, tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    rows, labels = random_rows(rng, 100), random_labels(rng, 50)
    write_folder(rows, tmp_path, 2, 10)
    join = ViewJoin(open_rows(SOURCE, tmp_path), spec_of())
    table = historical_join(engine, labels, [join], partitions=3)
    assert table.select(labels.column_names).equals(labels)
    assert table.column_names == [*labels.column_names, "x", "x_y", "many", "p", "at"]
    with pytest.raises(CommandError, match='two columns would be called "x"'):
        historical_join(engine, labels, [join, join])


@pytest.mark.parametrize("partitions", [1, 3])
def test_no_labels_and_no_rows_keep_the_types(engine: Engine, tmp_path: Path, partitions: int) -> None:
    rng = np.random.default_rng(7)
    rows, labels, spec = random_rows(rng, 20), random_labels(rng, 10), spec_of()
    write_folder(rows.slice(0, 0), tmp_path, 1, 10)
    empty = open_rows(SOURCE, tmp_path)
    answers = view_answers(engine, labels, ViewJoin(empty, spec), partitions=partitions)
    assert answers.table.schema.types == [rows.schema.field(name).type for name in spec.rows.features]
    assert answers.table.num_rows == 10
    assert not answers.found.any()
    none = view_answers(engine, labels.slice(0, 0), ViewJoin(Cut(rows, 5), spec), partitions=partitions)
    assert none.table.num_rows == 0
    assert none.table.schema.types == answers.table.schema.types
    nobody = view_answers(engine, labels, ViewJoin(Cut(rows.slice(0, 0), 5), spec), partitions=partitions)
    assert nobody.table.num_rows == 10


def test_errors_speak_of_the_callers_columns(engine: Engine, tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    rows, labels, spec = random_rows(rng, 50), random_labels(rng, 10), spec_of()
    write_folder(rows, tmp_path, 1, 10)
    source = open_rows(SOURCE, tmp_path)
    with pytest.raises(CommandError, match='the labels have no column "city"'):
        view_answers(engine, labels.drop_columns(["city"]), ViewJoin(source, spec), partitions=2)
    text = labels.set_column(2, "driver_id", labels["driver_id"].cast(pa.string()))
    with pytest.raises(CommandError, match='"driver_id" holds text and row column "driver" holds integers'):
        view_answers(engine, text, ViewJoin(source, spec), partitions=2)
    with pytest.raises(CommandError, match='the rows have no column "city"'):
        view_answers(engine, labels, ViewJoin(Cut(rows.drop_columns(["city"]), 10), spec), partitions=2)
    (tmp_path / "rows" / "000.parquet").unlink()
    with pytest.raises((ConfigError, ContentError)):
        view_answers(engine, labels, ViewJoin(source, spec), partitions=2)


def test_a_view_without_keys_answers_everybody(engine: Engine, tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    rows, labels, spec = random_rows(rng, 50), random_labels(rng, 20), spec_of()
    spec = replace(spec, label_keys=(), rows=replace(spec.rows, keys=()))
    answers = view_answers(engine, labels, ViewJoin(Cut(rows, 10), spec), partitions=3)
    wanted = oracle(labels, rows, spec)
    assert answers.found.tolist() == [row is not None for row in wanted]


def test_one_label_column_may_answer_for_two_keys(engine: Engine) -> None:
    rng = np.random.default_rng(10)
    rows, labels, spec = random_rows(rng, 50), random_labels(rng, 20), spec_of()
    rows = rows.append_column("other", rows["driver"])
    spec = replace(spec, label_keys=("driver_id", "driver_id"), rows=replace(spec.rows, keys=("driver", "other")))
    answers = view_answers(engine, labels, ViewJoin(Cut(rows, 10), spec), partitions=3)
    assert answers.found.tolist() == [row is not None for row in oracle(labels, rows, spec)]
