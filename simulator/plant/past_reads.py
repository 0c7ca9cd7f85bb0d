"""What a read of the online store found at an instant that has passed: predictions are judged with what they had.

Rows that are overwritten are remembered for a while. The store as it was is a copy with those put back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.online_store.port import OnlineStore
from reference_platform.features.online_store.table import Overwritten

KEPT_US = 900 * 1_000_000
"""Longer than an answer waits for its judge, and the features in it lay in a cache before."""


@dataclass(frozen=True, slots=True)
class _Write:
    t_us: int
    view: str
    rows: Overwritten


class PastReads:
    """The last minutes of an online store. `now_us` says when a write takes place."""

    def __init__(self, store: EmbeddedOnlineStore, now_us: Callable[[], int]) -> None:
        self._store = store
        self._now_us = now_us
        self._writes: deque[_Write] = deque()
        store.watch(self._remember)

    def _remember(self, view: str, rows: Overwritten) -> None:
        now_us = self._now_us()
        self._writes.append(_Write(now_us, view, rows))
        while self._writes[0].t_us < now_us - KEPT_US:
            self._writes.popleft()

    def epochs(self, instants_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """A number for each instant; between two with the same number nothing was written. A write at an instant comes
        after what was read at it."""
        written = np.unique([write.t_us for write in self._writes]) if self._writes else np.zeros(0, dtype=np.int64)
        return np.searchsorted(written, instants_us, side="left")

    def at(self, instant_us: int) -> OnlineStore:
        """The store as what was read at `instant_us` found it; for reading only."""
        later: dict[str, list[Overwritten]] = {}
        for write in self._writes:
            if write.t_us >= instant_us:
                later.setdefault(write.view, []).append(write.rows)
        return self._store.with_rows_back(later) if later else self._store
