"""Rows of attempts: taken and given back, watched until their deadline, answered once."""

from __future__ import annotations

from reference_platform.compilation import inline, part
from reference_platform.serving import records as rec
from reference_platform.serving.decide.breaker import opens
from reference_platform.serving.decide.fallback import outcome
from reference_platform.serving.decide.retry import tries_again

STATUS_OK, STATUS_FAILED, STATUS_UNAVAILABLE, STATUS_TIMEOUT = 200, 500, 503, 504


@inline
def emit(s: rec.State, kind: int, index: int, value_us: int, generation: int, of: int, n: int) -> None:
    at = s.counts[rec.EFFECTS]
    effect = s.effects[at]
    effect.kind = kind
    effect.index = index
    effect.value_us = value_us
    effect.generation = generation
    effect.of = of
    effect.n = n
    s.counts[rec.EFFECTS] = at + 1


@inline
def take(s: rec.State) -> int:
    n = s.counts[rec.FREE_ATTEMPTS]
    if n == 0:
        s.counts[rec.LIMIT_HITS] += 1
        return -1
    s.counts[rec.FREE_ATTEMPTS] = n - 1
    return int(s.free[n - 1])


@inline
def release(s: rec.State, slot: int) -> None:
    attempt = s.attempts[slot]
    attempt.state = rec.FREE
    attempt.generation += 1
    if slot < len(s.free):
        s.free[s.counts[rec.FREE_ATTEMPTS]] = slot
        s.counts[rec.FREE_ATTEMPTS] += 1


@inline
def watch_deadline(s: rec.State, slot: int) -> None:
    attempt = s.attempts[slot]
    route = s.routes[attempt.route]
    attempt.before = route.newest
    attempt.after = -1
    if route.newest >= 0:
        s.attempts[route.newest].after = slot
    else:
        route.oldest = slot
    route.newest = slot
    if route.timer_us == rec.NEVER_US:
        route.timer_us = attempt.start_us + route.deadline_us
        emit(s, rec.SET_TIMER, attempt.route, route.timer_us, 0, rec.DEADLINE, 0)


@inline
def forget_deadline(s: rec.State, slot: int) -> None:
    attempt = s.attempts[slot]
    route = s.routes[attempt.route]
    if attempt.before >= 0:
        s.attempts[attempt.before].after = attempt.after
    elif route.oldest == slot:
        route.oldest = attempt.after
    if attempt.after >= 0:
        s.attempts[attempt.after].before = attempt.before
    elif route.newest == slot:
        route.newest = attempt.before
    attempt.before = attempt.after = -1


@inline
def phase_ends(s: rec.State, slot: int, now: int) -> None:
    """Book the time since `since_us` on the phase that the attempt was in."""
    attempt = s.attempts[slot]
    spent = now - attempt.since_us
    if attempt.state == rec.STORE_QUEUED:
        attempt.wait_us += spent
    elif attempt.state == rec.READING:
        attempt.read_us += spent
    elif attempt.state == rec.BATCH_QUEUED:
        attempt.queue_us += spent
    elif attempt.state == rec.COMPUTING:
        attempt.compute_us += spent
    attempt.since_us = now


@part
def write_answer(s: rec.State, now: int, slot: int, status: int, cause: int, ended: int) -> None:
    attempt = s.attempts[slot]
    at = s.counts[rec.ANSWERS]
    row = s.answers[at]
    row.request = attempt.request
    row.arrived_us = attempt.first_us
    row.started_us = attempt.start_us
    row.answered_us = now
    row.features_us = attempt.features_us
    row.wait_us = attempt.wait_us
    row.read_us = attempt.read_us
    row.queue_us = attempt.queue_us
    row.compute_us = attempt.compute_us
    row.entity = attempt.entity
    row.options = attempt.options
    row.route = attempt.route
    row.arm = attempt.arm
    row.replica = s.replicas[attempt.replica].serial if attempt.replica >= 0 else -1
    row.version = s.replicas[attempt.replica].version if attempt.replica >= 0 else 0
    row.batch_size = attempt.batch_size
    row.attempt = attempt.tries
    row.cache_hit = attempt.cache_hit
    row.status = status
    row.cause = cause
    row.outcome = ended
    s.counts[rec.ANSWERS] = at + 1
    emit(s, rec.ANSWER, slot, attempt.request, attempt.generation, status, 0)


@part
def fail(s: rec.State, now: int, slot: int, status: int, cause: int) -> None:
    """Answer an attempt with an error, unless it has its answer. What follows is another attempt or the fallback."""
    attempt = s.attempts[slot]
    if attempt.answered == 1:
        return
    attempt.answered = 1
    phase_ends(s, slot, now)
    forget_deadline(s, slot)
    if attempt.replica >= 0:
        arm = s.arms[attempt.arm]
        arm.failures += 1
        if opens(arm.failures, s.settings[rec.BREAKER_FAILURES]):
            arm.open_until_us = now + s.settings[rec.BREAKER_OPEN_US]
    if attempt.shadow == 1:
        write_answer(s, now, slot, status, cause, rec.SHADOWED)
        return
    s.counts[rec.IN_FLIGHT] -= 1
    if tries_again(attempt.tries, s.settings[rec.ATTEMPTS_MAX], attempt.options, cause):
        after = take(s)
        if after >= 0:
            write_answer(s, now, slot, status, cause, rec.RETRIED)
            pausing = s.attempts[after]
            pausing.request = attempt.request
            pausing.lot = attempt.lot
            pausing.first_us = attempt.first_us
            pausing.route = attempt.route
            pausing.entity = attempt.entity
            pausing.tries = attempt.tries
            pausing.options = attempt.options
            pausing.replica = -1
            pausing.state = rec.PAUSING
            emit(s, rec.START_PAUSE, after, 0, pausing.generation, attempt.tries, 0)
            return
    write_answer(s, now, slot, status, cause, outcome(s.settings[rec.GATEWAY_UP], s.settings[rec.FALLBACK_UP]))
