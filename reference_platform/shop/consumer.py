"""The consumer of a topic: who reads which partition, what is accepted, and what is put aside and why.

Event time rules, per partition: the watermark is the newest accepted event time. An event older than that is late and
still accepted, unless it is older by more than the allowed lateness. An event stamped in the future waits until its
time has come, unless that is too far off to be true.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import CommandError
from reference_platform.features.columns import Column
from reference_platform.shop.topics import PARTITIONS, Contract, Records

NEVER_S = -np.inf
UNOWNED = ""
DEAD_KINDS = ("schema", "null", "future", "late", "expired")
"""Why a record is put aside: fields, a missing key, an event time that cannot be, too late, never read."""


@dataclass(frozen=True, slots=True)
class ConsumerConfig:
    """What a consumer tolerates."""

    lateness_max_s: float = 900.0
    future_max_s: float = 600.0
    dedup_window_s: float = 1800.0
    """How long an event id is remembered while repeats are removed."""
    retention_s: float = 5 * 86400.0
    """How long the broker keeps a record that nobody reads."""
    dead_letters_kept: int = 40


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that was put aside."""

    t_s: float
    event_id: int
    partition: int
    release: str
    reason: str


@dataclass(slots=True)
class ConsumerCounts:
    """What happened so far, in records."""

    accepted: int = 0
    late: int = 0
    """Accepted, but older than what the partition had already seen."""
    repeats: int = 0
    """Removed because their id had been seen."""
    dead: Counter[str] = field(default_factory=Counter)
    """Put aside, by kind of reason."""


@dataclass(slots=True)
class LastBatch:
    """What the last batch with records in it looked like; a column that nobody understood is absent."""

    at_s: float = NEVER_S
    delay_s: float = 0.0
    """Median of broker time minus event time."""
    null_ratio: dict[str, float] = field(default_factory=dict)
    mean: dict[str, float] = field(default_factory=dict)
    """Mean of the numbers that carry a unit."""
    types: dict[str, dict[str, str]] = field(default_factory=dict)
    """Names and types of the fields as sent, by producer release."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Events that the pipeline may use, by event time and then id. `ts` is the event time as stamped."""

    ids: NDArray[np.int64]
    ts: NDArray[np.float64]
    columns: dict[str, Column]
    releases: frozenset[str]

    def __len__(self) -> int:
        return len(self.ids)


