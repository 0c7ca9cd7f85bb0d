"""What the serving core remembers: a few arrays of records, so that compiled and plain Python read the same state.

Instants and durations are integer microseconds. Sizes are chosen by whoever makes a `State` and are no part of the
logic: when the attempts run out, a request is refused for that reason and counted, never lost.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Records: TypeAlias = Any
"""An array of records. NumPy's types cannot say which fields one has; the dtypes below do."""

NEVER_US = -(2**62)
"""Before every instant, and far enough from the end of the numbers to be subtracted from."""
BUCKETS = 10_000
"""Shares of traffic are counted in these."""

# -- how an attempt and a request end ---------------------------------------------------------------------------------
# Outcomes. RETRIED: another attempt follows. SHADOW: nobody waited for it.
OK, FALLBACK, ERROR, RETRIED, SHADOWED = range(5)

# Why an attempt was not answered by a model, known at the instant it failed.
(
    NO_CAUSE,
    GATEWAY_DOWN,
    NO_REPLICA,
    OVERLOADED,
    QUEUE_FULL,
    STORE_TIMEOUT,
    DEADLINE_PASSED,
    BATCH_FAILED,
    REPLICA_LOST,
    CIRCUIT_OPEN,
    ATTEMPTS_FULL,
) = range(11)
CAUSES = 11

# -- what the core asks its driver to do ------------------------------------------------------------------------------
START_READ, START_BATCH, SET_TIMER, START_PAUSE, ANSWER, SHADOW, SHED = range(7)
# What a driver tells the core.
REQUEST, FEATURES, BATCH_DONE, TIMER, LOST = range(5)
# Timers: a route's deadlines, the head of the store's queue, a replica's oldest request, a pause before a retry.
DEADLINE, STORE_EXPIRY, BATCH_DELAY, RETRY = range(4)

# What an attempt is doing.
FREE, STORE_QUEUED, READING, BATCH_QUEUED, COMPUTING, PAUSING = range(6)

# How a route picks one of an arm's replicas.
ROUND_ROBIN, LEAST_REQUESTS, TWO_CHOICES = range(3)

# Options of a request.
TAGGED = 1
"""Sent by hand: nobody sends it again when it fails."""

# -- numbers of which there is one ------------------------------------------------------------------------------------
# Settings: what an operator may turn.
(
    GATEWAY_UP,
    FALLBACK_UP,
    IN_FLIGHT_MAX,
    ATTEMPTS_MAX,
    STORE_CONNECTIONS,
    STORE_TIMEOUT_US,
    CACHE_TTL_US,
    BREAKER_FAILURES,
    BREAKER_OPEN_US,
) = range(9)
SETTINGS = 9
# Counts: what the core keeps.
(
    FREE_ATTEMPTS,
    IN_FLIGHT,
    STORE_BUSY,
    STORE_HEAD,
    STORE_TAIL,
    STORE_WAITING,
    STORE_TIMER_US,
    STORE_READS,
    STORE_WAITED_US,
    EFFECTS,
    ANSWERS,
    LIMIT_HITS,
) = range(12)
COUNTS = 12


def _records(*fields: tuple[str, str]) -> np.dtype[Any]:
    return np.dtype(list(fields), align=True)


ATTEMPT = _records(
    ("request", "i8"),
    ("lot", "i8"),
    ("generation", "i8"),
    ("first_us", "i8"),
    ("start_us", "i8"),
    ("since_us", "i8"),
    ("features_us", "i8"),
    ("wait_us", "i4"),
    ("read_us", "i4"),
    ("queue_us", "i4"),
    ("compute_us", "i4"),
    ("route", "i4"),
    ("arm", "i4"),
    ("replica", "i4"),
    ("entity", "i4"),
    ("tries", "i4"),
    ("options", "i4"),
    ("state", "i4"),
    ("answered", "i4"),
    ("cache_hit", "i4"),
    ("batch_size", "i4"),
    ("shadow", "i4"),
    ("before", "i4"),
    ("after", "i4"),
    ("behind", "i4"),
)
"""One attempt at a request. `before` and `after` link the unanswered attempts of a route in the order of their
deadlines, `behind` those waiting for the store; -1 ends a list."""

ROUTE = _records(
    ("deadline_us", "i8"),
    ("salt", "i8"),
    ("timer_us", "i8"),
    ("store_timeouts", "i8"),
    ("arm_begin", "i4"),
    ("arm_end", "i4"),
    ("shadow_arm", "i4"),
    ("balancer", "i4"),
    ("oldest", "i4"),
    ("newest", "i4"),
)
ARM = _records(("turn", "i8"), ("open_until_us", "i8"), ("bucket_end", "i4"), ("members", "i4"), ("failures", "i4"))
"""A share of a route's visitors and the replicas that answer them: those whose bucket is below `bucket_end`."""

