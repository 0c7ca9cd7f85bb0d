"""The online store: the newest value of every entity, held as dense columns and read by the model servers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.definitions import FeatureView

NEVER_S = -np.inf
"""event_ts of a row that was never written."""


@dataclass(frozen=True, slots=True)
class ReadColumns:
    """Answer to one multi-get, row for row as asked. Values of a row that is not found are NaN."""

    values: NDArray[np.float32]
    event_ts: NDArray[np.float64]
    found: NDArray[np.bool_]


@dataclass(slots=True)
class _Table:
    values: NDArray[np.float32]
    event_ts: NDArray[np.float64]
    watermark_s: float


class OnlineStore:
    """Embedded store. A write wins only when its event time is newer, so order and repetition do not matter."""

    def __init__(self, views: Iterable[FeatureView]) -> None:
        self._tables = {
            view.name: _Table(
                np.full((view.entity.count, view.width), np.nan, dtype=np.float32),
                np.full(view.entity.count, NEVER_S),
                NEVER_S,
            )
            for view in views
        }

    def views(self) -> tuple[str, ...]:
        """Names of the views it holds, in declaration order."""
        return tuple(self._tables)

    def write(
        self,
        view: str,
        entity: NDArray[np.integer],
        event_ts: NDArray[np.float64],
        values: NDArray[np.float32],
    ) -> int:
        """Write rows and return how many changed the store.

        A row beats the stored one when its event time is newer. At equal event times the greater value bits win,
        column by column: arbitrary, but the same whichever came first.
        """
        table = self._tables[view]
        assert values.shape == (len(entity), table.values.shape[1])
        accepted = 0
        for rows in _rounds(entity):
            accepted += _write_unique(table, entity[rows], event_ts[rows], values[rows])
        return accepted

    def read(self, view: str, entity: NDArray[np.integer]) -> ReadColumns:
        """The stored rows of `entity`, duplicates and order kept. A key outside the entity's range is not found."""
        table = self._tables[view]
        inside = (entity >= 0) & (entity < len(table.event_ts))
        index = entity if inside.all() else np.where(inside, entity, 0)
        values = table.values[index]
        event_ts = table.event_ts[index]
        if not inside.all():
            values[~inside] = np.nan
            event_ts[~inside] = NEVER_S
        return ReadColumns(values, event_ts, event_ts > NEVER_S)

    def watermark(self, view: str) -> float:
        """Event time up to which the materialiser has written everything; -inf before the first run."""
        return self._tables[view].watermark_s

    def advance_watermark(self, view: str, to_s: float) -> None:
        """Move the watermark forward; a smaller value leaves it where it is."""
        table = self._tables[view]
        table.watermark_s = max(table.watermark_s, to_s)

    def freshness(self, view: str, now_s: float) -> float:
        """Age in seconds of the newest data the materialiser vouches for; inf before the first run."""
        return now_s - self._tables[view].watermark_s

    def state(self) -> dict[str, NDArray[np.generic]]:
        """The whole store as named arrays (copies)."""
        out: dict[str, NDArray[np.generic]] = {}
        for name, table in self._tables.items():
            out[f"{name}.values"] = table.values.copy()
            out[f"{name}.event_ts"] = table.event_ts.copy()
            out[f"{name}.watermark_s"] = np.array(table.watermark_s)
        return out

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Take over what `state` returned. Raises ValueError when the shapes belong to other views."""
        for name, table in self._tables.items():
            if state[f"{name}.values"].shape != table.values.shape:
                raise ValueError(f"{name} has shape {state[f'{name}.values'].shape}, expected {table.values.shape}")
            table.values[...] = state[f"{name}.values"]
            table.event_ts[...] = state[f"{name}.event_ts"]
            table.watermark_s = float(state[f"{name}.watermark_s"].item())


def _rounds(entity: NDArray[np.integer]) -> list[NDArray[np.int64]]:
    """Split row numbers so that no round names an entity twice."""
    order = np.argsort(entity, kind="stable")
    ordered = entity[order]
    starts = np.concatenate(([True], ordered[1:] != ordered[:-1])) if len(ordered) else np.zeros(0, dtype=np.bool_)
    position = np.arange(len(ordered))
    rank = position - np.maximum.accumulate(np.where(starts, position, 0))
    return [order[rank == turn] for turn in range(int(rank.max(initial=-1)) + 1)]


def _write_unique(
    table: _Table, entity: NDArray[np.integer], event_ts: NDArray[np.float64], values: NDArray[np.float32]
) -> int:
    stored_ts = table.event_ts[entity]
    wins = event_ts > stored_ts
    tied = np.flatnonzero(event_ts == stored_ts)
    if tied.size:
        new = np.ascontiguousarray(values[tied], dtype=np.float32).view(np.uint32)
        old = table.values[entity[tied]].view(np.uint32)
        first = np.argmax(new != old, axis=1)
        row = np.arange(len(tied))
        wins[tied] = new[row, first] > old[row, first]
    chosen = np.flatnonzero(wins)
    table.values[entity[chosen]] = values[chosen]
    table.event_ts[entity[chosen]] = event_ts[chosen]
    return len(chosen)
