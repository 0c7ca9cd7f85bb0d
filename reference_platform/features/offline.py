"""The offline store: every feature row ever computed, with the instant it describes and the instant it was known.

Memory holds the newest row of each entity and a bounded tail of history; older history lives in Parquet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.asof import AsOf, FeatureRows, join_as_of
from reference_platform.features.definitions import FeatureView

TAIL_ROWS_MAX = 200_000
"""Rows of history kept in memory per view, about a day and a half of the shop's customers."""


class Mark(NamedTuple):
    """A position in a view's history, ordered by event time and then by entity; the row at it is already taken."""

    event_ts: float
    entity: int


def after(ts: float) -> Mark:
    """The position behind every row with event time <= `ts`."""
    return Mark(ts, np.iinfo(np.int32).max)


@dataclass(slots=True)
class _History:
    view: FeatureView
    newest: FeatureRows
    """Dense: row e belongs to entity e; event_ts is -inf where the entity has none."""
    tail: deque[FeatureRows]
    tail_rows: int
    complete_s: float


class OfflineStore:
    """History by view. Rows may arrive late or twice; no row is ever changed."""

    def __init__(self, views: Iterable[FeatureView], *, tail_rows_max: int = TAIL_ROWS_MAX) -> None:
        self._tail_rows_max = tail_rows_max
        self._histories = {view.name: _History(view, _no_rows_yet(view), deque(), 0, -np.inf) for view in views}

    def append(self, view: str, rows: FeatureRows, *, complete_s: float) -> None:
        """Add rows. `complete_s`: from now on, nothing with an older event time is expected."""
        history = self._histories[view]
        history.complete_s = max(history.complete_s, complete_s)
        if not len(rows):
            return
        assert rows.values.shape[1] == history.view.width
        history.tail.append(rows)
        history.tail_rows += len(rows)
        while history.tail_rows > self._tail_rows_max and len(history.tail) > 1:
            history.tail_rows -= len(history.tail.popleft())
        _keep_newest(history.newest, rows)

    def complete_until(self, view: str) -> float:
        """Event time up to which the history is complete; -inf when nothing was computed yet."""
        return self._histories[view].complete_s

    def latest(self, view: str) -> FeatureRows:
        """The newest row of every entity that has one, by entity."""
        newest = self._histories[view].newest
        return newest.take(np.flatnonzero(np.isfinite(newest.event_ts)))

    def changed_since(self, view: str, mark: Mark, until_s: float, *, limit: int | None = None) -> FeatureRows:
        """The latest row of each entity that changed after `mark` and not after `until_s`, oldest first.

        At most `limit` rows; the last one returned is the mark to continue from. An `until_s` before the newest
        row looks in the tail only.
        """
        history = self._histories[view]
        rows = history.newest
        if until_s < rows.event_ts.max():
            tail = self.tail(view)
            rows = tail.take(np.flatnonzero(tail.event_ts <= until_s))
            rows = rows.take(_newest_of_each(rows))
        later = (rows.event_ts > mark.event_ts) | ((rows.event_ts == mark.event_ts) & (rows.entity > mark.entity))
        picked = np.flatnonzero(later & np.isfinite(rows.event_ts))
        order = np.lexsort((rows.entity[picked], rows.event_ts[picked]))
        return rows.take(picked[order][:limit])

    def tail(self, view: str) -> FeatureRows:
        """The history in memory, in the order it was appended."""
        history = self._histories[view]
        return FeatureRows.joined(list(history.tail), history.view.width)

    def as_of(
        self, view: str, entity: NDArray[np.integer], ts: NDArray[np.float64], *, ttl_s: float | None = None
    ) -> AsOf:
        """What the store knew about `entity[i]` at `ts[i]`, for the history in memory; one answer row per question.

        `ttl_s` defaults to the view's.
        """
        history = self._histories[view]
        ttl_s = history.view.ttl_s if ttl_s is None else ttl_s
        return join_as_of(self.tail(view), entity, ts, ttl_s=ttl_s)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """The newest rows and completeness marks as named arrays; the tail is not part of it."""
        out: dict[str, NDArray[np.generic]] = {}
        for name, history in self._histories.items():
            out[f"{name}.values"] = history.newest.values.copy()
            out[f"{name}.event_ts"] = history.newest.event_ts.copy()
            out[f"{name}.created_ts"] = history.newest.created_ts.copy()
            out[f"{name}.complete_s"] = np.array(history.complete_s)
        return out

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Take over what `state` returned. Raises ValueError when the shapes belong to other views."""
        for name, history in self._histories.items():
            newest = history.newest
            if state[f"{name}.values"].shape != newest.values.shape:
                raise ValueError(f"{name} has shape {state[f'{name}.values'].shape}, expected {newest.values.shape}")
            newest.values[...] = state[f"{name}.values"]
            newest.event_ts[...] = state[f"{name}.event_ts"]
            newest.created_ts[...] = state[f"{name}.created_ts"]
            history.complete_s = float(state[f"{name}.complete_s"].item())

    def write_parquet(self, view: str, path: Path) -> None:
        """Write the history in memory to `path`, one column per feature."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = self.tail(view)
        columns: dict[str, NDArray[np.generic]] = {
            "entity": rows.entity,
            "event_ts": rows.event_ts,
            "created_ts": rows.created_ts,
        }
        for index, name in enumerate(self._histories[view].view.feature_names):
            columns[name] = np.ascontiguousarray(rows.values[:, index])
        pq.write_table(pa.table(columns), path, compression="zstd")

    def read_parquet(self, view: str, path: Path) -> FeatureRows:
        """Read what `write_parquet` wrote. Raises KeyError when a column is missing."""
        import pyarrow.parquet as pq

        names = self._histories[view].view.feature_names
        table = pq.read_table(path, use_threads=False)
        values = np.column_stack([table.column(name).to_numpy() for name in names]).astype(np.float32, copy=False)
        return FeatureRows(
            table.column("entity").to_numpy().copy(),
            table.column("event_ts").to_numpy().copy(),
            table.column("created_ts").to_numpy().copy(),
            values,
        )


def _no_rows_yet(view: FeatureView) -> FeatureRows:
    count = view.entity.count
    return FeatureRows(
        np.arange(count, dtype=np.int32),
        np.full(count, -np.inf),
        np.full(count, -np.inf),
        np.full((count, view.width), np.nan, dtype=np.float32),
    )


def _newest_of_each(rows: FeatureRows) -> NDArray[np.int64]:
    """Index of the newest row of each entity, by entity; of equal ones the row appended last."""
    order = np.lexsort((np.arange(len(rows)), rows.created_ts, rows.event_ts, rows.entity))
    entity = rows.entity[order]
    last = np.ones(len(entity), dtype=np.bool_)
    last[:-1] = entity[1:] != entity[:-1]
    return order[last]


def _keep_newest(newest: FeatureRows, rows: FeatureRows) -> None:
    rows = rows.take(_newest_of_each(rows))
    event_ts, created_ts = newest.event_ts[rows.entity], newest.created_ts[rows.entity]
    wins = (rows.event_ts > event_ts) | ((rows.event_ts == event_ts) & (rows.created_ts >= created_ts))
    rows = rows.take(np.flatnonzero(wins))
    newest.event_ts[rows.entity] = rows.event_ts
    newest.created_ts[rows.entity] = rows.created_ts
    newest.values[rows.entity] = rows.values
