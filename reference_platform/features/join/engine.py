"""Point-in-time joins on any engine: it only scans, cuts by key and maps; the join itself is the same code everywhere.

Answers are therefore the same to the last bit, whatever the engine and the number of partitions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import CommandError
from reference_platform.features.join.kernel import AsOfJoin
from reference_platform.features.join.labels import column_of
from reference_platform.features.join.partitioning import POSITION, Stream, numbered, stream_schema
from reference_platform.features.join.scan import ParquetRows, Wanted
from reference_platform.features.join.spec import JoinSpec
from reference_platform.features.times import FAR_US, to_us

if TYPE_CHECKING:
    import pyarrow as pa


class TableRows(Protocol):
    """Rows of a view that come as tables, such as a history of several parts."""

    def batches(self, *, since_us: int | None = None, until_us: int | None = None) -> Iterator[tuple[int, pa.Table]]:
        """Tables and the position of the first row of each; rows outside the times may be left out."""


Rows = ParquetRows | TableRows
PartitionFunction = Callable[..., "pa.Table"]
"""One stream per argument of `map_partitions` in, one table out. Picklable, for engines of several processes."""


class Partitions(Protocol):
    """A stream cut by key. Each partition keeps the order of its rows; it is used by one `map_partitions`."""

    @property
    def schema(self) -> pa.Schema: ...

    def __len__(self) -> int: ...


class Engine(Protocol):
    """What carries a join out."""

    def scan(self, rows: Rows, columns: Sequence[str], since_us: int | None, until_us: int | None) -> Stream:
        """`columns` of `rows` as `c0`, `c1`, ..., then their positions; rows outside the times may be left out."""

    def partition_by(self, stream: Stream, keys: int, n: int) -> Partitions:
        """Cut by the first `keys` columns; rows of equal keys stay together. `n` 0: as many as suits the engine."""

    def map_partitions(self, function: PartitionFunction, *partitions: Partitions) -> list[pa.Table]:
        """`function` of the first partition of each, of the second of each, and so on. All have the same number."""


@dataclass(frozen=True, slots=True)
class ViewJoin:
    """One view: where its rows are, and how they answer."""

    rows: Rows
    spec: JoinSpec


@dataclass(frozen=True, slots=True)
class ViewAnswers:
    """Answers of one view, one per label in their order. `table`: columns `spec.outputs`.

    `event_us`: event time of the answering row, NEVER_US where none was found.
    """

    table: pa.Table
    event_us: NDArray[np.int64]
    found: NDArray[np.bool_]
    row_sequence: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class JoinPartition:
    """The join of one partition of labels with the same partition of rows: labels and rows in, answers out.

    Names are those of the caller, so that errors speak of his columns.
    """

    spec: JoinSpec
    label_names: tuple[str, ...]
    row_names: tuple[str, ...]

    def __call__(self, labels: Stream, rows: Stream) -> pa.Table:
        """Columns: the outputs, then event, found, sequence, and the position of the label."""
        import pyarrow as pa

        asked = labels.read_all()
        place = _unused(self.row_names)
        spec = self.spec
        if spec.rows.sequence is None:
            # Rows of a partition are not numbered without gaps; their position is their sequence.
            spec = replace(spec, rows=replace(spec.rows, sequence=place))
        names = [*self.row_names, place]
        join = AsOfJoin(
            asked.rename_columns([*self.label_names, _unused(self.label_names)]),
            spec,
            row_schema=pa.schema([field.with_name(name) for field, name in zip(rows.schema, names, strict=True)]),
        )
        first = 0
        for batch in rows.batches:
            join.add(pa.RecordBatch.from_arrays(batch.columns, names=names), first)
            first += batch.num_rows
        answers = join.finish()
        columns = [*answers.columns, pa.array(join.event_us), pa.array(join.found), pa.array(join.row_sequence)]
        columns.append(asked.column(POSITION))
        return pa.Table.from_arrays(columns, names=[f"c{index}" for index in range(len(columns))])


def _unused(names: Sequence[str]) -> str:
    return "_" * (1 + max(map(len, names), default=0))


def historical_join(engine: Engine, labels: pa.Table, joins: Sequence[ViewJoin], *, partitions: int = 0) -> pa.Table:
    """`labels` with the outputs of every join appended: one row per row, in order.

    Raises CommandError for missing or clashing columns, and for keys or times of the wrong type.
    """
    table = labels
    for join in joins:
        answers = view_answers(engine, labels, join, partitions=partitions).table
        for name, column in zip(answers.column_names, answers.columns, strict=True):
            if name in table.column_names:
                raise CommandError(f'two columns would be called "{name}"', fix="rename one of them")
            table = table.append_column(name, column)
    assert table.num_rows == labels.num_rows, f"{labels.num_rows} labels but {table.num_rows} rows"
    return table


def view_answers(engine: Engine, labels: pa.Table, join: ViewJoin, *, partitions: int = 0) -> ViewAnswers:
    """What one view answers. `partitions` 0: as many as suits the engine."""
    import pyarrow as pa

    spec = join.spec
    label_names = tuple(dict.fromkeys([*spec.label_keys, spec.label_time]))
    columns = spec.rows
    times = filter(None, (columns.event, columns.created, columns.sequence))
    row_names = tuple(dict.fromkeys([*columns.keys, *times, *columns.features]))
    keys = len(dict.fromkeys(spec.label_keys))
    if keys < len(spec.label_keys):
        # One label column answers for two key columns; only the whole of both can be cut alike.
        partitions, keys = 1, 0
    since_us, until_us = _asked_times(labels, spec)
    left = engine.partition_by(_label_stream(labels, label_names), keys, partitions)
    right = engine.partition_by(engine.scan(join.rows, row_names, since_us, until_us), keys, len(left))
    tables = engine.map_partitions(JoinPartition(spec, label_names, row_names), left, right)
    whole = pa.concat_tables(tables)
    if len(tables) > 1:
        place = whole.column(whole.num_columns - 1).to_numpy()
        order = np.empty(len(place), dtype=np.int64)
        order[place] = np.arange(len(place))
        whole = whole.take(pa.array(order))
    assert whole.num_rows == labels.num_rows, f"{labels.num_rows} labels but {whole.num_rows} answers"
    n = len(spec.outputs)
    event_us, found, sequence = (whole.column(n + index).to_numpy() for index in range(3))
    answers = pa.Table.from_arrays(whole.columns[:n], names=list(spec.outputs))
    return ViewAnswers(answers, event_us, found, sequence)


def _asked_times(labels: pa.Table, spec: JoinSpec) -> tuple[int | None, int | None]:
    """Events outside cannot answer any label."""
    time_us, valid = to_us(column_of(labels, spec.label_time, "the labels"), f'label column "{spec.label_time}"')
    if not valid.any():
        return None, -FAR_US
    first, last = int(time_us[valid].min()), int(time_us[valid].max())
    return None if spec.ttl_us is None else first - spec.ttl_us, last


def _label_stream(labels: pa.Table, names: Sequence[str]) -> Stream:
    import pyarrow as pa

    columns = [column_of(labels, name, "the labels") for name in names]
    schema = stream_schema([column.type for column in columns])
    picked = pa.Table.from_arrays(columns, names=schema.names[:-1])

    def batches() -> Iterator[pa.RecordBatch]:
        first = 0
        for batch in picked.to_batches():
            yield numbered(batch, first, schema)
            first += batch.num_rows

    return Stream(schema, batches())


def scan_rows(rows: Rows, columns: Sequence[str], since_us: int | None, until_us: int | None) -> Stream:
    """The scan of engines that have none of their own: batch by batch, in the order of the source."""
    import pyarrow as pa

    if isinstance(rows, ParquetRows):
        schema = stream_schema([rows.schema.field(name).type for name in columns if name in rows.schema.names])
        scanned = rows.scan(columns, Wanted(since_us, until_us))
        if len(schema) <= len(columns):
            # A column is missing; the scan says which.
            next(scanned)
        return Stream(schema, (numbered(item.batch, item.position, schema) for item in scanned))
    tables = rows.batches(since_us=since_us, until_us=until_us)
    first = next(tables, None)
    if first is None:
        return Stream(stream_schema([pa.null()] * len(columns)), iter(()))
    schema = stream_schema([column_of(first[1], name, "the rows").type for name in columns])

    def batches() -> Iterator[pa.RecordBatch]:
        for place, table in _chained(first, tables):
            position = place
            picked = pa.Table.from_arrays([column_of(table, name, "the rows") for name in columns], schema.names[:-1])
            for batch in picked.to_batches():
                yield numbered(batch, position, schema)
                position += batch.num_rows

    return Stream(schema, batches())


def _chained(first: tuple[int, pa.Table], rest: Iterator[tuple[int, pa.Table]]) -> Iterator[tuple[int, pa.Table]]:
    yield first
    yield from rest
