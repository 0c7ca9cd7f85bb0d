"""The virtual driver of the serving core: a heap of events, durations, and the draws behind them. It decides nothing.

`advance` moves the core to a given time, exactly: the order of events and every draw are the same however the time is
cut into calls, so a command at time t takes effect at t. Every draw belongs to a request or a batch by its number.
With recorded durations it draws nothing and replays what a live server measured.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference_platform.arithmetic import cos_of_turns, exp, log
from reference_platform.compilation import compiled, inline
from reference_platform.serving import records as rec
from reference_platform.serving.machine import step
from reference_platform.serving.store_queue import serve_store
from reference_platform.serving.trace import CARRIED_OUT
from simulator.traffic.heap import PENDING, Heap, drop_top, exponential, new_heap, push, uniform

SERVICE = np.dtype(
    [(name, "f8") for name in ("launch_us", "base_us", "item_us", "sigma", "slowdown", "fail_ratio")], align=True
)
"""How fast a replica is: a batch of n takes max(launch, base + item n), times log-normal jitter and a slow-down."""
STORE_SEED, GPU_SEED, PAUSE_SEED, FAILURE_SEED = range(4)
# Entries of Virtual.counts.
NOW_US, NEXT_INPUT, NEXT_RECORDED, TRACED = range(4)
# Entries of Virtual.means.
READ_US, PAUSE_US, DETERMINISTIC = range(3)


class Virtual(NamedTuple):
    """What the virtual driver keeps beside the core."""

    heap: Heap
    service: rec.Records
    seeds: NDArray[np.uint64]
    counts: NDArray[np.int64]
    means: NDArray[np.float64]
    recorded: rec.Records
    trace: rec.Records
    trace_us: NDArray[np.int64]


def new_virtual(state: rec.State, seed: int, recorded: rec.Records | None = None, trace_rows: int = 0) -> Virtual:
    """A driver at time 0. `seed` fixes every service time and pause; `trace_rows` effects are kept for comparison."""
    # Reads, pauses and batches are bounded by attempts, timers by replicas and routes; the rest is for lost replicas.
    events_max = 2 * len(state.attempts) + 8 * len(state.replicas) + len(state.routes) + 64
    return Virtual(
        heap=new_heap(events_max),
        service=rec.table(SERVICE, len(state.replicas)),
        seeds=np.array([(seed + k * 0x9E3779B97F4A7C15) % 2**64 for k in range(1, 5)], np.uint64),
        counts=np.zeros(4, np.int64),
        means=np.zeros(3, np.float64),
        recorded=rec.table(CARRIED_OUT, 0) if recorded is None else recorded,
        trace=rec.table(rec.EFFECT, trace_rows),
        trace_us=np.zeros(trace_rows, np.int64),
    )


@inline
def _batch_number(s: rec.State, index: int) -> int:
    return int(s.replicas[index].serial * (1 << 32) + s.replicas[index].batches)


@inline
def _batch_us(s: rec.State, v: Virtual, index: int, n: int) -> float:
    speed = v.service[index]
    micros = max(speed.launch_us, speed.base_us + speed.item_us * n)
    if speed.sigma > 0.0:
        number = 2 * _batch_number(s, index)
        radius = np.sqrt(-2.0 * log(uniform(v.seeds[GPU_SEED], number)))
        micros *= exp(speed.sigma * radius * cos_of_turns(uniform(v.seeds[GPU_SEED], number + 1)))
    return float(micros * speed.slowdown)


@inline
def _fails(s: rec.State, v: Virtual, index: int) -> int:
    ratio = v.service[index].fail_ratio
    return 1 if ratio > 0.0 and uniform(v.seeds[FAILURE_SEED], _batch_number(s, index)) < ratio else 0


@inline
def _keep(v: Virtual, effect: rec.Records, now: int) -> None:
    """Write an effect into the trace, while there is room."""
    at = v.counts[TRACED]
    if at < len(v.trace):
        kept = v.trace[at]
        kept.value_us = effect.value_us
        kept.generation = effect.generation
        kept.kind = effect.kind
        kept.index = effect.index
        kept.of = effect.of
        kept.n = effect.n
        v.trace_us[at] = now
        v.counts[TRACED] = at + 1


@inline
def _drawn_us(s: rec.State, v: Virtual, effect: rec.Records, now: int) -> int:
    """How long an effect takes from now on. A timer takes what is left until it is due."""
    if effect.kind == rec.SET_TIMER:
        return int(max(0, effect.value_us - now))
    if effect.kind == rec.START_BATCH:
        return int(_batch_us(s, v, effect.index, effect.n) + 0.5)
    number = 8 * s.attempts[effect.index].request + effect.of
    if effect.kind == rec.START_PAUSE:
        return int(exponential(v.seeds[PAUSE_SEED], number, v.means[PAUSE_US]) + 0.5)
    if v.means[DETERMINISTIC] > 0.0:
        return int(v.means[READ_US] + 0.5)
    return int(exponential(v.seeds[STORE_SEED], number, v.means[READ_US]) + 0.5)


@inline
def _plan(v: Virtual, effect: rec.Records, at_us: int, failed: int) -> None:
    if effect.kind == rec.START_READ:
        push(v.heap, at_us, rec.FEATURES, effect.index, effect.generation, 0)
    elif effect.kind == rec.START_BATCH:
        push(v.heap, at_us, rec.BATCH_DONE, effect.index, effect.generation, failed)
    else:
        timer = effect.of if effect.kind == rec.SET_TIMER else rec.RETRY
        push(v.heap, at_us, rec.TIMER, effect.index, effect.generation, timer)


@inline
def _carry_out(s: rec.State, v: Virtual, now: int) -> None:
    """Plan what comes of each effect, and forget the effects."""
    for at in range(s.counts[rec.EFFECTS]):
        effect = s.effects[at]
        _keep(v, effect, now)
        if effect.kind >= rec.ANSWER:
            continue
        if len(v.recorded) == 0:
            _plan(v, effect, now + _drawn_us(s, v, effect, now), 0)
        elif v.counts[NEXT_RECORDED] < len(v.recorded):
            fact = v.recorded[v.counts[NEXT_RECORDED]]
            v.counts[NEXT_RECORDED] += 1
            if fact.duration_us >= 0:
                _plan(v, effect, now + fact.duration_us, fact.failed)
    s.counts[rec.EFFECTS] = 0


@compiled
def advance(s: rec.State, v: Virtual, inputs: rec.Records, until_us: int) -> bool:
    """Run the core to `until_us`. `inputs` are read from `counts[NEXT_INPUT]` on; answers pile up in `s.answers`.

    False when the answers had no more room before `until_us`: take them away and call again.
    """
    serve_store(s, v.counts[NOW_US])
    _carry_out(s, v, v.counts[NOW_US])
    n = len(inputs)
    answers_max = len(s.answers) - len(s.attempts)
    while True:
        if s.counts[rec.ANSWERS] >= answers_max:
            return False
        i = v.counts[NEXT_INPUT]
        from_heap = v.heap.counts[PENDING] > 0 and (i >= n or v.heap.events[0].t_us <= inputs[i].t_us)
        if from_heap:
            event = v.heap.events[0]
            now, kind, index, number, of = event.t_us, event.kind, event.index, event.number, event.of
            entity, lot = 0, 0
        elif i < n:
            row = inputs[i]
            now, kind, index, number, of = row.t_us, row.kind, row.index, row.number, row.of
            entity, lot = row.entity, row.lot
        else:
            break
        if now > until_us:
            break
        if from_heap:
            drop_top(v.heap)
            if kind == rec.BATCH_DONE and len(v.recorded) == 0:
                of = _fails(s, v, index)
        else:
            v.counts[NEXT_INPUT] = i + 1
        v.counts[NOW_US] = now
        step(s, now, kind, index, number, of, entity, lot)
        _carry_out(s, v, now)
    v.counts[NOW_US] = until_us
    return True
