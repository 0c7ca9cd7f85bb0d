"""The compiled request path: gateway, feature cache, online store, dynamic batching, GPU, retries.

`advance` moves a Path to a given time, exactly: the order of events and every random draw are the same however the
time is cut into calls, so a command at time t takes effect at t. Timing of one attempt:

    gateway -> (cache hit | wait for a store connection -> read) -> pod's batch queue -> GPU -> answer

The gateway gives up at the route's deadline (504) but nobody cancels the work behind it: the attempt goes on as a
zombie and takes capacity from the living. The shop's front end retries after an exponential pause; when attempts are
used up it shows the non-personalised default.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reference_platform.arithmetic import cos_of_turns, exp, log
from reference_platform.compilation import compiled, inline
from simulator.traffic import layout as lay
from simulator.traffic.heap import drop_top, exponential, push, uniform

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_STORE_STREAM, _GPU_STREAM, _CLIENT_STREAM = 0, 1, 2


@inline
def _take_slot(p: lay.Path) -> int:
    n = p.scalars[lay.S_FREE]
    if n == 0:
        return -1
    p.scalars[lay.S_FREE] = n - 1
    return int(p.free[n - 1])


@inline
def _release(p: lay.Path, slot: int) -> None:
    p.slot_state[slot] = lay.FREE
    p.slot_gen[slot] += 1
    p.free[p.scalars[lay.S_FREE]] = slot
    p.scalars[lay.S_FREE] += 1


@inline
def _record_latency(p: lay.Path, route: int, seconds: float, ok: bool) -> None:
    index = 0
    if seconds > lay.LATENCY_BIN_MIN_S:
        index = min(lay.LATENCY_BINS - 1, int(log(seconds / lay.LATENCY_BIN_MIN_S) / lay.LOG_LATENCY_BIN_GROWTH))
    p.latency[route, index] += 1
    if ok:
        p.latency_ok[route, index] += 1


@inline
def _finish(
    p: lay.Path, out: lay.Finished, now: float, first: float, read: float, route: int, entity: int, outcome: int
) -> None:
    n = p.scalars[lay.S_OUT]
    out.done_s[n] = now
    out.first_s[n] = first
    out.read_s[n] = read
    out.route[n] = route
    out.entity[n] = entity
    out.outcome[n] = outcome
    p.scalars[lay.S_OUT] = n + 1
    if outcome == lay.OK:
        p.counters[route, lay.C_SERVED] += 1
    elif outcome == lay.FALLBACK:
        p.counters[route, lay.C_FALLBACK] += 1
    else:
        p.counters[route, lay.C_ERROR] += 1


@inline
def _give_up(p: lay.Path, out: lay.Finished, now: float, first: float, route: int, entity: int) -> None:
    outcome = lay.FALLBACK if p.params[lay.P_FALLBACK_UP] > 0 and p.params[lay.P_GATEWAY_UP] > 0 else lay.ERROR
    _finish(p, out, now, first, -1.0, route, entity, outcome)


@inline
def _attempt_failed(
    p: lay.Path,
    out: lay.Finished,
    now: float,
    first: float,
    start: float,
    route: int,
    entity: int,
    tries: float,
    column: int,
) -> None:
    """The shopper's browser got 5xx: try again after a pause, or show the default."""
    p.counters[route, column] += 1
    _record_latency(p, route, now - start, False)
    p.scalars[lay.S_IN_FLIGHT] -= 1
    if tries < p.params[lay.P_ATTEMPTS_MAX]:
        slot = _take_slot(p)
        if slot >= 0:
            p.slot_first[slot] = first
            p.slot_route[slot] = route
            p.slot_entity[slot] = entity
            p.slot_try[slot] = tries
            p.slot_state[slot] = lay.BACKING_OFF
            pause = exponential(p.rng, _CLIENT_STREAM, p.params[lay.P_BACKOFF_S])
            push(p, now + pause, lay.RETRY, slot, p.slot_gen[slot])
            return
        p.scalars[lay.S_OVERFLOW] += 1
    _give_up(p, out, now, first, route, entity)


