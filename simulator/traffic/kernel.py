"""The compiled request path: gateway, feature cache, online store, dynamic batching, GPU, retries.

`advance` moves a Path to a given time, exactly: the order of events and every random draw are the same however the
time is cut into calls, so a command at time t takes effect at t. Timing of one attempt:

    gateway -> (cache hit | wait for a store connection -> read) -> pod's batch queue -> GPU -> answer

The gateway gives up at the route's deadline (504) but nobody cancels the work behind it: the attempt goes on as a
zombie and takes capacity from the living. The shop's front end retries after an exponential pause; when attempts are
used up it shows the non-personalised default.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from simulator.traffic.layout import (
    BACKING_OFF,
    BATCH_QUEUED,
    BATCH_TIMER,
    C_500,
    C_503,
    C_504,
    C_ATTEMPTS,
    C_CACHE_HITS,
    C_CACHE_MISSES,
    C_ERROR,
    C_FALLBACK,
    C_OK,
    C_POOL_TIMEOUTS,
    C_REJECTED,
    C_RETRIES,
    C_SERVED,
    C_ZOMBIES,
    DEADLINE,
    ERROR,
    FALLBACK,
    FREE,
    HEAP_MAX,
    LATENCY_BIN_GROWTH,
    LATENCY_BIN_MIN_S,
    LATENCY_BINS,
    OK,
    ON_GPU,
    P_ATTEMPTS_MAX,
    P_BACKOFF_S,
    P_CACHE_TTL_S,
    P_FALLBACK_UP,
    P_GATEWAY_UP,
    P_IN_FLIGHT_MAX,
    P_STORE_ACQUIRE_TIMEOUT_S,
    P_STORE_CONNECTIONS,
    P_STORE_DETERMINISTIC,
    P_STORE_READ_S,
    PC_BATCHES,
    PC_FAILED_ITEMS,
    PC_ITEMS,
    POD_BASE_S,
    POD_BATCH_MAX,
    POD_DELAY_S,
    POD_DONE,
    POD_FAIL_RATIO,
    POD_ITEM_S,
    POD_LAUNCH_S,
    POD_QUEUE_MAX,
    POD_SIGMA,
    POD_SLOWDOWN,
    RETRY,
    S_ARRIVAL,
    S_FREE,
    S_HEAP,
    S_IN_FLIGHT,
    S_OUT,
    S_OVERFLOW,
    S_QUEUE_HEAD,
    S_QUEUE_LEN,
    S_SEQ,
    S_STORE_BUSY,
    SLOTS_MAX,
    STORE_DONE,
    STORE_QUEUED,
    STORE_READING,
    T_NOW,
    T_STORE_BUSY_S,
    T_STORE_READS,
    T_STORE_WAIT_S,
)

# No reference counting inside: the path's arrays are borrowed, and counting 40 of them per call costs 5x.
_jit = njit(cache=True, error_model="numpy", _nrt=False)
_inline = njit(cache=True, error_model="numpy", _nrt=False, forceinline=True)
_LOG_GROWTH = math.log(LATENCY_BIN_GROWTH)
_STORE_STREAM, _GPU_STREAM, _CLIENT_STREAM = 0, 1, 2


@_inline
def _uniform(rng, stream):
    """SplitMix64, one state per purpose. Source: Steele, Lea & Flood, OOPSLA 2014."""
    rng[stream] = rng[stream] + np.uint64(0x9E3779B97F4A7C15)
    z = rng[stream]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (np.float64(z >> np.uint64(11)) + 0.5) * 1.1102230246251565e-16


@_inline
def _exponential(rng, stream, mean):
    return -mean * math.log(_uniform(rng, stream))


@_inline
def _push(p, t, kind, index, gen):
    n = p.scalars[S_HEAP]
    if n >= HEAP_MAX:
        p.scalars[S_OVERFLOW] += 1
        return
    seq = p.scalars[S_SEQ]
    p.scalars[S_SEQ] = seq + 1
    i = n
    while i > 0:
        parent = (i - 1) >> 1
        if p.heap_t[parent] < t or (p.heap_t[parent] == t and p.heap_seq[parent] < seq):
            break
        p.heap_t[i] = p.heap_t[parent]
        p.heap_seq[i] = p.heap_seq[parent]
        p.heap_kind[i] = p.heap_kind[parent]
        p.heap_index[i] = p.heap_index[parent]
        p.heap_gen[i] = p.heap_gen[parent]
        i = parent
    p.heap_t[i] = t
    p.heap_seq[i] = seq
    p.heap_kind[i] = kind
    p.heap_index[i] = index
    p.heap_gen[i] = gen
    p.scalars[S_HEAP] = n + 1


@_inline
def _drop_top(p):
    n = p.scalars[S_HEAP] - 1
    p.scalars[S_HEAP] = n
    if n == 0:
        return
    t, seq = p.heap_t[n], p.heap_seq[n]
    kind, index, gen = p.heap_kind[n], p.heap_index[n], p.heap_gen[n]
    i = 0
    while True:
        child = 2 * i + 1
        if child >= n:
            break
        right = child + 1
        if right < n and (
            p.heap_t[right] < p.heap_t[child]
            or (p.heap_t[right] == p.heap_t[child] and p.heap_seq[right] < p.heap_seq[child])
        ):
            child = right
        if t < p.heap_t[child] or (t == p.heap_t[child] and seq < p.heap_seq[child]):
            break
        p.heap_t[i] = p.heap_t[child]
        p.heap_seq[i] = p.heap_seq[child]
        p.heap_kind[i] = p.heap_kind[child]
        p.heap_index[i] = p.heap_index[child]
        p.heap_gen[i] = p.heap_gen[child]
        i = child
    p.heap_t[i], p.heap_seq[i] = t, seq
    p.heap_kind[i], p.heap_index[i], p.heap_gen[i] = kind, index, gen


@_inline
def _take_slot(p):
    n = p.scalars[S_FREE]
    if n == 0:
        return -1
    p.scalars[S_FREE] = n - 1
    return p.free[n - 1]


@_inline
def _release(p, slot):
    p.slot_state[slot] = FREE
    p.slot_gen[slot] += 1
    p.free[p.scalars[S_FREE]] = slot
    p.scalars[S_FREE] += 1


@_inline
def _record_latency(p, route, seconds):
    index = 0
    if seconds > LATENCY_BIN_MIN_S:
        index = min(LATENCY_BINS - 1, int(math.log(seconds / LATENCY_BIN_MIN_S) / _LOG_GROWTH))
    p.latency[route, index] += 1


@_inline
def _finish(p, out, now, first, read, route, entity, outcome):
    n = p.scalars[S_OUT]
    out.done_s[n] = now
    out.first_s[n] = first
    out.read_s[n] = read
    out.route[n] = route
    out.entity[n] = entity
    out.outcome[n] = outcome
    p.scalars[S_OUT] = n + 1
    if outcome == OK:
        p.counters[route, C_SERVED] += 1
    elif outcome == FALLBACK:
        p.counters[route, C_FALLBACK] += 1
    else:
        p.counters[route, C_ERROR] += 1


@_inline
def _give_up(p, out, now, first, route, entity):
    outcome = FALLBACK if p.params[P_FALLBACK_UP] > 0 and p.params[P_GATEWAY_UP] > 0 else ERROR
    _finish(p, out, now, first, -1.0, route, entity, outcome)


@_inline
def _attempt_failed(p, out, now, first, start, route, entity, tries, column):
    """The shopper's browser got 5xx: try again after a pause, or show the default."""
    p.counters[route, column] += 1
    _record_latency(p, route, now - start)
    p.scalars[S_IN_FLIGHT] -= 1
    if tries < p.params[P_ATTEMPTS_MAX]:
        slot = _take_slot(p)
        if slot >= 0:
            p.slot_first[slot] = first
            p.slot_route[slot] = route
            p.slot_entity[slot] = entity
            p.slot_try[slot] = tries
            p.slot_state[slot] = BACKING_OFF
            pause = _exponential(p.rng, _CLIENT_STREAM, p.params[P_BACKOFF_S])
            _push(p, now + pause, RETRY, slot, p.slot_gen[slot])
            return
        p.scalars[S_OVERFLOW] += 1
    _give_up(p, out, now, first, route, entity)


