"""The serving core: told what happened and when, it decides and says what to do next. No clock, no randomness, no I/O.

    request -> (cached features | wait for a store connection -> read) -> replica's batch queue -> GPU -> answer

A driver calls `step` (or one of the `on_*` functions) with an instant that never goes back, carries out the effects
that lie in `state.effects` afterwards, and reports what came of them. The virtual driver draws durations from seeded
streams; the live one measures them. The gateway answers 504 at the deadline, but nobody cancels the work behind it: the
attempt goes on and takes capacity from the living.
"""

from __future__ import annotations

from reference_platform.compilation import compiled, inline, part
from reference_platform.serving import records as rec
from reference_platform.serving.attempts import (
    STATUS_FAILED,
    STATUS_OK,
    STATUS_TIMEOUT,
    STATUS_UNAVAILABLE,
    emit,
    fail,
    forget_deadline,
    phase_ends,
    release,
    take,
    watch_deadline,
    write_answer,
)
from reference_platform.serving.batches import consider_batch, to_batch
from reference_platform.serving.decide.admission import refusal
from reference_platform.serving.decide.balancer import place_of
from reference_platform.serving.decide.cache import is_fresh
from reference_platform.serving.decide.router import arm_of, bucket_of, circuit_open
from reference_platform.serving.decide.shadow import is_shadowed
from reference_platform.serving.store_queue import next_of_store, serve_store, want_features, watch_store

# -- the way in -------------------------------------------------------------------------------------------------------


@part
def _dispatch(s: rec.State, now: int, slot: int, arm: int) -> None:
    """Send an attempt to a replica of `arm`: straight to its queue with cached features, else by way of the store."""
    attempt = s.attempts[slot]
    share = s.arms[arm]
    policy = s.routes[attempt.route].balancer
    lot = int(attempt.lot) + int(attempt.tries)
    place = place_of(s.members, s.replicas, arm, int(share.members), policy, int(share.turn), lot)
    share.turn += 1
    index = s.members[arm, place]
    attempt.arm = arm
    attempt.replica = index
    s.replicas[index].outstanding += 1
    watch_deadline(s, slot)
    read_us = s.cache[index, attempt.entity]
    if is_fresh(now, read_us, s.settings[rec.CACHE_TTL_US]):
        attempt.cache_hit = 1
        attempt.features_us = read_us
        to_batch(s, now, slot)
    else:
        attempt.cache_hit = 0
        want_features(s, now, slot)


@inline
def _open(
    s: rec.State,
    now: int,
    slot: int,
    request: int,
    first: int,
    route: int,
    entity: int,
    lot: int,
    tries: int,
    flags: int,
) -> None:
    attempt = s.attempts[slot]
    attempt.request = request
    attempt.lot = lot
    attempt.first_us = first
    attempt.start_us = attempt.since_us = now
    attempt.features_us = rec.NEVER_US
    attempt.wait_us = attempt.read_us = attempt.queue_us = attempt.compute_us = 0
    attempt.route = route
    attempt.arm = attempt.replica = -1
    attempt.entity = entity
    attempt.tries = tries
    attempt.options = flags
    attempt.answered = attempt.batch_size = attempt.shadow = 0
    attempt.cache_hit = -1
    attempt.before = attempt.after = attempt.behind = -1


@part
def _begin(
    s: rec.State, now: int, request: int, first: int, route: int, entity: int, lot: int, tries: int, flags: int
) -> None:
    slot = take(s)
    full = slot < 0
    if full:
        slot = len(s.free)
    _open(s, now, slot, request, first, route, entity, lot, tries, flags)
    s.counts[rec.IN_FLIGHT] += 1
    asked = s.routes[route]
    arm = arm_of(s.arms, asked.arm_begin, asked.arm_end, bucket_of(entity, asked.salt), now)
    cause = rec.ATTEMPTS_FULL
    if not full:
        kept_out = arm < 0 and circuit_open(s.arms, asked.arm_begin, asked.arm_end)
        cause = refusal(
            s.settings[rec.GATEWAY_UP], s.counts[rec.IN_FLIGHT], s.settings[rec.IN_FLIGHT_MAX], arm, kept_out
        )
    if cause != rec.NO_CAUSE:
        emit(s, rec.SHED, slot, 0, s.attempts[slot].generation, cause, 0)
        fail(s, now, slot, STATUS_UNAVAILABLE, cause)
        release(s, slot)
        return
    _dispatch(s, now, slot, arm)
    other = asked.shadow_arm
    if other >= 0 and is_shadowed(other, s.arms[other].members, tries, s.counts[rec.FREE_ATTEMPTS], len(s.free)):
        copy = take(s)
        _open(s, now, copy, request, first, route, entity, lot, tries, flags)
        s.attempts[copy].shadow = 1
        emit(s, rec.SHADOW, copy, 0, s.attempts[copy].generation, other, 0)
        _dispatch(s, now, copy, other)


# -- what a driver tells the core -------------------------------------------------------------------------------------


@inline
def on_request(s: rec.State, now: int, request: int, route: int, entity: int, lot: int, flags: int) -> None:
    """Somebody asks `route` for `entity`. `lot` is a random number drawn with the request."""
    _begin(s, now, request, now, route, entity, lot, 1, flags)


@inline
def on_features(s: rec.State, now: int, slot: int, generation: int) -> None:
    """The read that START_READ asked for has come to its end; its connection is free."""
    s.counts[rec.STORE_BUSY] -= 1
    attempt = s.attempts[slot]
    if generation == attempt.generation:
        phase_ends(s, slot, now)
        if attempt.replica < 0:
            release(s, slot)
        else:
            s.cache[attempt.replica, attempt.entity] = now
            attempt.features_us = now
            to_batch(s, now, slot)
    serve_store(s, now)
    watch_store(s)


