"""A replica's queue and the batches that leave it."""

from __future__ import annotations

from reference_platform.compilation import inline, part
from reference_platform.serving import records as rec
from reference_platform.serving.attempts import STATUS_UNAVAILABLE, emit, fail, phase_ends, release
from reference_platform.serving.decide.batcher import due_us, has_room, is_full, size


@inline
def _launch(s: rec.State, now: int, index: int) -> None:
    replica = s.replicas[index]
    n = size(replica.waiting, replica.batch_max)
    width = s.queues.shape[1]
    for k in range(n):
        slot = s.queues[index, (replica.head + k) % width]
        phase_ends(s, slot, now)
        s.attempts[slot].state = rec.COMPUTING
        s.attempts[slot].batch_size = n
        s.batches[index, k] = slot
    replica.head = (replica.head + n) % width
    replica.waiting -= n
    replica.running = n
    replica.launched_us = now
    emit(s, rec.START_BATCH, index, 0, replica.generation, 0, n)


@part
def consider_batch(s: rec.State, now: int, index: int) -> None:
    """Start a batch when it is full or its oldest request has waited long enough; otherwise set the timer for that."""
    replica = s.replicas[index]
    if replica.running > 0 or replica.waiting == 0:
        return
    due = due_us(s.attempts[s.queues[index, replica.head]].since_us, replica.delay_us)
    if is_full(replica.waiting, replica.batch_max) or due <= now:
        _launch(s, now, index)
    elif replica.timer_us == rec.NEVER_US:
        replica.timer_us = due
        emit(s, rec.SET_TIMER, index, due, replica.generation, rec.BATCH_DELAY, 0)


@part
def to_batch(s: rec.State, now: int, slot: int) -> None:
    attempt = s.attempts[slot]
    replica = s.replicas[attempt.replica]
    if not has_room(replica.waiting, replica.queue_max):
        replica.outstanding -= 1
        emit(s, rec.SHED, slot, 0, attempt.generation, rec.QUEUE_FULL, 0)
        fail(s, now, slot, STATUS_UNAVAILABLE, rec.QUEUE_FULL)
        release(s, slot)
        return
    attempt.state = rec.BATCH_QUEUED
    attempt.since_us = now
    s.queues[attempt.replica, (replica.head + replica.waiting) % s.queues.shape[1]] = slot
    replica.waiting += 1
    if replica.waiting == 1 or is_full(replica.waiting, replica.batch_max):
        consider_batch(s, now, attempt.replica)
