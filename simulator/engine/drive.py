"""The virtual driver: SimPy decides what happens next, parts are told when.

Each part has at most one live wake-up; a due time that moves earlier arms another and the stale one is harmless,
because a part that is ticked early does nothing. Requests never become events: before any part runs, the data plane
is advanced to that instant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from heapq import heappush
from typing import Any, Protocol, cast

import simpy
from simpy.events import EventPriority


class Part(Protocol):
    """Something with a next wake-up."""

    def next_wake_s(self) -> float: ...

    def tick(self, now_s: float) -> None: ...


class VirtualDrive:
    """Runs parts in virtual time. Ties go to the part that comes first in the list."""

    def __init__(self, parts: Sequence[Part], advance: Callable[[float], None]) -> None:
        self._env = simpy.Environment()
        self._parts = list(parts)
        self._advance = advance
        self._armed_s = [math.inf] * len(parts)
        self.now_s = 0.0
        self.arm()

    def __getstate__(self) -> dict[str, Any]:
        """The wake-ups as plain numbers, in the order in which they will go off."""
        pending = [(at_s, cast("Any", event.callbacks[0]).args) for at_s, _, _, event in sorted(self._env._queue)]
        return {**vars(self), "_env": (self._env.now, pending)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        now_s, pending = state["_env"]
        self._env = simpy.Environment(now_s)
        for at_s, (index, due_s) in pending:
            self._schedule(index, due_s, at_s)

    def arm(self) -> None:
        """Schedule what is due earlier than what is already scheduled. Call after anything that changed state."""
        for index, part in enumerate(self._parts):
            due_s = max(part.next_wake_s(), self.now_s)
            if due_s < self._armed_s[index]:
                self._armed_s[index] = due_s
                self._schedule(index, due_s, self._env.now + (due_s - self._env.now))

    def _schedule(self, index: int, due_s: float, at_s: float) -> None:
        wake = self._env.event()
        wake.callbacks.append(partial(self._fire, index, due_s))
        wake._ok, wake._value = True, None
        heappush(self._env._queue, (at_s, EventPriority(index), next(self._env._eid), wake))

    def _fire(self, index: int, due_s: float, _: simpy.Event) -> None:
        if self._armed_s[index] != due_s:
            return
        self._armed_s[index] = math.inf
        self._parts[index].tick(self.now_s)

    def run(self, to_s: float, keep_going: Callable[[], bool]) -> float:
        """Run to `to_s`, or until `keep_going` says stop after an event. Returns the time reached."""
        while True:
            due_s = max(self._env.peek(), self.now_s)  # sums of delays may round to just before now
            if due_s > to_s:
                break
            self._advance(due_s)
            self.now_s = due_s
            self._env.step()
            self.arm()
            if not keep_going():
                return self.now_s
        self._advance(to_s)
        self.now_s = to_s
        return to_s