@inline
def on_batch_done(s: rec.State, now: int, index: int, generation: int, failed: bool) -> None:
    """The batch that START_BATCH asked for is done, or has failed as a whole."""
    replica = s.replicas[index]
    if generation != replica.generation:
        return
    n = replica.running
    replica.running = 0
    replica.busy_us += now - replica.launched_us
    replica.batches += 1
    replica.items += n
    for k in range(n):
        slot = s.batches[index, k]
        attempt = s.attempts[slot]
        replica.outstanding -= 1
        if failed:
            replica.failed_items += 1
            fail(s, now, slot, STATUS_FAILED, rec.BATCH_FAILED)
        elif attempt.answered == 0:
            attempt.answered = 1
            phase_ends(s, slot, now)
            forget_deadline(s, slot)
            s.arms[attempt.arm].failures = 0
            if attempt.shadow == 1:
                write_answer(s, now, slot, STATUS_OK, rec.NO_CAUSE, rec.SHADOWED)
            else:
                s.counts[rec.IN_FLIGHT] -= 1
                write_answer(s, now, slot, STATUS_OK, rec.NO_CAUSE, rec.OK)
        release(s, slot)
    consider_batch(s, now, index)


@inline
def _on_deadlines(s: rec.State, now: int, index: int) -> None:
    route = s.routes[index]
    route.timer_us = rec.NEVER_US
    while route.oldest >= 0 and s.attempts[route.oldest].start_us + route.deadline_us <= now:
        fail(s, now, route.oldest, STATUS_TIMEOUT, rec.DEADLINE_PASSED)
    if route.oldest >= 0:
        route.timer_us = s.attempts[route.oldest].start_us + route.deadline_us
        emit(s, rec.SET_TIMER, index, route.timer_us, 0, rec.DEADLINE, 0)


@inline
def _on_store_expiry(s: rec.State, now: int) -> None:
    s.counts[rec.STORE_TIMER_US] = rec.NEVER_US
    while s.counts[rec.STORE_HEAD] >= 0:
        slot = s.counts[rec.STORE_HEAD]
        attempt = s.attempts[slot]
        if attempt.since_us + s.settings[rec.STORE_TIMEOUT_US] > now:
            break
        next_of_store(s)
        if attempt.replica >= 0:
            s.replicas[attempt.replica].outstanding -= 1
            s.replicas[attempt.replica].store_timeouts += 1
            s.routes[attempt.route].store_timeouts += 1
            fail(s, now, slot, STATUS_UNAVAILABLE, rec.STORE_TIMEOUT)
        release(s, slot)
    watch_store(s)


@inline
def on_timer(s: rec.State, now: int, kind: int, index: int, generation: int) -> None:
    """A timer that SET_TIMER asked for, or the end of a pause that START_PAUSE asked for."""
    if kind == rec.DEADLINE:
        _on_deadlines(s, now, index)
    elif kind == rec.STORE_EXPIRY:
        _on_store_expiry(s, now)
    elif kind == rec.BATCH_DELAY:
        if generation == s.replicas[index].generation:
            s.replicas[index].timer_us = rec.NEVER_US
            consider_batch(s, now, index)
    elif generation == s.attempts[index].generation:
        attempt = s.attempts[index]
        request, first, route, entity = attempt.request, attempt.first_us, attempt.route, attempt.entity
        lot, tries, flags = attempt.lot, attempt.tries, attempt.options
        release(s, index)
        _begin(s, now, request, first, route, entity, lot, tries + 1, flags)


@inline
def on_replica_lost(s: rec.State, now: int, index: int) -> None:
    """A replica's process has ended: what it held fails, its cache is gone, and no arm sends anything there."""
    for arm in range(len(s.arms)):
        kept = 0
        for place in range(s.arms[arm].members):
            if s.members[arm, place] != index:
                s.members[arm, kept] = s.members[arm, place]
                kept += 1
        s.arms[arm].members = kept
    replica = s.replicas[index]
    replica.generation += 1
    replica.timer_us = rec.NEVER_US
    replica.waiting = replica.running = replica.outstanding = 0
    for slot in range(len(s.free)):
        attempt = s.attempts[slot]
        state = attempt.state
        if state == rec.FREE or state == rec.PAUSING or attempt.replica != index:
            continue
        fail(s, now, slot, STATUS_UNAVAILABLE, rec.REPLICA_LOST)
        if state == rec.STORE_QUEUED or state == rec.READING:
            attempt.replica = -1  # the store still owes it an answer
        else:
            release(s, slot)
    s.cache[index, :] = rec.NEVER_US


@inline
def step(s: rec.State, now: int, kind: int, index: int, number: int, of: int, entity: int, lot: int) -> None:
    """One event. `number` is a request's number or a generation; `of` its flags, a timer's kind or a failure."""
    if kind == rec.REQUEST:
        on_request(s, now, number, index, entity, lot, of)
    elif kind == rec.FEATURES:
        on_features(s, now, index, number)
    elif kind == rec.BATCH_DONE:
        on_batch_done(s, now, index, number, of != 0)
    elif kind == rec.TIMER:
        on_timer(s, now, of, index, number)
    else:
        on_replica_lost(s, now, index)


@compiled
def deliver(s: rec.State, now: int, kind: int, index: int, number: int, of: int, entity: int, lot: int) -> None:
    """`step` for a driver that is not compiled itself."""
    step(s, now, kind, index, number, of, entity, lot)
