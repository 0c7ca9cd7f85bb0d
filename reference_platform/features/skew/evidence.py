"""What history holds about rows that were served: their versions, when each became known, when it was written.

Only rows that share key and event time with a row that was served with a difference are kept, so memory follows the
differences, not the history.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.columns import Column, column_from_arrow
from reference_platform.features.definitions import FeatureView
from reference_platform.features.join.labels import Labels
from reference_platform.features.join.spec import RowColumns
from reference_platform.features.push_log import FIRST_SEQUENCE
from reference_platform.features.skew.comparison import Flags, agree
from reference_platform.features.times import NEVER_US, to_us
from reference_platform.features.types import FeatureType

if TYPE_CHECKING:
    import pyarrow as pa

Instants = NDArray[np.int64]
VERSIONS_MAX = 32
"""Rows of one key and event time that are compared with what was served; more are not looked at."""
SPELLINGS_MAX = 200_000
"""Rows whose key is compared by plain spelling; the search ends there."""


class RowHistory(Protocol):
    """All rows of one view as training reads them, in batches; `history.ViewHistory` is one."""

    @property
    def columns(self) -> RowColumns:
        """What the columns of `batches` are called."""

    def batches(self, *, since_us: int | None = None, until_us: int | None = None) -> Iterator[tuple[int, pa.Table]]:
        """Rows with the position of the first of each batch; rows outside the times may be among them."""


class Arrivals:
    """When pushed rows were written, at the earliest. Their sequence numbers are given in the order of arrival, so a
    row was not written before any row of a smaller number became known.
    """

    def __init__(self) -> None:
        self._parts: list[tuple[Instants, Instants]] = []

    def add(self, sequence: Instants, created_us: Instants) -> None:
        """Note rows; those that were not pushed are passed over."""
        pushed = sequence >= FIRST_SEQUENCE
        if pushed.any():
            self._parts.append((sequence[pushed], created_us[pushed]))

    def written_us(self, sequence: Instants) -> Instants:
        """Lower bounds for rows by their numbers; NEVER_US where nothing is known."""
        if not self._parts:
            return np.full(len(sequence), NEVER_US, dtype=np.int64)
        numbers = np.concatenate([part[0] for part in self._parts])
        order = np.argsort(numbers)
        latest = np.maximum.accumulate(np.concatenate([part[1] for part in self._parts])[order])
        at = np.searchsorted(numbers[order], sequence, side="right") - 1
        return np.where((sequence >= FIRST_SEQUENCE) & (at >= 0), latest[np.maximum(at, 0)], NEVER_US)


@dataclass(frozen=True, slots=True)
class Asked:
    """Look-ups with differences. `labels`: key columns, then `asked`; `served_us`: NEVER_US where no row was served."""

    labels: pa.Table
    read_us: Instants
    served_us: Instants
    served: tuple[Column, ...]

    def __len__(self) -> int:
        return len(self.read_us)


@dataclass(frozen=True, slots=True)
class Versions:
    """What history says of the served rows, one entry per look-up asked.

    `exists`: a row of this key has the served event time. `known_later`: the first such row became known after the
    read, or nobody knows when. `same_known`, `same_later`: one that became known in time, or later, equals what was
    served. `other_key`: none does, but a row of another spelling of the key has that event time and those values.
    """

    exists: Flags
    known_later: Flags
    same_known: Flags
    same_later: Flags
    other_key: Flags
    arrivals: Arrivals


def gather(history: RowHistory, view: FeatureView, features: Sequence[str], asked: Asked, respelled: Flags) -> Versions:
    """What history says for all of `asked`. `features`: those of `asked.served`, in their order.

    `respelled`: where another spelling of the key is worth a search, if no row of the key itself fits.
    """
    columns = history.columns
    wanted = [columns.features[view.feature_names.index(name)] for name in features]
    kinds = [view.field(name).dtype for name in features]
    prepared = _Prepared(asked)
    arrivals = Arrivals()
    kept: list[pa.Table] = []
    pairs: list[Instants] = []
    for table, rows in _portions(history, prepared.moments):
        arrivals.add(rows.sequence, rows.created_us)
        pair = prepared.pair_of([table.column(name) for name in columns.keys], columns.keys, rows.event_us)
        hit = np.flatnonzero(pair >= 0)
        if len(hit):
            kept.append(_picked(table, rows, hit, wanted))
            pairs.append(pair[hit])
    versions = _compared(asked, prepared.asked_pair, kept, pairs, kinds)
    open_ = respelled & ~(versions.same_known | versions.same_later) & (asked.served_us != NEVER_US)
    if any(kind.name in ("String", "Bytes") for kind in view.key_types) or len(view.join_keys) > 1:
        other_key = _spelled_otherwise(history, asked, np.flatnonzero(open_), wanted, kinds)
    else:
        other_key = np.zeros(len(asked), dtype=np.bool_)
    return replace(versions, other_key=other_key, arrivals=arrivals)


def _portions(history: RowHistory, moments: Instants) -> Iterator[tuple[pa.Table, RowTimes]]:
    """Batches of history that may hold rows of these event times, and every pushed row."""
    times = {"since_us": int(moments[0]), "until_us": int(moments[-1])} if len(moments) else {}
    for position, table in history.batches(**times):
        if table.num_rows:
            yield table, RowTimes(table, history.columns, position)


class _Prepared:
    """Numbers for the (key, served event time) pairs that are asked for."""

    def __init__(self, asked: Asked) -> None:
        names = asked.labels.column_names[:-1]
        self._labels = Labels(asked.labels, names, "asked")
        self.moments = np.unique(asked.served_us[asked.served_us != NEVER_US])
        raw = self._raw(codes_of(self._labels, asked.labels.columns[:-1], names, len(asked)), asked.served_us)
        self._pairs = np.unique(raw[raw >= 0])
        self.asked_pair = self._number(raw)

    def pair_of(self, keys: Sequence[pa.ChunkedArray], names: Sequence[str], event_us: Instants) -> Instants:
        """The number of each row's pair; -1 where nobody asks for it."""
        return self._number(self._raw(codes_of(self._labels, keys, names, len(event_us)), event_us))

    def _raw(self, codes: Instants, event_us: Instants) -> Instants:
        if not len(self.moments):
            return np.full(len(codes), -1, dtype=np.int64)
        at = np.minimum(np.searchsorted(self.moments, event_us), len(self.moments) - 1)
        there = (self.moments[at] == event_us) & (codes >= 0)
        return np.where(there, codes * len(self.moments) + at, -1)

    def _number(self, raw: Instants) -> Instants:
        if not len(self._pairs):
            return np.full(len(raw), -1, dtype=np.int64)
        at = np.minimum(np.searchsorted(self._pairs, raw), len(self._pairs) - 1)
        return np.where(self._pairs[at] == raw, at, -1)


