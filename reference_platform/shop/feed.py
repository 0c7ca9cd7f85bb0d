"""The way of shop events into the feature pipeline: recorded by the shop, sent by producers, read by a consumer.

What the shop has recorded stays in its outbox for days. Producers that are down send it when they are back, and a
replay sends it again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import CommandError
from reference_platform.features.columns import Column
from reference_platform.features.definitions import Columns
from reference_platform.shop.consumer import Accepted, Consumer, ConsumerConfig
from reference_platform.shop.producers import Sender, send
from reference_platform.shop.topics import EVENT_TIME, Contract, EventColumns, Records

RETENTION_S = 5 * 86400.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """Events of one source for the pipeline, by event time.

    `exact`: they are just what happened since the last delivery, no more, no less, and nothing is outstanding.
    """

    columns: EventColumns
    count: int
    exact: bool
    releases: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Recorded:
    at_s: float
    ids: NDArray[np.int64]
    happened_s: NDArray[np.float64]
    columns: Columns


class EventFeed:
    """One source from the shop to the pipeline."""

    def __init__(self, contract: Contract, config: ConsumerConfig | None = None) -> None:
        self.contract = contract
        self.consumer = Consumer(contract, config or ConsumerConfig())
        self._outbox: deque[_Recorded] = deque()
        self._unsent: deque[_Recorded] = deque()
        self._repeats: tuple[Records, ...] = ()
        self._next_id = 0

    def __getstate__(self) -> dict[str, Any]:
        """What happened, as few long columns instead of thousands of short ones."""
        items = list(self._outbox)
        packed = [item.at_s for item in items], [len(item.ids) for item in items], *self._joined(items)
        return {**vars(self), "_outbox": packed, "_unsent": len(self._unsent)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        at_s, lengths, ids, happened_s, columns = state["_outbox"]
        ends = np.cumsum(lengths, dtype=np.int64).tolist()
        parts = [slice(end - length, end) for length, end in zip(lengths, ends, strict=True)]
        self._outbox = deque(
            _Recorded(at, ids[part], happened_s[part], {name: column[part] for name, column in columns.items()})
            for at, part in zip(at_s, parts, strict=True)
        )
        self._unsent = deque(list(self._outbox)[len(parts) - state["_unsent"] :])

    def _joined(self, items: Sequence[_Recorded]) -> tuple[Any, ...]:
        if not items:
            return (), (), {}
        ids, happened_s = (np.concatenate([getattr(item, name) for item in items]) for name in ("ids", "happened_s"))
        columns = {name: np.concatenate([item.columns[name] for item in items]) for name in items[0].columns}
        for column in (ids, happened_s, *columns.values()):
            column.flags.writeable = False
        return ids, happened_s, columns

    @property
    def outstanding(self) -> int:
        """Events that the shop has recorded and no producer has sent."""
        return sum(len(item.ids) for item in self._unsent)

    @property
    def recorded(self) -> int:
        """Events that the shop has recorded so far."""
        return self._next_id

    def step(self, events: Columns, senders: Sequence[Sender], now_s: float) -> Delivery:
        """Take the events since the last step from the shop to the pipeline, as far as they get."""
        recorded = self._record(events, now_s)
        before = int(self.consumer.lag().sum())
        backlog = bool(len(self._unsent) > 1 or self._repeats or before)
        self.consumer.take_in(self._repeats)
        self._repeats = ()
        if senders:
            self._send(senders, now_s)
        accepted = self.consumer.poll(now_s)
        faithful = all(sender.release.faithful and not sender.clock_ahead_s for sender in senders)
        exact = not backlog and faithful and np.array_equal(np.sort(accepted.ids), recorded.ids)
        return _delivery(accepted, exact)

    def replay(self, senders: Sequence[Sender], since_s: float, now_s: float) -> Delivery:
        """Send everything recorded after `since_s` again, as the producers' releases would write it now.

        Raises CommandError when no producer runs.
        """
        if not senders:
            raise CommandError(f"no {self.contract.producer} pod is ready to send the events again")
        self._unsent.clear()
        self._repeats = ()
        sent = [
            records
            for item in self._outbox
            if item.at_s > since_s
            for records in send(self.contract, senders, item.ids, item.columns, item.happened_s).records
        ]
        return _delivery(self.consumer.read_again(sent, now_s), False)

    def _record(self, events: Columns, now_s: float) -> _Recorded:
        wanted = (EVENT_TIME, *self.contract.names)
        count = len(events[EVENT_TIME])
        ids = np.arange(self._next_id, self._next_id + count)
        self._next_id += count
        recorded = _Recorded(
            now_s, ids, events[EVENT_TIME].astype(np.float64, copy=False), {name: events[name] for name in wanted}
        )
        for column in (ids, recorded.happened_s, *recorded.columns.values()):
            column.flags.writeable = False  # what happened stays as it was
        self._outbox.append(recorded)
        self._unsent.append(recorded)
        for waiting in (self._outbox, self._unsent):
            while waiting[0].at_s <= now_s - RETENTION_S:
                waiting.popleft()
        return recorded

    def _send(self, senders: Sequence[Sender], now_s: float) -> None:
        repeats: list[Records] = []
        while self._unsent:
            item = self._unsent.popleft()
            # What waited for a producer reaches the broker now; the rest was sent the moment it happened.
            sent_s = np.full(len(item.ids), now_s) if item.at_s < now_s else item.happened_s
            shipment = send(self.contract, senders, item.ids, item.columns, sent_s)
            self.consumer.take_in(shipment.records)
            repeats += shipment.repeats
        self._repeats = tuple(repeats)


def _delivery(accepted: Accepted, exact: bool) -> Delivery:
    columns: dict[str, Column] = {EVENT_TIME: Column(accepted.ts), **accepted.columns}
    return Delivery(columns, len(accepted), exact, accepted.releases)