REPLICA = _records(
    # Work counts whether or not anybody still waited for it.
    ("serial", "i8"),
    ("generation", "i8"),
    ("delay_us", "i8"),
    ("timer_us", "i8"),
    ("launched_us", "i8"),
    ("busy_us", "i8"),
    ("batches", "i8"),
    ("items", "i8"),
    ("failed_items", "i8"),
    ("store_timeouts", "i8"),
    ("version", "i4"),
    ("batch_max", "i4"),
    ("queue_max", "i4"),
    ("head", "i4"),
    ("waiting", "i4"),
    ("running", "i4"),
    ("outstanding", "i4"),
)
EFFECT = _records(("value_us", "i8"), ("generation", "i8"), ("kind", "i4"), ("index", "i4"), ("of", "i4"), ("n", "i4"))
"""`value_us` is when a timer is due, or the number of the request that is answered; `of` is the kind of a timer, the
status of an answer or the cause of a shedding; `n` the size of a batch. Answers have their rows in the same order."""

ANSWERED = _records(
    ("request", "i8"),
    ("arrived_us", "i8"),
    ("started_us", "i8"),
    ("answered_us", "i8"),
    ("features_us", "i8"),
    ("replica", "i8"),
    ("wait_us", "i4"),
    ("read_us", "i4"),
    ("queue_us", "i4"),
    ("compute_us", "i4"),
    ("entity", "i4"),
    ("version", "i4"),
    ("options", "i4"),
    ("route", "i2"),
    ("arm", "i2"),
    ("batch_size", "i2"),
    ("status", "i2"),
    ("attempt", "i1"),
    ("cache_hit", "i1"),
    ("cause", "i1"),
    ("outcome", "i1"),
)
"""A row of the served log: one attempt as it was answered. `arrived_us` is when the visitor came, `started_us` when
this attempt began; `replica` is a server's serial number, -1 when none was reached; `cache_hit` is -1 when nobody
asked."""


class State(NamedTuple):
    """Everything the core knows. Shapes: members [arms, replicas], queues and batches [replicas, their longest],
    cache [replicas, entities] with the instants at which features were read."""

    settings: NDArray[np.int64]
    counts: NDArray[np.int64]
    attempts: Records
    free: NDArray[np.int32]
    routes: Records
    arms: Records
    members: NDArray[np.int32]
    replicas: Records
    queues: NDArray[np.int32]
    batches: NDArray[np.int32]
    cache: NDArray[np.int64]
    effects: Records
    answers: Records


class Sizes(NamedTuple):
    """How much there is room for. `answers` are rows between two visits of whoever keeps the served log."""

    routes: int
    arms: int
    replicas: int
    entities: int
    attempts: int
    queue: int
    batch: int
    answers: int


def table(dtype: np.dtype[Any], rows: int) -> Records:
    """`rows` records of zeros."""
    return np.zeros(rows, dtype).view(np.recarray)


def new_state(sizes: Sizes) -> State:
    """An idle core: everything up, no replica, one attempt for each request."""
    state = State(
        settings=np.zeros(SETTINGS, np.int64),
        counts=np.zeros(COUNTS, np.int64),
        attempts=table(ATTEMPT, sizes.attempts + 1),  # the last row belongs to those for whom there is none
        free=np.arange(sizes.attempts - 1, -1, -1, dtype=np.int32),
        routes=table(ROUTE, sizes.routes),
        arms=table(ARM, sizes.arms),
        members=np.zeros((sizes.arms, sizes.replicas), np.int32),
        replicas=table(REPLICA, sizes.replicas),
        queues=np.zeros((sizes.replicas, sizes.queue), np.int32),
        batches=np.zeros((sizes.replicas, sizes.batch), np.int32),
        cache=np.full((sizes.replicas, sizes.entities), NEVER_US, np.int64),
        effects=table(EFFECT, 3 * sizes.attempts + 16),
        answers=table(ANSWERED, sizes.answers + sizes.attempts + 1),
    )
    state.settings[GATEWAY_UP] = state.settings[FALLBACK_UP] = state.settings[ATTEMPTS_MAX] = 1
    state.settings[IN_FLIGHT_MAX] = sizes.attempts
    state.counts[FREE_ATTEMPTS] = sizes.attempts
    state.counts[STORE_HEAD] = state.counts[STORE_TAIL] = -1
    state.counts[STORE_TIMER_US] = NEVER_US
    for name in ("oldest", "newest", "shadow_arm"):
        state.routes[name] = -1
    state.routes["timer_us"] = NEVER_US
    state.replicas["timer_us"] = NEVER_US
    state.replicas["serial"] = -1
    return state
