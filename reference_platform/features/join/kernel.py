"""The point-in-time join: for every label the newest row that was known about its key at its instant.

One answer per label, in the labels' order, whatever the order and the portions in which the rows arrive. What counts
as an answer says `JoinSpec`; of rows that agree on event, created and sequence the last one in the source counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import CommandError
from reference_platform.features.join.keys import IntegerCodes
from reference_platform.features.join.labels import Labels, column_of
from reference_platform.features.join.slots import BestRows, LabelSlots
from reference_platform.features.join.spec import JoinSpec
from reference_platform.features.times import FAR_US, NEVER_US, to_us

if TYPE_CHECKING:
    import pyarrow as pa

PORTION_ROWS = 1 << 17
"""Rows looked at together: few enough to stay in cache, enough to make the calls cheap."""

ANSWER_ROWS = 1 << 20
"""Answers copied together: text of more than 2 GiB does not fit one Arrow array."""


class AsOfJoin:
    """Rows are added in any order; `finish` answers. Memory grows with the labels, not with the rows.

    `row_schema` gives the answers their types when no row is ever added. Raises CommandError for a missing column, for
    keys that cannot be compared, for what is no time, and when portions of rows differ in type.
    """

    def __init__(self, labels: pa.Table | Labels, spec: JoinSpec, *, row_schema: pa.Schema | None = None) -> None:
        if not isinstance(labels, Labels):
            labels = Labels(labels, spec.label_keys, spec.label_time)
        assert (labels.keys, labels.time) == (spec.label_keys, spec.label_time), "labels prepared for another join"
        assert len(spec.label_keys) == len(spec.rows.keys), "as many label keys as row keys"
        assert len(spec.outputs) == len(spec.rows.features), "one output per feature"
        assert spec.outputs, "a join answers at least one feature"
        assert all(spec.outputs), "an output needs a name"
        self._labels, self._spec = labels, spec
        self._best = BestRows(labels.slots, spec.ttl_us, spec.known_at_label)
        self._row_of_slot = np.full(len(labels.slots) + 1, -1, dtype=np.int64)
        self._kept: list[pa.Table] = []
        self._kept_rows = 0
        self._schema: pa.Schema | None = None
        if row_schema is not None:
            self._features(row_schema.empty_table())

    def add(self, rows: pa.Table | pa.RecordBatch, first_sequence: int) -> None:
        """Any cut and any order of portions. `first_sequence`: position of the first of these rows in its source."""
        import pyarrow as pa

        table = pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows
        self._features(table)
        for batch in table.to_batches(max_chunksize=PORTION_ROWS):
            if batch.num_rows:
                self._fold(batch, first_sequence)
                first_sequence += batch.num_rows

    def finish(self) -> pa.Table:
        """One row per label, columns `spec.outputs`. Sets `found`, `event_us`, `row_sequence` and `row_position`."""
        import pyarrow as pa

        slot = self._best.answering()
        n_out, n_in = len(slot), self._labels.rows
        assert n_out == n_in, f"{n_in} labels but {n_out} answers"
        self.found: NDArray[np.bool_] = slot >= 0
        self.event_us: NDArray[np.int64] = self._best.event_us.take(slot)
        self.row_position: NDArray[np.int64] = self._best.position.take(slot)
        numbered = self._spec.rows.sequence is not None
        self.row_sequence: NDArray[np.int64] = self._best.sequence.take(slot) if numbered else self.row_position
        row = self._row_of_slot.take(slot)
        if not self._kept:
            schema = self._schema or pa.schema([(name, pa.null()) for name in self._spec.rows.features])
            nulls = [pa.nulls(n_in, field.type) for field in schema]
            return pa.Table.from_arrays(nulls, names=list(self._spec.outputs))
        kept = pa.concat_tables(self._kept).unify_dictionaries().combine_chunks()
        cuts = [slice(at, at + ANSWER_ROWS) for at in range(0, max(n_in, 1), ANSWER_ROWS)]
        parts = [_taken(kept, row[cut], self.found[cut]) for cut in cuts]
        answers: pa.Table = pa.concat_tables(parts).rename_columns(list(self._spec.outputs))
        assert answers.num_rows == n_in, f"{n_in} labels but {answers.num_rows} answers"
        return answers

    def _fold(self, batch: pa.RecordBatch, first: int) -> None:
        columns, n = self._spec.rows, batch.num_rows
        keys = [column_of(batch, key, "the rows") for key in columns.keys]
        codes = self._labels.codes_of(keys, columns.keys) if keys else np.zeros(n, dtype=np.int64)
        event_us = _instants(batch, columns.event)
        created_us = None if columns.created is None else _instants(batch, columns.created)
        position = np.arange(first, first + n, dtype=np.int64)
        sequence = None if columns.sequence is None else _sequence(batch, columns.sequence)
        won = self._best.offer(codes, event_us, created_us, sequence, position)
        if not len(won.row):
            return
        kept = self._features(batch).take(won.row)
        self._row_of_slot[won.slot] = np.arange(self._kept_rows, self._kept_rows + len(won.row))
        self._kept.append(kept)
        self._kept_rows += len(won.row)
        if self._kept_rows > 4 * len(self._row_of_slot) + PORTION_ROWS:
            self._compact()

    def _features(self, rows: pa.Table | pa.RecordBatch) -> pa.Table:
        """The feature columns alone. Raises CommandError when they are not those of earlier portions."""
        import pyarrow as pa

        columns = [column_of(rows, name, "the rows") for name in self._spec.rows.features]
        table = pa.Table.from_arrays(columns, names=list(self._spec.rows.features))
        if self._schema is None:
            self._schema = table.schema
        for name, had, has in zip(self._spec.rows.features, self._schema.types, table.schema.types, strict=True):
            if had != has:
                raise CommandError(f'row column "{name}" is {had} in one portion and {has} in another',
                                   fix="write the source with one type")  # fmt: skip
        return table

    def _compact(self) -> None:
        """Keep only rows that are still the best of their slot."""
        import pyarrow as pa

        live = np.flatnonzero(self._row_of_slot >= 0)
        order = live[np.argsort(self._row_of_slot[live])]
        whole = pa.concat_tables(self._kept).unify_dictionaries()
        if len(live) < self._kept_rows:
            whole = whole.take(self._row_of_slot[order])
            self._row_of_slot[order] = np.arange(len(order))
        self._kept, self._kept_rows = [whole.combine_chunks()], len(order)


def _taken(kept: pa.Table, row: NDArray[np.int64], found: NDArray[np.bool_]) -> pa.Table:
    """`kept` at `row` where found, else missing. Arrow copies plain values much faster when no index is missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if found.all():
        return kept.take(pa.array(row))
    given, somewhere, exact = pa.array(found), pa.array(np.maximum(row, 0)), pa.array(row, mask=~found)
    columns = [
        pc.if_else(given, column.take(somewhere), pa.scalar(None, column.type))
        if pa.types.is_primitive(column.type)
        else column.take(exact)
        for column in kept.columns
    ]
    return pa.Table.from_arrays(columns, schema=kept.schema)


