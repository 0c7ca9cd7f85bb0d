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
        self.code, self._time_us = codes[order], np.append(time_us[order], ALWAYS_US)
        self.time_us = self._time_us[:-1]
        assert not len(order) or (self.time_us.min() >= -FAR_US and self.time_us.max() <= FAR_US)
        size = np.bincount(self.code, minlength=count)
        end = np.cumsum(size)
        # The entry behind the last key answers for code -1, and for keys that no label with a time asks for.
        self._last_us = np.full(count + 1, NEVER_US, dtype=np.int64)
        asked = np.flatnonzero(size)
        first_us = self.time_us[(end - size)[asked]]
        self._last_us[asked] = self.time_us[end[asked] - 1]
        # Times of a key are spread over twice as many buckets as it has labels; all arithmetic on them is monotone, and
        # the margin keeps the last one inside its range.
        self._first = np.zeros(count + 1)
        self._first[asked] = first_us
        self._per_us = np.zeros(count + 1)
        span = self._last_us[asked].astype(np.float64) - self._first[asked]
        self._per_us[asked] = 2 * size[asked] * (1 - 1e-6) / (span + 1.0)
        self._bucket = np.zeros(count + 1, dtype=np.int64)
        np.cumsum(2 * size, out=self._bucket[1:])
        self._start = np.zeros(2 * len(order) + 1, dtype=np.int64)
        filled = np.bincount(self._bucket_of(self.code, self.time_us), minlength=2 * len(order))
        np.cumsum(filled, out=self._start[1:])

    def __len__(self) -> int:
        return len(self.time_us)

    def _bucket_of(self, codes: Codes, since_us: Instants) -> Index:
        place = since_us.astype(np.float64)
        np.subtract(place, self._first.take(codes), out=place)
        np.multiply(place, self._per_us.take(codes), out=place)
        bucket: Index = np.maximum(place, 0.0, out=place).astype(np.int64)
        return np.add(bucket, self._bucket.take(codes), out=bucket)

    def last_us(self, codes: Codes) -> Instants:
        """The latest label of each row's key, NEVER_US for code -1: a row known later than that answers nobody."""
        return self._last_us.take(codes)

    def slots_of(self, codes: Codes, since_us: Instants) -> Index:
        """The slot of each row, none of them known later than its last label; `len(self)` for code -1."""
        bucket = self._bucket_of(codes, since_us)
        slot: Index = self._start.take(bucket)
        behind = np.flatnonzero(self._time_us.take(slot) < since_us)
        left, right = slot.take(behind) + 1, self._start.take(bucket.take(behind) + 1)
        wanted = since_us.take(behind)
        while behind.size:
            slot[behind] = left
            more = np.flatnonzero(left < right)
            behind, left, right, wanted = (values.take(more) for values in (behind, left, right, wanted))
            middle = (left + right) >> 1
            before = self.time_us.take(middle) < wanted
            left, right = np.where(before, middle + 1, left), np.where(before, right, middle)
        return slot


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


def _least(values: Instants) -> int:
    return int(values.min()) if len(values) else ALWAYS_US


def _raise(best: Instants, slot: Index, values: Instants) -> tuple[Index, Index]:
    """Raise `best` to the greatest value of each slot. Which values now equal it, and which of those raised it."""
    before = best.take(slot)
    np.maximum.at(best, slot, values)
    wins = np.flatnonzero(values == best.take(slot))
    return wins, wins.take(np.flatnonzero(values.take(wins) > before.take(wins)))


class Winners(NamedTuple):
    """`row`: rows of the portion, each the new best of its slot; `slot`: that slot, at most once."""

    row: Index
    slot: Index


