"""The point-in-time join: what was known about an entity at an instant. One answer per question, in order.

A row answers a question about its entity at `ts` when

    ts - ttl <= event_ts <= ts   (both ends included)   and   created_ts <= ts   (it was already known)

Among those the newest event time wins, then the newest creation time, then the row appended last. A NaN in the winning
row is the answer; an older value never fills it in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class FeatureRows:
    """Rows of one view: `entity` i4[n], `event_ts` and `created_ts` f8[n] in seconds, `values` f4[n, features]."""

    entity: NDArray[np.int32]
    event_ts: NDArray[np.float64]
    created_ts: NDArray[np.float64]
    values: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.entity)

    def take(self, index: NDArray[np.integer]) -> FeatureRows:
        """The rows at `index`, copied."""
        return FeatureRows(self.entity[index], self.event_ts[index], self.created_ts[index], self.values[index])

    @staticmethod
    def joined(parts: Sequence[FeatureRows], width: int) -> FeatureRows:
        """All parts one after another; `width` matters only when there are none."""
        if not parts:
            none = np.zeros(0)
            return FeatureRows(np.zeros(0, dtype=np.int32), none, none, np.zeros((0, width), dtype=np.float32))
        return FeatureRows(
            np.concatenate([part.entity for part in parts]),
            np.concatenate([part.event_ts for part in parts]),
            np.concatenate([part.created_ts for part in parts]),
            np.concatenate([part.values for part in parts]),
        )


@dataclass(frozen=True, slots=True)
class AsOf:
    """Answers row for row as asked. Where `found` is False the values are NaN and `event_ts` is -inf."""

    values: NDArray[np.float32]
    event_ts: NDArray[np.float64]
    found: NDArray[np.bool_]


def join_as_of(rows: FeatureRows, entity: NDArray[np.integer], ts: NDArray[np.float64], *, ttl_s: float) -> AsOf:
    """Answer "what was known about entity[i] at ts[i]?" for every i."""
    order = np.lexsort((np.arange(len(rows)), rows.created_ts, rows.event_ts, rows.entity))
    by_entity, event_ts, created_ts = rows.entity[order], rows.event_ts[order], rows.created_ts[order]
    ranks = np.unique(np.concatenate([event_ts, ts]))
    key = by_entity.astype(np.int64) * len(ranks) + np.searchsorted(ranks, event_ts)
    asked = np.asarray(entity).astype(np.int64) * len(ranks) + np.searchsorted(ranks, ts)
    at = np.searchsorted(key, asked, side="right") - 1
    first = np.searchsorted(by_entity, entity, side="left")
    unknown = np.flatnonzero(at >= first)
    while unknown.size:
        unknown = unknown[created_ts[at[unknown]] > ts[unknown]]
        at[unknown] -= 1
        unknown = unknown[at[unknown] >= first[unknown]]
    found = at >= first
    found[found] = event_ts[at[found]] >= ts[found] - ttl_s
    values = np.full((len(ts), rows.values.shape[1]), np.nan, dtype=np.float32)
    values[found] = rows.values[order[at[found]]]
    answered_ts = np.full(len(ts), -np.inf)
    answered_ts[found] = event_ts[at[found]]
    return AsOf(values, answered_ts, found)