class Consumer:
    """The consumer group of one topic. Members read the partitions they own; nobody reads the others."""

    def __init__(self, contract: Contract, config: ConsumerConfig) -> None:
        self.contract = contract
        self.config = config
        self.dedup = False
        self.counts = ConsumerCounts()
        self.last = LastBatch()
        self.dead_letters: deque[DeadLetter] = deque(maxlen=config.dead_letters_kept)
        self.owners: list[str] = [UNOWNED] * PARTITIONS
        self.watermark_s: NDArray[np.float64] = np.full(PARTITIONS, NEVER_S)
        self._members: tuple[str, ...] = ()
        self._unread: list[Records] = []
        self._early: list[Records] = []
        self._seen: deque[tuple[float, NDArray[np.int64]]] = deque()

    # -- membership ----------------------------------------

    @property
    def members(self) -> tuple[str, ...]:
        """Processes that read."""
        return self._members

    def set_members(self, members: Sequence[str]) -> None:
        """The group's processes changed: partitions are dealt out anew. The same members change nothing."""
        if tuple(members) != self._members:
            self._members = tuple(members)
            self.rebalance()

    def rebalance(self) -> None:
        """Deal all partitions out to the members, in turn."""
        for partition in range(PARTITIONS):
            self.owners[partition] = self._members[partition % len(self._members)] if self._members else UNOWNED

    def lose(self, partition: int) -> None:
        """The partition's assignment is lost: no member reads it until the group is rebalanced. Raises CommandError."""
        if not 0 <= partition < PARTITIONS:
            raise CommandError(
                f"{self.contract.source} has no partition {partition}", fix=f"partitions are 0 to {PARTITIONS - 1}"
            )
        self.owners[partition] = UNOWNED

    def unowned(self) -> tuple[int, ...]:
        """Partitions that no living member reads."""
        return tuple(p for p, owner in enumerate(self.owners) if owner not in self._members)

    # -- reading ----------------------------------------

    def take_in(self, records: Sequence[Records]) -> None:
        """The broker has new records for the topic."""
        self._unread += [part for part in records if len(part)]

    def lag(self) -> NDArray[np.int64]:
        """Records not read yet, by partition: i8[PARTITIONS]."""
        counts = np.zeros(PARTITIONS, dtype=np.int64)
        for part in self._unread:
            counts += np.bincount(part.partition, minlength=PARTITIONS)
        return counts

    @property
    def early(self) -> int:
        """Records read that wait for their event time."""
        return sum(len(part) for part in self._early)

    def poll(self, now_s: float) -> Accepted:
        """Read what the members own, check it, and return what may be used."""
        owned = np.ones(PARTITIONS, dtype=np.bool_)
        owned[list(self.unowned())] = False
        read: list[Records] = []
        left: list[Records] = []
        for part in self._unread:
            mine = owned[part.partition]
            if mine.all():
                read.append(part)
            else:
                read.append(part.take(np.flatnonzero(mine)))
                left.append(part.take(np.flatnonzero(~mine)))
        self._unread = self._retained(left, now_s)
        usable = self._checked(read, now_s)
        return self._accepted(self._timely(usable, now_s))

    def read_again(self, records: Sequence[Records], now_s: float) -> Accepted:
        """Start over with these records instead of everything read or unread so far; none of them is too late."""
        self._unread, self._early = [], []
        self._seen.clear()
        self.watermark_s[:] = NEVER_S
        return self._accepted(self._timely(self._checked(records, now_s), now_s))

    def _retained(self, left: Sequence[Records], now_s: float) -> list[Records]:
        kept: list[Records] = []
        for part in left:
            expired = part.sent_s < now_s - self.config.retention_s
            self._put_aside(part, np.flatnonzero(expired), "expired", "nobody read it in time", now_s)
            kept.append(part.take(np.flatnonzero(~expired)) if expired.any() else part)
        return [part for part in kept if len(part)]

    def _checked(self, read: Sequence[Records], now_s: float) -> list[Records]:
        """Records that fulfil the contract, each once while repeats are removed."""
        read = [part for part in read if len(part)]
        if not read:
            return []
        self.last = LastBatch(at_s=now_s)
        delays = np.concatenate([part.sent_s - part.stamped_s for part in read])
        self.last.delay_s = float(np.median(delays))
        usable: list[Records] = []
        for part in read:
            self.last.types[part.release] = {name: str(dtype) for name, dtype in part.types.items()}
            reason = self._breach(part)
            if reason:
                self._put_aside(part, np.arange(len(part)), "schema", reason, now_s)
                continue
            usable.append(self._complete(part, now_s))
        self._describe(usable)
        return [self._once(part, now_s) for part in usable] if self.dedup else usable

    def _breach(self, part: Records) -> str:
        """How the fields differ from the contract; empty when they do not."""
        for column in self.contract.columns:
            sent = part.types.get(column.name)
            if sent is None:
                unknown = [name for name in part.types if name not in self.contract.names]
                found = f", found {', '.join(unknown)}" if unknown else ""
                return f"column {column.name} is missing{found}"
            if sent != column.dtype:
                return f"column {column.name} is {sent}, not {column.dtype}"
        return ""

    def _complete(self, part: Records, now_s: float) -> Records:
        """Those with every required field, and with an event time that can be true."""
        usable = np.ones(len(part), dtype=np.bool_)
        for column in self.contract.columns:
            valid = part.columns[column.name].valid
            if column.required and valid is not None:
                self._put_aside(part, np.flatnonzero(usable & ~valid), "null", f"{column.name} is null", now_s)
                usable &= valid
        future = usable & (part.stamped_s > now_s + self.config.future_max_s)
        self._put_aside(part, np.flatnonzero(future), "future", "event time lies in the future", now_s)
        usable &= ~future
        return part if usable.all() else part.take(np.flatnonzero(usable))

    def _once(self, part: Records, now_s: float) -> Records:
        """Those whose id was not seen within the window, the first of each."""
        while self._seen and self._seen[0][0] < now_s - self.config.dedup_window_s:
            self._seen.popleft()
        seen = np.concatenate([np.zeros(0, dtype=np.int64), *(ids for _, ids in self._seen)])
        _, first = np.unique(part.ids, return_index=True)
        new = np.zeros(len(part), dtype=np.bool_)
        new[first] = True
        new &= ~np.isin(part.ids, seen)
        self.counts.repeats += int(len(part) - new.sum())
        self._seen.append((now_s, part.ids[new]))
        return part if new.all() else part.take(np.flatnonzero(new))

    def _timely(self, usable: Sequence[Records], now_s: float) -> list[Records]:
        """Those whose time has come and that are not too late; the watermarks move."""
        candidates, self._early = [*self._early, *usable], []
        timely: list[Records] = []
        before = self.watermark_s.copy()
        for part in candidates:
            early = part.stamped_s > now_s
            if early.any():
                self._early.append(part.take(np.flatnonzero(early)))
            behind_s = before[part.partition] - part.stamped_s
            lost = ~early & (behind_s > self.config.lateness_max_s)
            self._put_aside(part, np.flatnonzero(lost), "late", "event is older than the allowed lateness", now_s)
            kept = ~(early | lost)
            self.counts.late += int((kept & (behind_s > 0)).sum())
            timely.append(part if kept.all() else part.take(np.flatnonzero(kept)))
            np.maximum.at(self.watermark_s, timely[-1].partition, timely[-1].stamped_s)
        return timely

    def _put_aside(self, part: Records, index: NDArray[np.int64], kind: str, reason: str, now_s: float) -> None:
        if not len(index):
            return
        self.counts.dead[kind] += len(index)
        for at in index[: self.config.dead_letters_kept].tolist():
            letter = DeadLetter(now_s, int(part.ids[at]), int(part.partition[at]), part.release, reason)
            self.dead_letters.append(letter)

    def _describe(self, usable: Sequence[Records]) -> None:
        """Null ratios and means of what could be understood."""
        rows = sum(len(part) for part in usable)
        if not rows:
            return
        for column in self.contract.columns:
            parts = [part.columns[column.name] for part in usable]
            nulls = sum(0 if part.valid is None else int((~part.valid).sum()) for part in parts)
            self.last.null_ratio[column.name] = nulls / rows
            if column.unit and nulls < rows:
                total = sum(float(part.values[part.mask()].astype(np.float64).sum()) for part in parts)
                self.last.mean[column.name] = total / (rows - nulls)

    def _accepted(self, parts: Sequence[Records]) -> Accepted:
        """All parts as one, by event time and then id."""
        parts = [part for part in parts if len(part)]
        self.counts.accepted += sum(len(part) for part in parts)
        if not parts:
            columns = {item.name: Column(np.zeros(0, dtype=item.dtype.numpy_dtype)) for item in self.contract.columns}
            return Accepted(np.zeros(0, dtype=np.int64), np.zeros(0), columns, frozenset())
        ids = np.concatenate([part.ids for part in parts])
        ts = np.concatenate([part.stamped_s for part in parts])
        joined = {name: _joined([part.columns[name] for part in parts]) for name in self.contract.names}
        releases = frozenset(part.release for part in parts)
        if (ts[1:] < ts[:-1]).any() or len(parts) > 1:
            order = np.lexsort((ids, ts))
            ids, ts = ids[order], ts[order]
            joined = {name: column.take(order) for name, column in joined.items()}
        return Accepted(ids, ts, joined, releases)


def _joined(columns: Sequence[Column]) -> Column:
    if len(columns) == 1:
        return columns[0]
    whole = all(column.valid is None for column in columns)
    values = np.concatenate([column.values for column in columns])
    return Column(values, None if whole else np.concatenate([column.mask() for column in columns]))
