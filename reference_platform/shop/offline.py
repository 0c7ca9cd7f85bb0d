"""The offline store: every feature row ever computed, with the instant it describes and the instant it was known.

Memory holds the newest row of each entity and a bounded tail of history; older history lives in Parquet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.definitions import FeatureView
from reference_platform.features.join.kernel import latest_known
from reference_platform.features.times import NEVER_US
from reference_platform.shop.rows import PER_S, FeatureRows

TAIL_ROWS_MAX = 200_000
"""Rows of history kept in memory per view, about a day and a half of the shop's customers."""
EVENT, CREATED = "event_timestamp", "created_timestamp"
"""Columns of the Parquet files, beside join key and features."""


class Mark(NamedTuple):
    """A position in a view's history, ordered by event time and then by entity; the row at it is already taken."""

    event_us: int
    entity: int


def after(instant_us: int) -> Mark:
    """The position behind every row with event time <= `instant_us`."""
    return Mark(instant_us, np.iinfo(np.int32).max)


@dataclass(frozen=True, slots=True)
class AsOf:
    """Answers row for row as asked. Where `found` is False the values are NaN and `event_us` is NEVER_US."""

    values: NDArray[np.float32]
    event_us: NDArray[np.int64]
    found: NDArray[np.bool_]


@dataclass(slots=True)
class _History:
    view: FeatureView
    newest: FeatureRows
    """Dense: row e belongs to entity e; event_us is NEVER_US where the entity has none."""
    tail: deque[FeatureRows]
    tail_rows: int
    complete_us: int

    def __getstate__(self) -> tuple[Any, ...]:
        """The tail, which nobody changes, as few arrays instead of thousands."""
        tail = FeatureRows.joined(list(self.tail), self.view.width).frozen()
        return self.view, self.newest, tail, [len(rows) for rows in self.tail], self.complete_us

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.view, self.newest, tail, lengths, self.complete_us = state
        ends = np.cumsum(lengths).tolist()
        self.tail = deque(tail.part(end - length, end) for length, end in zip(lengths, ends, strict=True))
        self.tail_rows = len(tail)