def point_in_time_join(labels: pa.Table | Labels, rows: pa.Table, spec: JoinSpec) -> pa.Table:
    """`AsOfJoin` over one table of rows: one answer per label, columns `spec.outputs`."""
    join = AsOfJoin(labels, spec)
    join.add(rows, 0)
    return join.finish()


def latest_known(
    row_key: NDArray[np.integer],
    row_event_us: NDArray[np.int64],
    row_created_us: NDArray[np.int64],
    row_sequence: NDArray[np.int64],
    label_key: NDArray[np.integer],
    label_us: NDArray[np.int64],
    *,
    ttl_us: int | None,
    known_at_label: bool,
) -> NDArray[np.int64]:
    """For each label the index of the row that answers it, -1 where none does. Keys are integers, compared by value.

    Instants are microseconds within times.FAR_US of 1970; an event or created of NEVER_US is not given. Rows that
    agree on event, created and sequence: the one with the greater index answers.
    """
    assert not len(row_event_us) or row_event_us.max() <= FAR_US, "instants beyond the calendar"
    keys = IntegerCodes(np.asarray(label_key, dtype=np.int64))
    best = BestRows(LabelSlots(keys.codes, keys.count, np.asarray(label_us, dtype=np.int64)), ttl_us, known_at_label)
    for at in range(0, len(row_key), PORTION_ROWS):
        cut = slice(at, at + PORTION_ROWS)
        codes = keys.lookup(np.asarray(row_key[cut], dtype=np.int64))
        position = np.arange(at, at + len(codes), dtype=np.int64)
        best.offer(codes, row_event_us[cut], row_created_us[cut], row_sequence[cut], position)
    answers: NDArray[np.int64] = best.position.take(best.answering())
    return answers


def _instants(batch: pa.RecordBatch, name: str) -> NDArray[np.int64]:
    """Microseconds, NEVER_US where missing."""
    import pyarrow as pa

    data = column_of(batch, name, "the rows")
    if data.null_count == 0 and pa.types.is_timestamp(data.type) and data.type.unit == "us":
        plain: NDArray[np.int64] = data.cast(pa.int64()).to_numpy()
        if plain.min() >= -FAR_US and plain.max() <= FAR_US:
            return plain
    time_us, valid = to_us(data, f'row column "{name}"')
    return time_us if valid.all() else np.where(valid, time_us, NEVER_US)


def _sequence(batch: pa.RecordBatch, name: str) -> NDArray[np.int64]:
    """Sequence numbers; a missing one is least."""
    import pyarrow as pa

    data = column_of(batch, name, "the rows")
    if not pa.types.is_integer(data.type):
        raise CommandError(f'row column "{name}" has type {data.type}, not a sequence', fix="number the rows")
    data = data.cast(pa.int64())
    numbers: NDArray[np.int64] = data.fill_null(NEVER_US).to_numpy(zero_copy_only=False)
    return numbers