class BestRows:
    """Of every slot the greatest (event, created, sequence, position) offered so far; NEVER_US where there is none.

    Behind the last slot stands what -1 answers: event NEVER_US, sequence and position -1.
    """

    def __init__(self, slots: LabelSlots, ttl_us: int | None, known_at_label: bool) -> None:
        self._slots = slots
        self._known_at_label = known_at_label
        self._oldest_us = None if ttl_us is None else np.append(slots.time_us - min(ttl_us, 2 * FAR_US), ALWAYS_US)
        self.event_us: Instants = np.full(len(slots) + 1, NEVER_US, dtype=np.int64)
        self._versions: dict[str, NDArray[np.int64]] = {}

    @property
    def sequence(self) -> NDArray[np.int64]:
        """Sequence of each slot's best row."""
        return self._version("sequence")

    @property
    def position(self) -> NDArray[np.int64]:
        """Position of each slot's best row in its source."""
        return self._version("position")

    def _version(self, name: str) -> NDArray[np.int64]:
        if name not in self._versions:
            self._versions[name] = np.full(len(self._slots) + 1, NEVER_US, dtype=np.int64)
            self._versions[name][-1] = -1
        return self._versions[name]

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
        last_us = self._slots.last_us(codes)
        hopeful = since_us <= last_us
        row = None
        if np.count_nonzero(hopeful) < len(codes) // 2:
            row = np.flatnonzero(hopeful)
            codes, since_us, last_us, event_us = (each.take(row) for each in (codes, since_us, last_us, event_us))
            hopeful = np.ones(len(row), dtype=np.bool_)
        slot = self._slots.slots_of(codes, np.minimum(since_us, last_us, out=last_us))
        if self._oldest_us is not None:
            hopeful &= event_us >= self._oldest_us.take(slot)
        at = np.flatnonzero(hopeful)
        row, slot, event_us = (at if row is None else row.take(at)), slot.take(at), event_us.take(at)
        wins, newer = _raise(self.event_us, slot, event_us)
        improved = [slot.take(newer)]
        row, slot = row.take(wins), slot.take(wins)
        for name, values in (("created", created_us), ("sequence", sequence), ("position", position)):
            if values is None:
                continue
            version = self._version(name)
            for slots in improved:
                version[slots] = NEVER_US
            wins, better = _raise(version, slot, values.take(row))
            improved.append(slot.take(better))
            row, slot = row.take(wins), slot.take(wins)
        return Winners(row, slot)

    def _since(self, event_us: Instants, created_us: Instants | None) -> Instants:
        """From when on each row may answer; ALWAYS_US: it never may."""
        since_us = event_us
        if self._known_at_label and created_us is not None:
            since_us = np.maximum(event_us, created_us)
            if _least(created_us) == NEVER_US:
                since_us[created_us == NEVER_US] = ALWAYS_US
        if _least(event_us) == NEVER_US:
            since_us = np.where(event_us == NEVER_US, ALWAYS_US, since_us)
        return since_us

    def answering(self) -> Index:
        """For each label the slot whose best row answers it, -1 where none does.

        Of two slots of one key with equal best events the later one wins: its row became known after the earlier
        label, the other row before it, so its created is greater.
        """
        n = len(self._slots)
        answer = np.full(self._slots.labels, -1, dtype=np.int64)
        if not n:
            return answer
        key_event = self._ranked_events(self.event_us[:-1])
        newest = np.maximum.accumulate(key_event)
        source = np.maximum.accumulate(np.where(key_event == newest, np.arange(n), 0), out=newest)
        event_us = self.event_us.take(source)
        found = event_us != NEVER_US if self._oldest_us is None else event_us >= self._oldest_us[:-1]
        source[~found] = -1
        answer[self._slots.label] = source
        return answer

    def _ranked_events(self, event_us: Instants) -> NDArray[np.int64]:
        """Numbers that grow with (key, best event) and are least of their key where there is no row."""
        codes, last = self._slots.code, int(event_us.max())
        if last == NEVER_US:
            return codes
        none = event_us == NEVER_US
        first = int(np.where(none, last, event_us).min())
        bits = (last - first + 1).bit_length()
        if bits + int(codes[-1]).bit_length() > 62:
            rank = np.unique(event_us, return_inverse=True)[1].astype(np.int64)
            return codes * (len(rank) + 1) + rank + (0 if none.any() else 1)
        rank = event_us - (first - 1)
        rank[none] = 0
        return (codes << bits) + rank