@inline
def _fail_slot(p: lay.Path, out: lay.Finished, now: float, slot: int, column: int) -> None:
    """Answer the attempt with an error unless the gateway already has."""
    if p.slot_late[slot] == 0:
        p.slot_late[slot] = 1
        _attempt_failed(
            p,
            out,
            now,
            p.slot_first[slot],
            p.slot_start[slot],
            p.slot_route[slot],
            p.slot_entity[slot],
            p.slot_try[slot],
            column,
        )


@inline
def _start_read(p: lay.Path, now: float, slot: int) -> None:
    p.scalars[lay.S_STORE_BUSY] += 1
    p.slot_state[slot] = lay.STORE_READING
    seconds = p.params[lay.P_STORE_READ_S]
    if p.params[lay.P_STORE_DETERMINISTIC] == 0.0:
        seconds = exponential(p.rng, _STORE_STREAM, seconds)
    p.clock[lay.T_STORE_WAIT_S] += now - p.slot_queued[slot]
    p.clock[lay.T_STORE_READS] += 1
    p.clock[lay.T_STORE_BUSY_S] += seconds
    push(p, now + seconds, lay.STORE_DONE, slot, p.slot_gen[slot])


@inline
def _serve_store_queue(p: lay.Path, now: float) -> None:
    while p.scalars[lay.S_QUEUE_LEN] > 0 and p.scalars[lay.S_STORE_BUSY] < p.params[lay.P_STORE_CONNECTIONS]:
        head = p.scalars[lay.S_QUEUE_HEAD]
        slot = p.queue[head]
        p.scalars[lay.S_QUEUE_HEAD] = (head + 1) % lay.SLOTS_MAX
        p.scalars[lay.S_QUEUE_LEN] -= 1
        _start_read(p, now, slot)


@inline
def _launch(p: lay.Path, now: float, pod: int) -> None:
    n = min(p.pod_len[pod], int(p.pods[pod, lay.POD_BATCH_MAX]))
    head = p.pod_head[pod]
    for k in range(n):
        slot = p.pod_queue[pod, (head + k) % lay.POD_QUEUE_MAX]
        p.slot_state[slot] = lay.ON_GPU
        p.pod_batch[pod, k] = slot
    p.pod_head[pod] = (head + n) % lay.POD_QUEUE_MAX
    p.pod_len[pod] -= n
    p.pod_batch_len[pod] = n
    seconds = max(p.pods[pod, lay.POD_LAUNCH_S], p.pods[pod, lay.POD_BASE_S] + p.pods[pod, lay.POD_ITEM_S] * n)
    sigma = p.pods[pod, lay.POD_SIGMA]
    if sigma > 0.0:
        radius = np.sqrt(-2.0 * log(uniform(p.rng, _GPU_STREAM)))
        normal = radius * cos_of_turns(uniform(p.rng, _GPU_STREAM))
        seconds *= exp(sigma * normal)
    seconds *= p.pods[pod, lay.POD_SLOWDOWN]
    p.pod_busy_s[pod] += seconds
    p.pod_counters[pod, lay.PC_BATCHES] += 1
    p.pod_counters[pod, lay.PC_ITEMS] += n
    push(p, now + seconds, lay.POD_DONE, pod, p.pod_gen[pod])


@inline
def _consider_batch(p: lay.Path, now: float, pod: int) -> None:
    """Launch when full or when the oldest request has waited the maximum delay; otherwise set the timer for it."""
    if p.pod_batch_len[pod] > 0 or p.pod_len[pod] == 0:
        return
    oldest = p.slot_queued[p.pod_queue[pod, p.pod_head[pod]]]
    due = oldest + p.pods[pod, lay.POD_DELAY_S]
    if p.pod_len[pod] >= p.pods[pod, lay.POD_BATCH_MAX] or due <= now:
        _launch(p, now, pod)
    else:
        push(p, due, lay.BATCH_TIMER, pod, p.pod_gen[pod])


@inline
def _to_batch(p: lay.Path, out: lay.Finished, now: float, slot: int) -> None:
    pod = p.slot_pod[slot]
    if p.pod_len[pod] >= p.pod_queue_limit[pod]:
        p.counters[p.slot_route[slot], lay.C_REJECTED] += 1
        _fail_slot(p, out, now, slot, lay.C_503)
        _release(p, slot)
        return
    p.slot_state[slot] = lay.BATCH_QUEUED
    p.slot_queued[slot] = now
    p.pod_queue[pod, (p.pod_head[pod] + p.pod_len[pod]) % lay.POD_QUEUE_MAX] = slot
    p.pod_len[pod] += 1
    if p.pod_len[pod] == 1 or p.pod_len[pod] >= p.pods[pod, lay.POD_BATCH_MAX]:
        _consider_batch(p, now, pod)


