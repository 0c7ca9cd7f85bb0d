"""When a batch starts and how large it is."""

from __future__ import annotations

from reference_platform.compilation import inline


@inline
def is_full(waiting: int, batch_max: int) -> bool:
    """Whether as many wait as one batch holds."""
    return waiting >= batch_max


@inline
def due_us(oldest_us: int, delay_us: int) -> int:
    """When the oldest waiting request has waited long enough. Delay matters to an idle replica only.

    Source: Triton Inference Server, dynamic batcher, `max_queue_delay_microseconds`.
    """
    return oldest_us + delay_us


@inline
def size(waiting: int, batch_max: int) -> int:
    """How many of the waiting go into the batch that starts now."""
    return min(waiting, batch_max)


@inline
def has_room(waiting: int, queue_max: int) -> bool:
    """Whether one more may wait; otherwise it is refused at once, so that those accepted still meet their deadline."""
    return waiting < queue_max
