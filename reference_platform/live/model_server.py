"""The live driver of the serving core: timers of the loop, reads and batches in threads, answers to whoever waits.

It decides nothing. What the core asks for it carries out, and what came of that it reports with the time of the clock;
all of it goes into a trace from which the virtual driver takes the same decisions again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from reference_platform.serving import records as rec
from reference_platform.serving.machine import deliver
from reference_platform.serving.trace import CARRIED_OUT, INPUT, Trace

LOG = logging.getLogger(__name__)
TRACE_MAX = 1_000_000
"""Effects that a trace holds; a longer life is traced no further."""
ROUTE = 0

Deliver = Callable[[rec.State, int, int, int, int, int, int, int], None]
Read = Callable[[int], Any]
"""read(entity): the features of one entity, in a thread."""
RunBatch = Callable[[Sequence[Any], Sequence[Any]], Sequence[Any]]
"""run_batch(features, asked): one answer each, in a thread. `asked` is what came with each request."""


@dataclass(frozen=True, slots=True)
class Served:
    """How a request ended: its row of the served log, and the model's answer when it has one."""

    row: rec.Records
    answer: Any


class LiveServing:
    """One route. Requests come in by `ask`; everything happens on the loop that calls it."""

    def __init__(
        self,
        core: rec.State,
        read: Read,
        run_batch: RunBatch,
        executor: Executor,
        now_us: Callable[[], int],
        pause_us: int = 0,
        deliver: Deliver = deliver,
    ) -> None:
        """`pause_us` lies between a failed attempt and the next; `deliver` is the core's step, compiled or plain."""
        self._core = core
        self._read = read
        self._run_batch = run_batch
        self._executor = executor
        self._clock_us = now_us
        self._pause_us = pause_us
        self._deliver = deliver
        self._began_us = now_us()
        self._now_us = 0
        self._asked = 0
        self._waiting: dict[int, asyncio.Future[Served]] = {}
        self._asked_of: dict[int, Any] = {}
        self._features: dict[tuple[int, int], Any] = {}
        """By replica and entity: what its cache holds."""
        self._answers: dict[int, Any] = {}
        """By slot: what the batch under way made of it."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._inputs: list[tuple[int, ...]] = []
        self._carried_out: list[tuple[int, int]] = []
        self._effects: list[rec.Records] = []
        self._effects_us: list[int] = []
        self._closed = False

    # -- what the outside does ------------------------------------------------------------------------------------

    async def ask(self, entity: int, asked: Any = None) -> Served:
        """Serve one request to its end; `asked` goes to the model with the features of `entity`.

        Raises ValueError for an entity that the core has no room for, and RuntimeError after `close`.
        """
        if not 0 <= entity < self._core.cache.shape[1]:
            raise ValueError(f"entity {entity} is not one of {self._core.cache.shape[1]}")
        if self._closed:
            raise RuntimeError("the server is shutting down")
        number = self._asked
        self._asked += 1
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._asked_of[number] = asked
        self._from_outside(rec.REQUEST, ROUTE, number, entity, 8 * number)
        served: Served = await waiting
        return served

    def lose(self, replica: int) -> None:
        """A replica's process has ended."""
        self._from_outside(rec.LOST, replica, 0, 0, 0)

    async def close(self, grace_s: float = 0.0) -> None:
        """Take no more requests, let those inside finish within `grace_s`, fail the rest, and wait for the threads."""
        self._closed = True
        if self._waiting and grace_s > 0.0:
            await asyncio.wait(list(self._waiting.values()), timeout=grace_s)
        for replica in range(len(self._core.replicas)):
            if self._core.replicas[replica].serial >= 0:
                self.lose(replica)
        if self._waiting:  # those between two attempts find nobody there and come to their end
            await asyncio.wait(list(self._waiting.values()))
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        while self._tasks:
            await asyncio.gather(*self._tasks)

    def trace(self) -> Trace:
        """Everything up to now."""
        inputs, carried = rec.table(INPUT, len(self._inputs)), rec.table(CARRIED_OUT, len(self._carried_out))
        for place, row in enumerate(self._inputs):
            inputs[place] = row
        for place, fact in enumerate(self._carried_out):
            carried[place] = fact
        effects = np.concatenate(self._effects) if self._effects else rec.table(rec.EFFECT, 0)
        return Trace(inputs, carried, effects.view(np.recarray), np.array(self._effects_us, np.int64))

    # -- events in, effects out -----------------------------------------------------------------------------------

    def _tick(self) -> int:
        """A later instant for each event, so that their order is their time."""
        self._now_us = max(self._now_us + 1, self._clock_us() - self._began_us)
        return self._now_us

    def _from_outside(self, kind: int, index: int, number: int, entity: int, lot: int) -> None:
        now = self._tick()
        self._inputs.append((now, number, lot, kind, index, entity, 0))
        self._happened(now, kind, index, number, 0, entity, lot)

    def _ended(self, place: int, begun_us: int, kind: int, index: int, number: int, of: int) -> None:
        """What an effect asked for is over."""
        now = self._tick()
        self._carried_out[place] = (now - begun_us, of if kind == rec.BATCH_DONE else 0)
        self._happened(now, kind, index, number, of, 0, 0)

    def _happened(self, now: int, kind: int, index: int, number: int, of: int, entity: int, lot: int) -> None:
        core = self._core
        self._deliver(core, now, kind, index, number, of, entity, lot)
        effects = core.effects[: core.counts[rec.EFFECTS]].copy()
        rows = core.answers[: core.counts[rec.ANSWERS]].copy()
        core.counts[rec.EFFECTS] = core.counts[rec.ANSWERS] = 0
        if len(self._effects_us) < TRACE_MAX:
            self._effects.append(effects)
            self._effects_us += [now] * len(effects)
        told = iter(rows)  # one for each ANSWER, in their order
        for effect in effects:
            if effect.kind == rec.ANSWER:
                self._answer(next(told), int(effect.index))
            elif effect.kind < rec.ANSWER:
                self._carry_out(now, effect)

    def _carry_out(self, now: int, effect: rec.Records) -> None:
        kind, index, number = int(effect.kind), int(effect.index), int(effect.generation)
        place = len(self._carried_out)
        self._carried_out.append((-1, 0))
        if kind == rec.START_READ:
            self._start(self._features_of(place, now, index, number))
        elif kind == rec.START_BATCH:
            self._start(self._batch(place, now, index, number, int(effect.n)))
        elif kind == rec.SET_TIMER:
            self._set(place, now, max(0, int(effect.value_us) - now), index, number, int(effect.of))
        else:
            self._set(place, now, self._pause_us, index, number, rec.RETRY)

    def _answer(self, row: rec.Records, slot: int) -> None:
        answer = self._answers.pop(slot, None)
        if row.outcome in (rec.RETRIED, rec.SHADOWED):
            return
        self._asked_of.pop(int(row.request), None)
        waiting = self._waiting.pop(int(row.request))
        if not waiting.cancelled():  # whoever asked may have hung up
            waiting.set_result(Served(row, answer if row.outcome == rec.OK else None))

    # -- work -----------------------------------------------------------------------------------------------------

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _set(self, place: int, now: int, after_us: int, index: int, number: int, of: int) -> None:
        def fire() -> None:
            del self._timers[place]
            self._ended(place, now, rec.TIMER, index, number, of)

        self._timers[place] = asyncio.get_running_loop().call_later(after_us / 1e6, fire)

    async def _features_of(self, place: int, begun_us: int, slot: int, generation: int) -> None:
        attempt = self._core.attempts[slot]
        replica, entity = int(attempt.replica), int(attempt.entity)
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._executor, self._read, entity)
        except Exception as error:  # noqa: BLE001 - a model answers without features rather than not at all
            LOG.error("feature read of entity %d failed: %s", entity, error)
            found = None
        self._features[replica, entity] = found
        self._ended(place, begun_us, rec.FEATURES, slot, generation, 0)

    async def _batch(self, place: int, begun_us: int, replica: int, generation: int, n: int) -> None:
        attempts, held = self._core.attempts, [int(slot) for slot in self._core.batches[replica, :n]]
        # Whoever was told of the deadline waits no more: their places are taken, their answers need no model.
        slots = [slot for slot in held if int(attempts[slot].request) in self._asked_of]
        features = [self._features.get((replica, int(attempts[slot].entity))) for slot in slots]
        asked = [self._asked_of[int(attempts[slot].request)] for slot in slots]
        failed = 0
        try:
            work = partial(self._run_batch, features, asked) if slots else list[Any]
            answers = await asyncio.get_running_loop().run_in_executor(self._executor, work)
            self._answers.update(zip(slots, answers, strict=True))
        except Exception as error:  # noqa: BLE001 - a batch that fails is answered with 500, whatever the reason
            LOG.error("batch of %d failed: %s", n, error)
            failed = 1
        self._ended(place, begun_us, rec.BATCH_DONE, replica, generation, failed)
        for slot in slots:
            self._answers.pop(slot, None)  # of attempts that nobody waited for