@inline
def _begin_attempt(
    p: lay.Path, out: lay.Finished, now: float, first: float, route: int, entity: int, tries: float
) -> None:
    p.counters[route, lay.C_ATTEMPTS] += 1
    p.scalars[lay.S_IN_FLIGHT] += 1
    count = p.route_pod_count[route]
    if p.params[lay.P_GATEWAY_UP] <= 0 or count == 0 or p.scalars[lay.S_IN_FLIGHT] > p.params[lay.P_IN_FLIGHT_MAX]:
        p.counters[route, lay.C_REJECTED] += 1
        _attempt_failed(p, out, now, first, now, route, entity, tries, lay.C_503)
        return
    slot = _take_slot(p)
    if slot < 0:
        p.scalars[lay.S_OVERFLOW] += 1
        _attempt_failed(p, out, now, first, now, route, entity, p.params[lay.P_ATTEMPTS_MAX], lay.C_503)
        return
    turn = p.route_turn[route] % count
    p.route_turn[route] = turn + 1
    pod = p.route_pods[route, turn]
    p.slot_first[slot] = first
    p.slot_start[slot] = now
    p.slot_queued[slot] = now
    p.slot_route[slot] = route
    p.slot_entity[slot] = entity
    p.slot_try[slot] = tries
    p.slot_pod[slot] = pod
    p.slot_late[slot] = 0
    if p.scalars[lay.S_HEAP] < lay.HEAP_DEADLINES_MAX:
        push(p, now + p.route_deadline[route], lay.DEADLINE, slot, p.slot_gen[slot])
    else:
        p.scalars[lay.S_OVERFLOW] += 1
    if now - p.cache[pod, entity] < p.params[lay.P_CACHE_TTL_S]:
        p.counters[route, lay.C_CACHE_HITS] += 1
        p.slot_read[slot] = p.cache[pod, entity]
        _to_batch(p, out, now, slot)
        return
    p.counters[route, lay.C_CACHE_MISSES] += 1
    if p.scalars[lay.S_STORE_BUSY] < p.params[lay.P_STORE_CONNECTIONS] and p.scalars[lay.S_QUEUE_LEN] == 0:
        _start_read(p, now, slot)
    else:
        p.slot_state[slot] = lay.STORE_QUEUED
        p.queue[(p.scalars[lay.S_QUEUE_HEAD] + p.scalars[lay.S_QUEUE_LEN]) % lay.SLOTS_MAX] = slot
        p.scalars[lay.S_QUEUE_LEN] += 1


@inline
def _pod_done(p: lay.Path, out: lay.Finished, now: float, pod: int) -> None:
    failed = p.pods[pod, lay.POD_FAIL_RATIO] > 0.0 and uniform(p.rng, _GPU_STREAM) < p.pods[pod, lay.POD_FAIL_RATIO]
    n = p.pod_batch_len[pod]
    p.pod_batch_len[pod] = 0
    for k in range(n):
        slot = p.pod_batch[pod, k]
        route = p.slot_route[slot]
        if failed:
            p.pod_counters[pod, lay.PC_FAILED_ITEMS] += 1
            _fail_slot(p, out, now, slot, lay.C_500)
        elif p.slot_late[slot] == 1:
            p.counters[route, lay.C_ZOMBIES] += 1
        else:
            p.counters[route, lay.C_OK] += 1
            _record_latency(p, route, now - p.slot_start[slot], True)
            p.scalars[lay.S_IN_FLIGHT] -= 1
            _finish(p, out, now, p.slot_first[slot], p.slot_read[slot], route, p.slot_entity[slot], lay.OK)
        _release(p, slot)
    _consider_batch(p, now, pod)


@inline
def _store_done(p: lay.Path, out: lay.Finished, now: float, slot: int) -> None:
    p.scalars[lay.S_STORE_BUSY] -= 1
    pod = p.slot_pod[slot]
    if pod < 0:
        _release(p, slot)
    else:
        p.cache[pod, p.slot_entity[slot]] = now
        p.slot_read[slot] = now
        _to_batch(p, out, now, slot)
    _serve_store_queue(p, now)