@_inline
def _fail_slot(p, out, now, slot, column):
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


@_inline
def _start_read(p, now, slot):
    p.scalars[S_STORE_BUSY] += 1
    p.slot_state[slot] = STORE_READING
    seconds = p.params[P_STORE_READ_S]
    if p.params[P_STORE_DETERMINISTIC] == 0.0:
        seconds = _exponential(p.rng, _STORE_STREAM, seconds)
    p.clock[T_STORE_WAIT_S] += now - p.slot_queued[slot]
    p.clock[T_STORE_READS] += 1
    p.clock[T_STORE_BUSY_S] += seconds
    _push(p, now + seconds, STORE_DONE, slot, p.slot_gen[slot])


@_inline
def _serve_store_queue(p, now):
    while p.scalars[S_QUEUE_LEN] > 0 and p.scalars[S_STORE_BUSY] < p.params[P_STORE_CONNECTIONS]:
        head = p.scalars[S_QUEUE_HEAD]
        slot = p.queue[head]
        p.scalars[S_QUEUE_HEAD] = (head + 1) % SLOTS_MAX
        p.scalars[S_QUEUE_LEN] -= 1
        _start_read(p, now, slot)


@_inline
def _launch(p, now, pod):
    n = min(p.pod_len[pod], int(p.pods[pod, POD_BATCH_MAX]))
    head = p.pod_head[pod]
    for k in range(n):
        slot = p.pod_queue[pod, (head + k) % POD_QUEUE_MAX]
        p.slot_state[slot] = ON_GPU
        p.pod_batch[pod, k] = slot
    p.pod_head[pod] = (head + n) % POD_QUEUE_MAX
    p.pod_len[pod] -= n
    p.pod_batch_len[pod] = n
    seconds = max(p.pods[pod, POD_LAUNCH_S], p.pods[pod, POD_BASE_S] + p.pods[pod, POD_ITEM_S] * n)
    sigma = p.pods[pod, POD_SIGMA]
    if sigma > 0.0:
        radius = math.sqrt(-2.0 * math.log(_uniform(p.rng, _GPU_STREAM)))
        normal = radius * math.cos(2.0 * math.pi * _uniform(p.rng, _GPU_STREAM))
        seconds *= math.exp(sigma * normal)
    seconds *= p.pods[pod, POD_SLOWDOWN]
    p.pod_busy_s[pod] += seconds
    p.pod_counters[pod, PC_BATCHES] += 1
    p.pod_counters[pod, PC_ITEMS] += n
    _push(p, now + seconds, POD_DONE, pod, p.pod_gen[pod])


