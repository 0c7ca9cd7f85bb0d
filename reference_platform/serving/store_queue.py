"""The way to the online store: connections, and the queue of those who wait for one."""

from __future__ import annotations

from reference_platform.compilation import inline
from reference_platform.serving import records as rec
from reference_platform.serving.attempts import emit, phase_ends


@inline
def _start_read(s: rec.State, now: int, slot: int) -> None:
    phase_ends(s, slot, now)
    attempt = s.attempts[slot]
    attempt.state = rec.READING
    s.counts[rec.STORE_BUSY] += 1
    s.counts[rec.STORE_READS] += 1
    s.counts[rec.STORE_WAITED_US] += attempt.wait_us
    emit(s, rec.START_READ, slot, 0, attempt.generation, attempt.tries, 0)


@inline
def next_of_store(s: rec.State) -> int:
    slot = s.counts[rec.STORE_HEAD]
    s.counts[rec.STORE_HEAD] = s.attempts[slot].behind
    if s.counts[rec.STORE_HEAD] < 0:
        s.counts[rec.STORE_TAIL] = -1
    s.counts[rec.STORE_WAITING] -= 1
    return int(slot)


@inline
def watch_store(s: rec.State) -> None:
    """One timer stands for the head of the queue; those behind it expire later."""
    if s.counts[rec.STORE_HEAD] >= 0 and s.counts[rec.STORE_TIMER_US] == rec.NEVER_US:
        due = s.attempts[s.counts[rec.STORE_HEAD]].since_us + s.settings[rec.STORE_TIMEOUT_US]
        s.counts[rec.STORE_TIMER_US] = due
        emit(s, rec.SET_TIMER, 0, due, 0, rec.STORE_EXPIRY, 0)


@inline
def serve_store(s: rec.State, now: int) -> None:
    """Give free connections to those who wait. Also after an operator has turned the number of connections."""
    while s.counts[rec.STORE_WAITING] > 0 and s.counts[rec.STORE_BUSY] < s.settings[rec.STORE_CONNECTIONS]:
        _start_read(s, now, next_of_store(s))


@inline
def want_features(s: rec.State, now: int, slot: int) -> None:
    attempt = s.attempts[slot]
    attempt.state = rec.STORE_QUEUED
    if s.counts[rec.STORE_WAITING] == 0 and s.counts[rec.STORE_BUSY] < s.settings[rec.STORE_CONNECTIONS]:
        _start_read(s, now, slot)
        return
    attempt.behind = -1
    if s.counts[rec.STORE_TAIL] >= 0:
        s.attempts[s.counts[rec.STORE_TAIL]].behind = slot
    else:
        s.counts[rec.STORE_HEAD] = slot
    s.counts[rec.STORE_TAIL] = slot
    s.counts[rec.STORE_WAITING] += 1
    watch_store(s)