@inline
def _handle_top(p: lay.Path, out: lay.Finished) -> None:
    now, kind, index, gen = p.heap_t[0], p.heap_kind[0], p.heap_index[0], p.heap_gen[0]
    drop_top(p)
    if kind == lay.POD_DONE:
        if gen == p.pod_gen[index]:
            _pod_done(p, out, now, index)
    elif kind == lay.BATCH_TIMER:
        if gen == p.pod_gen[index]:
            _consider_batch(p, now, index)
    elif gen == p.slot_gen[index]:
        if kind == lay.STORE_DONE:
            _store_done(p, out, now, index)
        elif kind == lay.DEADLINE:
            _fail_slot(p, out, now, index, lay.C_504)
        else:
            first, route = p.slot_first[index], p.slot_route[index]
            entity, tries = p.slot_entity[index], p.slot_try[index]
            _release(p, index)
            p.counters[route, lay.C_RETRIES] += 1
            _begin_attempt(p, out, now, first, route, entity, tries + 1)


@inline
def _expire_head(p: lay.Path, out: lay.Finished, now: float) -> None:
    head = p.scalars[lay.S_QUEUE_HEAD]
    slot = p.queue[head]
    p.scalars[lay.S_QUEUE_HEAD] = (head + 1) % lay.SLOTS_MAX
    p.scalars[lay.S_QUEUE_LEN] -= 1
    p.counters[p.slot_route[slot], lay.C_POOL_TIMEOUTS] += 1
    _fail_slot(p, out, now, slot, lay.C_503)
    _release(p, slot)


@compiled
def advance(
    p: lay.Path, arrival_s: Floats, arrival_route: Ints, arrival_entity: Ints, out: lay.Finished, until_s: float
) -> int:
    """Run the path to `until_s`. Arrivals are read from `scalars[lay.S_ARRIVAL]` on; finished requests go to `out`.

    Returns the number of finished requests. `out` must hold at least the arrivals of the call plus lay.SLOTS_MAX.
    """
    p.scalars[lay.S_OUT] = 0
    _serve_store_queue(p, p.clock[lay.T_NOW])
    n = len(arrival_s)
    while True:
        i = p.scalars[lay.S_ARRIVAL]
        t_arrival = arrival_s[i] if i < n else np.inf
        t_heap = p.heap_t[0] if p.scalars[lay.S_HEAP] > 0 else np.inf
        t_expiry = np.inf
        if p.scalars[lay.S_QUEUE_LEN] > 0:
            t_expiry = p.slot_queued[p.queue[p.scalars[lay.S_QUEUE_HEAD]]] + p.params[lay.P_STORE_ACQUIRE_TIMEOUT_S]
        now = min(t_arrival, t_heap, t_expiry)
        if now > until_s or now == np.inf:
            break
        p.clock[lay.T_NOW] = now
        if t_heap == now:
            _handle_top(p, out)
        elif t_expiry == now:
            _expire_head(p, out, now)
        else:
            p.scalars[lay.S_ARRIVAL] = i + 1
            _begin_attempt(p, out, now, now, arrival_route[i], arrival_entity[i], 1)
    p.clock[lay.T_NOW] = until_s
    return int(p.scalars[lay.S_OUT])


@compiled
def kill_pod(p: lay.Path, out: lay.Finished, pod: int, start_out: int) -> int:
    """A pod's process ended now: whatever it held fails, its cache is gone. Finished requests go to `out`."""
    now = p.clock[lay.T_NOW]
    p.scalars[lay.S_OUT] = start_out
    p.pod_gen[pod] += 1
    p.pod_len[pod] = 0
    p.pod_batch_len[pod] = 0
    for slot in range(lay.SLOTS_MAX):
        state = p.slot_state[slot]
        if state == lay.FREE or state == lay.BACKING_OFF or p.slot_pod[slot] != pod:
            continue
        _fail_slot(p, out, now, slot, lay.C_503)
        if state == lay.STORE_QUEUED or state == lay.STORE_READING:
            p.slot_pod[slot] = -1
        else:
            _release(p, slot)
    p.cache[pod, :] = -1e9
    return int(p.scalars[lay.S_OUT])