def codes_of(labels: Labels, keys: Sequence[pa.ChunkedArray], names: Sequence[str], rows: int) -> Instants:
    """Which key of `labels` each row has, -1 for none of them; 0 for a view without join keys."""
    if not keys:
        return np.zeros(rows, dtype=np.int64)
    return labels.codes_of([key.combine_chunks() for key in keys], names)


class RowTimes:
    """Times of a batch of history."""

    def __init__(self, table: pa.Table, columns: RowColumns, position: int) -> None:
        self.event_us = _instants(table, columns.event)
        self.created_us = self.event_us if columns.created is None else _instants(table, columns.created)
        if columns.sequence is None:
            self.sequence = np.arange(position, position + table.num_rows, dtype=np.int64)
        else:
            self.sequence = table.column(columns.sequence).fill_null(0).to_numpy().astype(np.int64)


def _instants(table: pa.Table, name: str) -> Instants:
    us, given = to_us(table.column(name), name)
    return np.where(given, us, NEVER_US)


def _picked(table: pa.Table, rows: RowTimes, index: NDArray[np.intp], names: Sequence[str]) -> pa.Table:
    """Event and created instants, then the columns `names`, of some rows."""
    import pyarrow as pa

    arrays = [pa.array(rows.event_us[index]), pa.array(rows.created_us[index])]
    arrays += [table.column(name).take(pa.array(index)) for name in names]
    return pa.Table.from_arrays(arrays, names=[str(number) for number in range(len(arrays))])


