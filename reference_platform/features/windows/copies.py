"""Which events have been seen, for as long as a copy of one could still count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.windows.hashing import Hashes

Ints = NDArray[np.int64]


class SeenEvents:
    """Hashes of events in a few sorted runs, each at least twice as long as the next.

    Two different events share a 64-bit hash with probability n^2 / 2^65 for n remembered events: 3e-8 for a million.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[Hashes, Ints]] = []

    def __len__(self) -> int:
        return sum(len(hashes) for hashes, _ in self._runs)

    def add(self, hashes: Hashes, known: NDArray[np.bool_], event_us: Ints) -> Ints:
        """Rows not seen before, in order, which are seen from now on; rows that are not `known` always are new."""
        rows = np.flatnonzero(known)
        distinct, first = np.unique(hashes[rows], return_index=True)
        new = np.ones(len(distinct), dtype=np.bool_)
        for run, _ in self._runs:
            at = np.searchsorted(run, distinct)
            new &= run[np.minimum(at, len(run) - 1)] != distinct
        fresh = rows[first[new]]
        if len(fresh):
            self._push(distinct[new], event_us[fresh])
        return np.sort(np.concatenate([fresh, np.flatnonzero(~known)]))

    def drop_before(self, event_us: int) -> None:
        """Forget events before `event_us` where they are half of a run."""
        kept = []
        for hashes, times in self._runs:
            recent = times >= event_us
            half = 2 * int(recent.sum()) <= len(times)
            kept.append((hashes[recent], times[recent]) if half else (hashes, times))
        self._runs = [run for run in kept if len(run[0])]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, by name."""
        none: tuple[Hashes, Ints] = (np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64))
        return {
            "hashes": np.concatenate([none[0], *(hashes for hashes, _ in self._runs)]),
            "event_us": np.concatenate([none[1], *(times for _, times in self._runs)]),
        }

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """What `arrays` gave."""
        self._runs = []
        if len(arrays["hashes"]):
            order = np.argsort(arrays["hashes"], kind="stable")
            self._runs = [(arrays["hashes"][order], arrays["event_us"][order])]

    def _push(self, hashes: Hashes, event_us: Ints) -> None:
        self._runs.append((hashes, event_us))
        while len(self._runs) > 1 and len(self._runs[-2][0]) < 2 * len(self._runs[-1][0]):
            last, times = self._runs.pop()
            joined = np.concatenate([self._runs[-1][0], last])
            order = np.argsort(joined, kind="stable")
            self._runs[-1] = (joined[order], np.concatenate([self._runs[-1][1], times])[order])
