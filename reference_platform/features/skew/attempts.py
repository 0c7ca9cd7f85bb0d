"""Which inputs a function was probably given, when only its result was logged: try, and see what gives that result.

Tried for one look-up at a time, the other inputs as they were served or expected, each counted only where the result
is the one served. First the `ROWS_BACK` newest rows of the key with event <= read that were known then, newest first:
ttl, if the newest one was expired, else missing materialisation. No row at all, or an expired one, where there should
be one: missing materialisation, or ttl if it was the expected row. Rows that became known after the read: late data.
0 in the place of nulls: null policy. Where the event time of the served row was logged with other features of the
view, only rows of that time are tried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import PagerDrillError
from reference_platform.features.columns import Column, column_from_arrow
from reference_platform.features.definitions import FeatureView
from reference_platform.features.join.labels import Labels
from reference_platform.features.on_demand import OnDemandFeatureView
from reference_platform.features.skew.causes import NONE, NUMBER, Cause, Codes
from reference_platform.features.skew.comparison import Flags, agree
from reference_platform.features.skew.evidence import Instants, RowHistory, RowTimes, codes_of
from reference_platform.features.skew.recompute import Answer, Vectors, compute
from reference_platform.features.skew.vector_shape import LoggedFeature
from reference_platform.features.times import NEVER_US

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_BACK = 16
"""How many rows of a key are tried."""
KEY_ROWS_MAX = 2_000_000
"""Rows of history kept for trying; what comes after them is not tried."""
Stored = Mapping[tuple[str, str], Column]


class Expected(Protocol):
    """One look-up of all vectors."""

    @property
    def view(self) -> FeatureView: ...
    @property
    def features(self) -> tuple[str, ...]: ...
    @property
    def answer(self) -> Answer: ...


class Attempts:
    """Trials for the differences of one computed feature in some `rows`."""

    def __init__(
        self, vectors: Vectors, view: OnDemandFeatureView, feature: LoggedFeature, rows: NDArray[np.intp], ulps: int
    ) -> None:
        at = vectors.shape.features.index(feature)
        self._view = view
        self._feature = feature
        self._rows = rows
        self._read_us: Instants = vectors.read_us[rows]
        self._served = vectors.values[at].take(rows)
        self._requests = {name: column.take(rows) for name, column in vectors.requests.items()}
        self._ulps = ulps

    def gives(self, stored: Stored) -> Flags:
        """Where the function gives what was served."""
        try:
            made = compute(self._view, stored, self._requests, len(self._rows))
        except PagerDrillError:
            return np.zeros(len(self._rows), dtype=np.bool_)
        result = made[self._view.feature_names.index(self._feature.feature)]
        return agree(result, self._served, self._feature.kind, self._ulps)

    def other_rows(
        self,
        stored: Stored,
        part: str,
        expected: Expected,
        labels: pa.Table,
        history: RowHistory,
        served_us: Instants | None,
    ) -> Codes:
        """Causes for the rows in which another row of the look-up `part` explains the result; NONE elsewhere.

        `served_us`: event times of the rows that were served, if they were logged; then no others are tried.
        """
        import pyarrow as pa

        out: Codes = np.full(len(self._rows), NONE, dtype=np.int8)
        answer = expected.answer.take(self._rows, range(len(expected.features)))
        names = list(expected.features)

        def attempt(values: Sequence[Column], where: Flags, causes: Codes) -> None:
            open_ = (out == NONE) & where
            if open_.any():
                trial = {**stored, **{(part, name): column for name, column in zip(names, values, strict=True)}}
                hit = open_ & self.gives(trial)
                out[hit] = causes[hit]

        def always(cause: Cause) -> Codes:
            return np.full(len(out), NUMBER[cause], dtype=np.int8)

        rows = _KeyRows(history, expected, labels.take(pa.array(self._rows)), self._read_us)
        same = np.zeros(len(out), np.bool_) if served_us is None else served_us[self._rows] == answer.event_us
        nothing = [Column(column.values, np.zeros(len(column), dtype=np.bool_)) for column in answer.values]
        # Known rows first: an event that was sent twice is no late data.
        for late in (False, True):
            for step in range(ROWS_BACK):
                row = rows.back(step)
                there = row.there & (row.late == late)
                if served_us is not None:
                    there &= row.event_us == served_us[self._rows]
                known = np.where(answer.fresh, NUMBER[Cause.MISSING_MATERIALIZATION], NUMBER[Cause.TTL])
                attempt(row.values, there, always(Cause.LATE_DATA) if late else known.astype(np.int8))
            attempt(nothing, answer.fresh & ~same, always(Cause.MISSING_MATERIALIZATION))
            attempt(nothing, answer.fresh & same, always(Cause.TTL))
        if all((part, name) in stored for name in names):
            zeros = [_zero_filled(stored[(part, name)]) for name in names]
            attempt(zeros, np.ones(len(out), dtype=np.bool_), always(Cause.NULL_POLICY))
        return out


class _Row(NamedTuple):
    """One row per label: whether there is one, whether it became known after the read, its event time and values."""

    there: Flags
    late: Flags
    event_us: Instants
    values: list[Column]


class _KeyRows:
    """The rows of the keys that are asked about, by key and version."""

    def __init__(self, history: RowHistory, expected: Expected, labels: pa.Table, read_us: Instants) -> None:
        import pyarrow as pa

        view, columns = expected.view, history.columns
        wanted = [columns.features[view.feature_names.index(name)] for name in expected.features]
        keys = labels.column_names[:-1]
        prepared = Labels(labels, keys, "asked")
        kept: list[pa.Table] = []
        codes: list[Instants] = []
        times: list[tuple[Instants, Instants, Instants]] = []
        for position, table in history.batches(until_us=int(read_us.max())):
            if sum(len(part) for part in codes) > KEY_ROWS_MAX:
                break
            key = codes_of(prepared, [table.column(name) for name in columns.keys], columns.keys, table.num_rows)
            hit = np.flatnonzero(key >= 0)
            batch = RowTimes(table, columns, position)
            kept.append(table.select(wanted).take(pa.array(hit)))
            codes.append(key[hit])
            times.append((batch.event_us[hit], batch.created_us[hit], batch.sequence[hit]))
        whole = pa.concat_tables(kept)
        code = np.concatenate(codes)
        event_us, created_us, sequence = (np.concatenate(parts) for parts in zip(*times, strict=True))
        order = np.lexsort((sequence, created_us, event_us, code))
        self._code, self._event_us, self._created_us = code[order], event_us[order], created_us[order]
        kinds = [view.field(name).dtype for name in expected.features]
        self._values = [
            column_from_arrow(whole.column(at), kind, view.name).take(order) for at, kind in enumerate(kinds)
        ]
        self._asked = codes_of(prepared, [labels.column(name) for name in keys], keys, labels.num_rows)
        self._read_us = read_us
        self._end = _ends(self._code, self._event_us, self._asked, read_us)

    def back(self, step: int) -> _Row:
        """Per label the row `step` before its newest."""
        count = len(self._read_us)
        if not len(self._code):
            none = np.zeros(count, np.bool_)
            empty = [Column(np.zeros(count, column.values.dtype), none) for column in self._values]
            return _Row(none, none, np.full(count, NEVER_US, dtype=np.int64), empty)
        at = self._end - 1 - step
        there = (at >= 0) & (self._asked >= 0)
        at = np.maximum(at, 0)
        there &= self._code[at] == self._asked
        late = (self._created_us[at] > self._read_us) | (self._created_us[at] == NEVER_US)
        return _Row(there, late, self._event_us[at], [column.take(at) for column in self._values])


def _ends(code: Instants, event_us: Instants, asked: Instants, read_us: Instants) -> Instants:
    """For each label the place after the last row of its key with event <= read; rows are sorted by (code, event)."""
    low, high = np.searchsorted(code, asked, side="left"), np.searchsorted(code, asked, side="right")
    for _ in range(len(code).bit_length()):
        middle = (low + high) // 2
        before = (low < high) & (event_us[np.minimum(middle, len(code) - 1)] <= read_us)
        low, high = np.where(before, middle + 1, low), np.where(before | (low >= high), high, middle)
    return low


def _zero_filled(column: Column) -> Column:
    given = column.mask()
    if column.values.dtype == object:
        return column
    return Column(np.where(given, column.values, column.values.dtype.type(0)))