def _compared(
    asked: Asked, asked_pair: Instants, kept: list[pa.Table], pairs: list[Instants], kinds: Sequence[FeatureType]
) -> Versions:
    import pyarrow as pa

    none = np.zeros(len(asked), dtype=np.bool_)
    if not kept:
        return Versions(none, none, none, none, none, Arrivals())
    table, pair = pa.concat_tables(kept), np.concatenate(pairs)
    created_us = table.column(1).to_numpy()
    # Rows whose creation is unknown come last: they count as known by nobody.
    order = np.lexsort((np.where(created_us == NEVER_US, np.iinfo(np.int64).max, created_us), pair))
    pair, created_us = pair[order], created_us[order]
    columns = [column.take(order) for column in _columns(table, 2, kinds)]
    low, high = np.searchsorted(pair, asked_pair, side="left"), np.searchsorted(pair, asked_pair, side="right")
    exists = (asked_pair >= 0) & (high > low)
    in_time = (created_us != NEVER_US)[np.minimum(low, len(pair) - 1)] & (
        created_us[np.minimum(low, len(pair) - 1)] <= asked.read_us
    )
    same_known, same_later = none.copy(), none.copy()
    for step in range(min(VERSIONS_MAX, int((high - low).max(initial=0)))):
        rows = np.flatnonzero(exists & (low + step < high))
        at = low[rows] + step
        same = _all_agree(asked, rows, columns, at, kinds)
        known = (created_us[at] != NEVER_US) & (created_us[at] <= asked.read_us[rows])
        same_known[rows] |= same & known
        same_later[rows] |= same & ~known
    return Versions(exists, exists & ~in_time, same_known, same_later, none, Arrivals())


def _all_agree(
    asked: Asked,
    rows: NDArray[np.intp],
    columns: Sequence[Column],
    at: NDArray[np.integer],
    kinds: Sequence[FeatureType],
) -> Flags:
    same = np.ones(len(rows), dtype=np.bool_)
    for served, column, kind in zip(asked.served, columns, kinds, strict=True):
        same &= agree(served.take(rows), column.take(at), kind)
    return same


def _spelled_otherwise(
    history: RowHistory, asked: Asked, rows: NDArray[np.intp], wanted: Sequence[str], kinds: Sequence[FeatureType]
) -> Flags:
    """Where a row of the same event time and values stands under another spelling of the key."""
    import pyarrow as pa

    found = np.zeros(len(asked), dtype=np.bool_)
    if not len(rows):
        return found
    keys, moments = history.columns.keys, np.unique(asked.served_us[rows])
    asked_keys = asked.labels.drop_columns("asked").take(pa.array(rows)).to_pylist()
    places: dict[tuple[int, str], list[int]] = {}
    for row, parts in zip(rows.tolist(), asked_keys, strict=True):
        places.setdefault((int(asked.served_us[row]), plain_spelling(parts.values())), []).append(row)
    looked_at = 0
    for table, batch in _portions(history, moments):
        near = np.flatnonzero(np.isin(batch.event_us, moments))[: SPELLINGS_MAX - looked_at]
        looked_at += len(near)
        picked = _picked(table, batch, near, [*keys, *wanted])
        spelled = zip(*(picked.column(2 + index).to_pylist() for index in range(len(keys))), strict=True)
        columns = _columns(picked, 2 + len(keys), kinds)
        for at, parts in enumerate(spelled):
            hits = np.asarray(places.get((int(batch.event_us[near[at]]), plain_spelling(parts)), ()), dtype=np.int64)
            if len(hits):
                found[hits] |= _all_agree(asked, hits, columns, np.full(len(hits), at), kinds)
    return found


def _columns(table: pa.Table, first: int, kinds: Sequence[FeatureType]) -> list[Column]:
    return [column_from_arrow(table.column(first + i), kind, "history") for i, kind in enumerate(kinds)]


def plain_spelling(parts: Any) -> str:
    """What spellings of a key share: no case, outer spaces, leading zeros, final `.0`, and no separators."""
    out = []
    for part in parts:
        text = part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part)
        text = unicodedata.normalize("NFKC", text).casefold().strip()
        text = text.removesuffix(".0")
        out.append(text.lstrip("0") or "0" if text.isdecimal() else text)
    return "".join(out)