@_inline
def _consider_batch(p, now, pod):
    """Launch when full or when the oldest request has waited the maximum delay; otherwise set the timer for it."""
    if p.pod_batch_len[pod] > 0 or p.pod_len[pod] == 0:
        return
    oldest = p.slot_queued[p.pod_queue[pod, p.pod_head[pod]]]
    due = oldest + p.pods[pod, POD_DELAY_S]
    if p.pod_len[pod] >= p.pods[pod, POD_BATCH_MAX] or due <= now:
        _launch(p, now, pod)
    else:
        _push(p, due, BATCH_TIMER, pod, p.pod_gen[pod])


@_inline
def _to_batch(p, out, now, slot):
    pod = p.slot_pod[slot]
    if p.pod_len[pod] >= POD_QUEUE_MAX:
        p.counters[p.slot_route[slot], C_REJECTED] += 1
        _fail_slot(p, out, now, slot, C_503)
        _release(p, slot)
        return
    p.slot_state[slot] = BATCH_QUEUED
    p.slot_queued[slot] = now
    p.pod_queue[pod, (p.pod_head[pod] + p.pod_len[pod]) % POD_QUEUE_MAX] = slot
    p.pod_len[pod] += 1
    if p.pod_len[pod] == 1 or p.pod_len[pod] >= p.pods[pod, POD_BATCH_MAX]:
        _consider_batch(p, now, pod)


@_inline
def _begin_attempt(p, out, now, first, route, entity, tries):
    p.counters[route, C_ATTEMPTS] += 1
    p.scalars[S_IN_FLIGHT] += 1
    count = p.route_pod_count[route]
    if p.params[P_GATEWAY_UP] <= 0 or count == 0 or p.scalars[S_IN_FLIGHT] > p.params[P_IN_FLIGHT_MAX]:
        p.counters[route, C_REJECTED] += 1
        _attempt_failed(p, out, now, first, now, route, entity, tries, C_503)
        return
    slot = _take_slot(p)
    if slot < 0:
        p.scalars[S_OVERFLOW] += 1
        _attempt_failed(p, out, now, first, now, route, entity, p.params[P_ATTEMPTS_MAX], C_503)
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
    _push(p, now + p.route_deadline[route], DEADLINE, slot, p.slot_gen[slot])
    if now - p.cache[pod, entity] < p.params[P_CACHE_TTL_S]:
        p.counters[route, C_CACHE_HITS] += 1
        p.slot_read[slot] = p.cache[pod, entity]
        _to_batch(p, out, now, slot)
        return
    p.counters[route, C_CACHE_MISSES] += 1
    if p.scalars[S_STORE_BUSY] < p.params[P_STORE_CONNECTIONS] and p.scalars[S_QUEUE_LEN] == 0:
        _start_read(p, now, slot)
    else:
        p.slot_state[slot] = STORE_QUEUED
        p.queue[(p.scalars[S_QUEUE_HEAD] + p.scalars[S_QUEUE_LEN]) % SLOTS_MAX] = slot
        p.scalars[S_QUEUE_LEN] += 1