class OfflineStore:
    """History by view. Rows may arrive late or twice; no row is ever changed."""

    def __init__(self, views: Iterable[FeatureView], *, tail_rows_max: int = TAIL_ROWS_MAX) -> None:
        self._tail_rows_max = tail_rows_max
        self._histories = {view.name: _History(view, _no_rows_yet(view), deque(), 0, NEVER_US) for view in views}

    def append(self, view: str, rows: FeatureRows, *, complete_us: int) -> None:
        """Add rows. `complete_us`: from now on, nothing with an older event time is expected."""
        history = self._histories[view]
        history.complete_us = max(history.complete_us, complete_us)
        if not len(rows):
            return
        assert rows.values.shape[1] == history.view.width
        history.tail.append(rows)
        history.tail_rows += len(rows)
        while history.tail_rows > self._tail_rows_max and len(history.tail) > 1:
            history.tail_rows -= len(history.tail.popleft())
        _keep_newest(history.newest, rows)

    def complete_until(self, view: str) -> int:
        """Event time up to which the history is complete; NEVER_US when nothing was computed yet."""
        return self._histories[view].complete_us

    def latest(self, view: str) -> FeatureRows:
        """The newest row of every entity that has one, by entity."""
        newest = self._histories[view].newest
        return newest.take(np.flatnonzero(newest.event_us != NEVER_US))

    def changed_since(self, view: str, mark: Mark, until_us: int, *, limit: int | None = None) -> FeatureRows:
        """The latest row of each entity that changed after `mark` and not after `until_us`, oldest first.

        At most `limit` rows; the last one returned is the mark to continue from. An `until_us` before the newest
        row looks in the tail only.
        """
        history = self._histories[view]
        rows = history.newest
        if until_us < rows.event_us.max():
            tail = self.tail(view)
            rows = tail.take(np.flatnonzero(tail.event_us <= until_us))
            rows = rows.take(_newest_of_each(rows))
        later = (rows.event_us > mark.event_us) | ((rows.event_us == mark.event_us) & (rows.entity > mark.entity))
        picked = np.flatnonzero(later & (rows.event_us != NEVER_US))
        order = np.lexsort((rows.entity[picked], rows.event_us[picked]))
        return rows.take(picked[order][:limit])

    def tail(self, view: str) -> FeatureRows:
        """The history in memory, in the order it was appended."""
        history = self._histories[view]
        return FeatureRows.joined(list(history.tail), history.view.width)

    def as_of(self, view: str, entity: NDArray[np.integer], ts: NDArray[np.float64]) -> AsOf:
        """What the store knew about `entity[i]` at second `ts[i]`, by the history in memory, one answer each."""
        history, rows = self._histories[view], self.tail(view)
        # Rounded down, so that no row is known before it is; rows lie on whole microseconds.
        asked_us = np.floor(ts * PER_S).astype(np.int64)
        at = latest_known(
            rows.entity,
            rows.event_us,
            rows.created_us,
            np.arange(len(rows)),
            entity,
            asked_us,
            ttl_us=history.view.ttl_us,
            known_at_label=True,
        )
        found = at >= 0
        values = np.full((len(at), history.view.width), np.nan, dtype=np.float32)
        values[found] = rows.values[at[found]]
        event_us = np.full(len(at), NEVER_US)
        event_us[found] = rows.event_us[at[found]]
        return AsOf(values, event_us, found)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """The newest rows and completeness marks as named arrays; the tail is not part of it."""
        out: dict[str, NDArray[np.generic]] = {}
        for name, history in self._histories.items():
            out[f"{name}.values"] = history.newest.values.copy()
            out[f"{name}.event_us"] = history.newest.event_us.copy()
            out[f"{name}.created_us"] = history.newest.created_us.copy()
            out[f"{name}.complete_us"] = np.array(history.complete_us)
        return out

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Take over what `state` returned. Raises ValueError when the shapes belong to other views."""
        for name, history in self._histories.items():
            newest = history.newest
            if state[f"{name}.values"].shape != newest.values.shape:
                raise ValueError(f"{name} has shape {state[f'{name}.values'].shape}, expected {newest.values.shape}")
            newest.values[...] = state[f"{name}.values"]
            newest.event_us[...] = state[f"{name}.event_us"]
            newest.created_us[...] = state[f"{name}.created_us"]
            history.complete_us = int(state[f"{name}.complete_us"].item())

    def write_parquet(self, view: str, to: Path | BinaryIO) -> None:
        """Write the history in memory: join key, both instants, one column per feature."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows, declared = self.tail(view), self._histories[view].view
        instant = pa.timestamp("us", tz="UTC")
        columns: dict[str, pa.Array] = {
            declared.join_keys[0]: pa.array(rows.entity),
            EVENT: pa.array(rows.event_us).cast(instant),
            CREATED: pa.array(rows.created_us).cast(instant),
        }
        for index, name in enumerate(declared.feature_names):
            columns[name] = pa.array(np.ascontiguousarray(rows.values[:, index]))
        pq.write_table(pa.table(columns), to, compression="zstd")

    def read_parquet(self, view: str, path: Path) -> FeatureRows:
        """Read what `write_parquet` wrote. Raises KeyError when a column is missing."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        declared = self._histories[view].view
        table = pq.read_table(path, use_threads=False)
        values = np.column_stack([table.column(name).to_numpy() for name in declared.feature_names])
        return FeatureRows(
            table.column(declared.join_keys[0]).to_numpy().copy(),
            table.column(EVENT).cast(pa.int64()).to_numpy().copy(),
            table.column(CREATED).cast(pa.int64()).to_numpy().copy(),
            values.astype(np.float32, copy=False),
        )


def _no_rows_yet(view: FeatureView) -> FeatureRows:
    count = view.entity.count
    return FeatureRows(
        np.arange(count, dtype=np.int32),
        np.full(count, NEVER_US),
        np.full(count, NEVER_US),
        np.full((count, view.width), np.nan, dtype=np.float32),
    )


def _newest_of_each(rows: FeatureRows) -> NDArray[np.int64]:
    """Index of the newest row of each entity, by entity; of equal ones the row appended last."""
    order = np.lexsort((np.arange(len(rows)), rows.created_us, rows.event_us, rows.entity))
    entity = rows.entity[order]
    last = np.ones(len(entity), dtype=np.bool_)
    last[:-1] = entity[1:] != entity[:-1]
    return order[last]


def _keep_newest(newest: FeatureRows, rows: FeatureRows) -> None:
    rows = rows.take(_newest_of_each(rows))
    event_us, created_us = newest.event_us[rows.entity], newest.created_us[rows.entity]
    wins = (rows.event_us > event_us) | ((rows.event_us == event_us) & (rows.created_us >= created_us))
    rows = rows.take(np.flatnonzero(wins))
    newest.event_us[rows.entity] = rows.event_us
    newest.created_us[rows.entity] = rows.created_us
    newest.values[rows.entity] = rows.values
