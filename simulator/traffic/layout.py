"""Memory layout of the request path: index constants and the arrays that live between calls.

Everything is a flat NumPy array so that the compiled kernel can run without the interpreter. Sizes are fixed;
reaching one is counted, never an exception.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference_platform.arithmetic import exp_of

ROUTES_MAX = 8
PODS_MAX = 64
SLOTS_MAX = 32_768
HEAP_MAX = SLOTS_MAX * 4
HEAP_DEADLINES_MAX = SLOTS_MAX * 2
"""Above this no deadline is added. Deadlines outlive their attempts; were they to fill the heap, the end of a store
read would be lost and its connection with it."""
POD_QUEUE_MAX = 2_048
BATCH_MAX = 256
LATENCY_BINS = 256
LATENCY_BIN_MIN_S = 1e-4
LATENCY_BIN_GROWTH = 1.05
LOG_LATENCY_BIN_GROWTH = 0.04879016416943205

# How a request ended for the shopper.
OK, FALLBACK, ERROR = 0, 1, 2

# Event kinds in the heap.
STORE_DONE, DEADLINE, BATCH_TIMER, POD_DONE, RETRY = 0, 1, 2, 3, 4

# States of a slot.
FREE, STORE_QUEUED, STORE_READING, BATCH_QUEUED, ON_GPU, BACKING_OFF = 0, 1, 2, 3, 4, 5

# Columns of Path.counters (per route, cumulative).
(
    C_ATTEMPTS,
    C_OK,
    C_504,
    C_503,
    C_500,
    C_SERVED,
    C_FALLBACK,
    C_ERROR,
    C_RETRIES,
    C_ZOMBIES,
    C_POOL_TIMEOUTS,
    C_CACHE_HITS,
    C_CACHE_MISSES,
    C_REJECTED,
) = range(14)
COUNTERS = 14

# Columns of Path.pod_counters.
PC_BATCHES, PC_ITEMS, PC_FAILED_ITEMS = 0, 1, 2

# Entries of Path.scalars (int64).
S_HEAP, S_FREE, S_QUEUE_HEAD, S_QUEUE_LEN, S_STORE_BUSY, S_SEQ, S_IN_FLIGHT, S_ARRIVAL, S_OUT, S_OVERFLOW = range(10)
SCALARS = 10

# Entries of Path.clock (float64): now, integral of busy store connections, summed store wait, store reads.
T_NOW, T_STORE_BUSY_S, T_STORE_WAIT_S, T_STORE_READS = range(4)

# Entries of Path.params (float64), all changeable between calls.
(
    P_STORE_CONNECTIONS,
    P_STORE_READ_S,
    P_STORE_ACQUIRE_TIMEOUT_S,
    P_CACHE_TTL_S,
    P_ATTEMPTS_MAX,
    P_BACKOFF_S,
    P_IN_FLIGHT_MAX,
    P_GATEWAY_UP,
    P_FALLBACK_UP,
    P_STORE_DETERMINISTIC,
) = range(10)
PARAMS = 10

# Columns of Path.pods (float64).
POD_BATCH_MAX, POD_DELAY_S, POD_LAUNCH_S, POD_BASE_S, POD_ITEM_S, POD_SIGMA, POD_SLOWDOWN, POD_FAIL_RATIO = range(8)
POD_FIELDS = 8


class Path(NamedTuple):
    """State of the request path. One row of `slots_*` is one attempt in flight."""

    params: NDArray[np.float64]
    clock: NDArray[np.float64]
    scalars: NDArray[np.int64]
    rng: NDArray[np.uint64]
    heap_t: NDArray[np.float64]
    heap_seq: NDArray[np.int64]
    heap_kind: NDArray[np.int64]
    heap_index: NDArray[np.int64]
    heap_gen: NDArray[np.int64]
    free: NDArray[np.int64]
    queue: NDArray[np.int64]
    slot_first: NDArray[np.float64]
    slot_start: NDArray[np.float64]
    slot_queued: NDArray[np.float64]
    slot_read: NDArray[np.float64]
    slot_route: NDArray[np.int64]
    slot_entity: NDArray[np.int64]
    slot_try: NDArray[np.int64]
    slot_pod: NDArray[np.int64]
    slot_gen: NDArray[np.int64]
    slot_state: NDArray[np.int64]
    slot_late: NDArray[np.int64]
    route_deadline: NDArray[np.float64]
    route_pods: NDArray[np.int64]
    route_pod_count: NDArray[np.int64]
    route_turn: NDArray[np.int64]
    pods: NDArray[np.float64]
    pod_gen: NDArray[np.int64]
    pod_queue: NDArray[np.int64]
    pod_head: NDArray[np.int64]
    pod_len: NDArray[np.int64]
    pod_queue_limit: NDArray[np.int64]
    pod_batch: NDArray[np.int64]
    pod_batch_len: NDArray[np.int64]
    pod_busy_s: NDArray[np.float64]
    pod_counters: NDArray[np.int64]
    cache: NDArray[np.float32]
    counters: NDArray[np.int64]
    latency: NDArray[np.int64]
    latency_ok: NDArray[np.int64]


class Finished(NamedTuple):
    """Requests that ended, in order of their end. Columns of equal length."""

    done_s: NDArray[np.float64]
    first_s: NDArray[np.float64]
    read_s: NDArray[np.float64]
    route: NDArray[np.int64]
    entity: NDArray[np.int64]
    outcome: NDArray[np.int64]


def new_path(entities: int, seed: int) -> Path:
    """An idle path for `entities` distinct customers. `seed` fixes every service time and back-off."""
    f, i = np.float64, np.int64
    path = Path(
        params=np.zeros(PARAMS, f),
        clock=np.zeros(4, f),
        scalars=np.zeros(SCALARS, i),
        rng=np.array([(seed + k * 0x9E3779B97F4A7C15) % 2**64 for k in range(1, 4)], np.uint64),
        heap_t=np.zeros(HEAP_MAX, f),
        heap_seq=np.zeros(HEAP_MAX, i),
        heap_kind=np.zeros(HEAP_MAX, i),
        heap_index=np.zeros(HEAP_MAX, i),
        heap_gen=np.zeros(HEAP_MAX, i),
        free=np.arange(SLOTS_MAX - 1, -1, -1, dtype=i),
        queue=np.zeros(SLOTS_MAX, i),
        slot_first=np.zeros(SLOTS_MAX, f),
        slot_start=np.zeros(SLOTS_MAX, f),
        slot_queued=np.zeros(SLOTS_MAX, f),
        slot_read=np.zeros(SLOTS_MAX, f),
        slot_route=np.zeros(SLOTS_MAX, i),
        slot_entity=np.zeros(SLOTS_MAX, i),
        slot_try=np.zeros(SLOTS_MAX, i),
        slot_pod=np.zeros(SLOTS_MAX, i),
        slot_gen=np.zeros(SLOTS_MAX, i),
        slot_state=np.zeros(SLOTS_MAX, i),
        slot_late=np.zeros(SLOTS_MAX, i),
        route_deadline=np.ones(ROUTES_MAX, f),
        route_pods=np.zeros((ROUTES_MAX, PODS_MAX), i),
        route_pod_count=np.zeros(ROUTES_MAX, i),
        route_turn=np.zeros(ROUTES_MAX, i),
        pods=np.zeros((PODS_MAX, POD_FIELDS), f),
        pod_gen=np.zeros(PODS_MAX, i),
        pod_queue=np.zeros((PODS_MAX, POD_QUEUE_MAX), i),
        pod_head=np.zeros(PODS_MAX, i),
        pod_len=np.zeros(PODS_MAX, i),
        pod_queue_limit=np.full(PODS_MAX, POD_QUEUE_MAX, i),
        pod_batch=np.zeros((PODS_MAX, BATCH_MAX), i),
        pod_batch_len=np.zeros(PODS_MAX, i),
        pod_busy_s=np.zeros(PODS_MAX, f),
        pod_counters=np.zeros((PODS_MAX, 3), i),
        cache=np.full((PODS_MAX, entities), -1e9, np.float32),
        counters=np.zeros((ROUTES_MAX, COUNTERS), i),
        latency=np.zeros((ROUTES_MAX, LATENCY_BINS), i),
        latency_ok=np.zeros((ROUTES_MAX, LATENCY_BINS), i),
    )
    path.scalars[S_FREE] = SLOTS_MAX
    path.params[P_ATTEMPTS_MAX] = 1
    path.params[P_IN_FLIGHT_MAX] = SLOTS_MAX
    path.params[P_GATEWAY_UP] = path.params[P_FALLBACK_UP] = 1
    return path


def latency_quantile_s(histogram: NDArray[np.int64], q: float) -> float:
    """The q-quantile in seconds of a row (or difference of rows) of `Path.latency`; nan when it is empty."""
    total = int(histogram.sum())
    if total == 0:
        return float("nan")
    cumulative = np.cumsum(histogram)
    rank = q * total
    index = int(np.searchsorted(cumulative, rank, side="left"))
    index = min(index, LATENCY_BINS - 1)
    before = int(cumulative[index - 1]) if index else 0
    inside = (rank - before) / max(1, int(histogram[index]))
    bins = index + min(1.0, max(0.0, inside))
    return float(LATENCY_BIN_MIN_S * exp_of(bins * LOG_LATENCY_BIN_GROWTH))