@_inline
def _pod_done(p, out, now, pod):
    failed = p.pods[pod, POD_FAIL_RATIO] > 0.0 and _uniform(p.rng, _GPU_STREAM) < p.pods[pod, POD_FAIL_RATIO]
    n = p.pod_batch_len[pod]
    p.pod_batch_len[pod] = 0
    for k in range(n):
        slot = p.pod_batch[pod, k]
        route = p.slot_route[slot]
        if failed:
            p.pod_counters[pod, PC_FAILED_ITEMS] += 1
            _fail_slot(p, out, now, slot, C_500)
        elif p.slot_late[slot] == 1:
            p.counters[route, C_ZOMBIES] += 1
        else:
            p.counters[route, C_OK] += 1
            _record_latency(p, route, now - p.slot_start[slot])
            p.scalars[S_IN_FLIGHT] -= 1
            _finish(p, out, now, p.slot_first[slot], p.slot_read[slot], route, p.slot_entity[slot], OK)
        _release(p, slot)
    _consider_batch(p, now, pod)


@_inline
def _store_done(p, out, now, slot):
    p.scalars[S_STORE_BUSY] -= 1
    pod = p.slot_pod[slot]
    if pod < 0:
        _release(p, slot)
    else:
        p.cache[pod, p.slot_entity[slot]] = now
        p.slot_read[slot] = now
        _to_batch(p, out, now, slot)
    _serve_store_queue(p, now)


@_inline
def _handle_top(p, out):
    now, kind, index, gen = p.heap_t[0], p.heap_kind[0], p.heap_index[0], p.heap_gen[0]
    _drop_top(p)
    if kind == POD_DONE:
        if gen == p.pod_gen[index]:
            _pod_done(p, out, now, index)
    elif kind == BATCH_TIMER:
        if gen == p.pod_gen[index]:
            _consider_batch(p, now, index)
    elif gen == p.slot_gen[index]:
        if kind == STORE_DONE:
            _store_done(p, out, now, index)
        elif kind == DEADLINE:
            _fail_slot(p, out, now, index, C_504)
        else:
            first, route = p.slot_first[index], p.slot_route[index]
            entity, tries = p.slot_entity[index], p.slot_try[index]
            _release(p, index)
            p.counters[route, C_RETRIES] += 1
            _begin_attempt(p, out, now, first, route, entity, tries + 1)


@_inline
def _expire_head(p, out, now):
    head = p.scalars[S_QUEUE_HEAD]
    slot = p.queue[head]
    p.scalars[S_QUEUE_HEAD] = (head + 1) % SLOTS_MAX
    p.scalars[S_QUEUE_LEN] -= 1
    p.counters[p.slot_route[slot], C_POOL_TIMEOUTS] += 1
    _fail_slot(p, out, now, slot, C_503)
    _release(p, slot)


@_jit
def advance(p, arrival_s, arrival_route, arrival_entity, out, until_s):
    """Run the path to `until_s`. Arrivals are read from `scalars[S_ARRIVAL]` on; finished requests go to `out`.

    Returns the number of finished requests. `out` must hold at least the arrivals of the call plus SLOTS_MAX.
    """
    p.scalars[S_OUT] = 0
    _serve_store_queue(p, p.clock[T_NOW])
    n = len(arrival_s)
    while True:
        i = p.scalars[S_ARRIVAL]
        t_arrival = arrival_s[i] if i < n else np.inf
        t_heap = p.heap_t[0] if p.scalars[S_HEAP] > 0 else np.inf
        t_expiry = np.inf
        if p.scalars[S_QUEUE_LEN] > 0:
            t_expiry = p.slot_queued[p.queue[p.scalars[S_QUEUE_HEAD]]] + p.params[P_STORE_ACQUIRE_TIMEOUT_S]
        now = min(t_arrival, t_heap, t_expiry)
        if now > until_s or now == np.inf:
            break
        p.clock[T_NOW] = now
        if t_heap == now:
            _handle_top(p, out)
        elif t_expiry == now:
            _expire_head(p, out, now)
        else:
            p.scalars[S_ARRIVAL] = i + 1
            _begin_attempt(p, out, now, now, arrival_route[i], arrival_entity[i], 1)
    p.clock[T_NOW] = until_s
    return p.scalars[S_OUT]


@_jit
def kill_pod(p, out, pod, start_out):
    """A pod's process ended now: whatever it held fails, its cache is gone. Finished requests go to `out`."""
    now = p.clock[T_NOW]
    p.scalars[S_OUT] = start_out
    p.pod_gen[pod] += 1
    p.pod_len[pod] = 0
    p.pod_batch_len[pod] = 0
    for slot in range(SLOTS_MAX):
        state = p.slot_state[slot]
        if state == FREE or state == BACKING_OFF or p.slot_pod[slot] != pod:
            continue
        _fail_slot(p, out, now, slot, C_503)
        if state == STORE_QUEUED or state == STORE_READING:
            p.slot_pod[slot] = -1
        else:
            _release(p, slot)
    p.cache[pod, :] = -1e9
    return p.scalars[S_OUT]
