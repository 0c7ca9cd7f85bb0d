"""Labels in the order of (key, time), and for each the best row seen so far. NumPy only.

A row can first answer the earliest label of its key that is not before the row was known: its slot. Every later label
of that key may get the same answer, so the best row of a label is the best of all slots up to it. Rows can therefore
come in any order and any number of portions, and nothing grows with their number.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.join.keys import Codes
from reference_platform.features.times import FAR_US, NEVER_US

Instants = NDArray[np.int64]
Index = NDArray[np.int64]

ALWAYS_US = int(np.iinfo(np.int64).max)
"""After every instant: when something never becomes known."""


class LabelSlots:
    """One slot per label that can have an answer, sorted. Instants lie within times.FAR_US of 1970.

    `label[s]`: which label slot s stands for; `time_us[s]`: its instant; `code[s]`: its key.
    """

    def __init__(self, codes: Codes, count: int, time_us: Instants, valid: NDArray[np.bool_] | None = None) -> None:
        asks = codes >= 0 if valid is None else (codes >= 0) & valid
        self.labels = len(codes)
        at = np.flatnonzero(asks)
        if len(at) < self.labels:
            codes, time_us = codes[at], time_us[at]
        order = _order(codes, count, time_us)
        self.label: Index = order if len(order) == self.labels else at[order]
        self.code, self.time_us = codes[order], time_us[order]
        assert not len(order) or (self.time_us.min() >= -FAR_US and self.time_us.max() <= FAR_US)
        size = np.bincount(self.code, minlength=count)
        end = np.cumsum(size)
        # The entry behind the last key answers for code -1, and for keys that no label with a time asks for.
        self._first_us = np.zeros(count + 1, dtype=np.int64)
        self._last_us = np.full(count + 1, NEVER_US, dtype=np.int64)
        asked = np.flatnonzero(size)
        self._first_us[asked], self._last_us[asked] = self.time_us[(end - size)[asked]], self.time_us[end[asked] - 1]
        span = (self._last_us[asked] - self._first_us[asked]).astype(np.float64)
        # Times of a key are spread over twice as many buckets as it has labels; the last one stays inside its range.
        self._per_us = np.zeros(count + 1)
        self._per_us[asked] = 2 * size[asked] * (1 - 1e-9) / (span + 1.0)
        self._bucket = np.zeros(count + 1, dtype=np.int64)
        np.cumsum(2 * size, out=self._bucket[1:])
        self._start = np.zeros(2 * len(order) + 1, dtype=np.int64)
        filled = np.bincount(self._bucket_of(self.code, self.time_us), minlength=2 * len(order))
        np.cumsum(filled, out=self._start[1:])

    def __len__(self) -> int:
        return len(self.time_us)

    def _bucket_of(self, codes: Codes, since_us: Instants) -> Index:
        offset = np.maximum(since_us - self._first_us.take(codes), 0)
        bucket: Index = self._bucket.take(codes) + (offset * self._per_us.take(codes)).astype(np.int64)
        return bucket

    def reachable(self, codes: Codes, since_us: Instants) -> Index:
        """Which rows, known from `since_us` on, have a label that is not before them."""
        return np.flatnonzero(since_us <= self._last_us.take(codes))

    def slots_of(self, codes: Codes, since_us: Instants) -> Index:
        """The slot of each row; all of them are reachable."""
        bucket = self._bucket_of(codes, since_us)
        low, high = self._start.take(bucket), self._start.take(bucket + 1)
        open_ = np.flatnonzero(low < high)
        left, right, wanted = low[open_], high[open_], since_us[open_]
        while open_.size:
            middle = (left + right) >> 1
            before = self.time_us.take(middle) < wanted
            left = np.where(before, middle + 1, left)
            right = np.where(before, right, middle)
            low[open_] = left
            more = np.flatnonzero(left < right)
            open_, left, right, wanted = open_[more], left[more], right[more], wanted[more]
        return low


def _order(codes: Codes, count: int, time_us: Instants) -> Index:
    if not len(codes):
        return np.zeros(0, dtype=np.int64)
    first = int(time_us.min())
    bits = (int(time_us.max()) - first).bit_length()
    if bits + count.bit_length() > 62:
        return np.lexsort((time_us, codes))
    packed = (codes << bits) | (time_us - first)
    if (packed[1:] >= packed[:-1]).all():
        return np.arange(len(codes))
    return np.argsort(packed)


class Winners(NamedTuple):
    """`row`: rows of the portion, each the new best of its slot; `slot`: that slot, at most once."""

    row: Index
    slot: Index


class BestRows:
    """Of every slot the greatest (event, created, sequence, position) offered so far; NEVER_US where there is none."""

    def __init__(self, slots: LabelSlots, ttl_us: int | None, known_at_label: bool) -> None:
        self._slots = slots
        self._known_at_label = known_at_label
        self._oldest_us = None if ttl_us is None else slots.time_us - min(ttl_us, 2 * FAR_US)
        self.event_us: Instants = np.full(len(slots), NEVER_US, dtype=np.int64)
        self._versions = [np.full(len(slots), NEVER_US, dtype=np.int64) for _ in range(3)]

    @property
    def sequence(self) -> NDArray[np.int64]:
        """Sequence of each slot's best row."""
        return self._versions[1]

    @property
    def position(self) -> NDArray[np.int64]:
        """Position of each slot's best row in its source."""
        return self._versions[2]

    def offer(
        self,
        codes: Codes,
        event_us: Instants,
        created_us: Instants | None,
        sequence: NDArray[np.int64] | None,
        position: NDArray[np.int64],
    ) -> Winners:
        """Rows in any order. A row whose event is NEVER_US never answers; created None: known at its event.

        `position` breaks the last tie and is unique among all rows ever offered.
        """
        since_us = self._since(event_us, created_us)
        row = self._slots.reachable(codes, since_us)
        slot = self._slots.slots_of(codes[row], since_us[row])
        event_us = event_us[row]
        if self._oldest_us is not None:
            fresh = np.flatnonzero(event_us >= self._oldest_us.take(slot))
            row, slot, event_us = row[fresh], slot[fresh], event_us[fresh]
        best = self.event_us
        before = best.take(slot)
        np.maximum.at(best, slot, event_us)
        after = best.take(slot)
        wins = np.flatnonzero(event_us == after)
        newer = wins[after[wins] > before[wins]]
        row, slot, newer_slot = row[wins], slot[wins], slot[newer]
        for version, values in zip(self._versions, (created_us, sequence, position), strict=True):
            version[newer_slot] = NEVER_US
            if values is None:
                continue
            before, mine = version.take(slot), values[row]
            np.maximum.at(version, slot, mine)
            after = version.take(slot)
            wins = mine == after
            # A slot that improved here starts afresh in every later version.
            newer_slot = np.concatenate([newer_slot, slot[wins & (after > before)]])
            wins_at = np.flatnonzero(wins)
            row, slot = row[wins_at], slot[wins_at]
        return Winners(row, slot)

    def _since(self, event_us: Instants, created_us: Instants | None) -> Instants:
        never = event_us == NEVER_US
        since_us = event_us
        if self._known_at_label and created_us is not None:
            since_us = np.maximum(event_us, created_us)
            never |= created_us == NEVER_US
        return np.where(never, ALWAYS_US, since_us) if never.any() else since_us

    def answering(self) -> Index:
        """For each label the slot whose best row answers it, -1 where none does.

        Of two slots of one key with equal best events the later one wins: its row became known after the earlier
        label, the other row before it, so its created is greater.
        """
        n = len(self._slots)
        answer = np.full(self._slots.labels, -1, dtype=np.int64)
        if not n:
            return answer
        key_event = self._ranked_events()
        slot = np.arange(n)
        newest = np.maximum.accumulate(key_event)
        source = np.maximum.accumulate(np.where(key_event == newest, slot, 0))
        found = self.event_us[source] != NEVER_US
        if self._oldest_us is not None:
            found &= self.event_us[source] >= self._oldest_us
        answer[self._slots.label] = np.where(found, source, -1)
        return answer

    def _ranked_events(self) -> NDArray[np.int64]:
        """Numbers that grow with (key, best event) and are least of their key where there is no row."""
        none = self.event_us == NEVER_US
        if none.all():
            return self._slots.code
        first, last = int(self.event_us.min(where=~none, initial=FAR_US)), int(self.event_us.max())
        bits = (last - first + 1).bit_length()
        if bits + int(self._slots.code[-1]).bit_length() > 62:
            rank = np.unique(self.event_us, return_inverse=True)[1].astype(np.int64)
            return self._slots.code * (len(rank) + 1) + rank + (0 if none.any() else 1)
        return (self._slots.code << bits) + np.where(none, 0, self.event_us - (first - 1))
