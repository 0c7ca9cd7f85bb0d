"""Compiled building blocks of the virtual driver: random numbers by purpose and number, and a heap in total order."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference_platform.arithmetic import log
from reference_platform.compilation import inline
from reference_platform.serving.records import Records

EVENT = np.dtype(
    [("t_us", "i8"), ("seq", "i8"), ("number", "i8"), ("kind", "i4"), ("index", "i4"), ("of", "i4")], align=True
)
# Entries of Heap.counts.
PENDING, SEQUENCE, DROPPED = range(3)


class Heap(NamedTuple):
    """What is going to happen, by time and then by the order of its planning."""

    events: Records
    counts: NDArray[np.int64]


def new_heap(events_max: int) -> Heap:
    """An empty heap."""
    return Heap(np.zeros(events_max, EVENT).view(np.recarray), np.zeros(3, np.int64))


@inline
def uniform(seed: int, number: int) -> float:
    """The number-th output of SplitMix64 from `seed`, in (0, 1): who comes when changes nobody else's.

    Source: Steele, Lea & Flood, OOPSLA 2014.
    """
    z = np.uint64(seed) + np.uint64(number) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (np.float64(z >> np.uint64(11)) + 0.5) * 1.1102230246251565e-16


@inline
def exponential(seed: int, number: int, mean: float) -> float:
    """An exponential draw with this mean."""
    return -mean * log(uniform(seed, number))


@inline
def _copy(to: Any, event: Any) -> None:
    to.t_us = event.t_us
    to.seq = event.seq
    to.number = event.number
    to.kind = event.kind
    to.index = event.index
    to.of = event.of


@inline
def push(h: Heap, t_us: int, kind: int, index: int, number: int, of: int) -> None:
    """Plan an event. One for which there is no room is counted and does not happen."""
    n = h.counts[PENDING]
    if n >= len(h.events):
        h.counts[DROPPED] += 1
        return
    seq = h.counts[SEQUENCE]
    h.counts[SEQUENCE] = seq + 1
    i = n
    while i > 0:
        parent = (i - 1) >> 1
        if h.events[parent].t_us <= t_us:
            break
        _copy(h.events[i], h.events[parent])
        i = parent
    event = h.events[i]
    event.t_us = t_us
    event.seq = seq
    event.kind = kind
    event.index = index
    event.number = number
    event.of = of
    h.counts[PENDING] = n + 1


@inline
def drop_top(h: Heap) -> None:
    """Take the first event away."""
    n = h.counts[PENDING] - 1
    h.counts[PENDING] = n
    last = h.events[n]
    t_us, seq = last.t_us, last.seq
    i = 0
    while True:
        child = 2 * i + 1
        if child >= n:
            break
        right = child + 1
        if right < n and (
            h.events[right].t_us < h.events[child].t_us
            or (h.events[right].t_us == h.events[child].t_us and h.events[right].seq < h.events[child].seq)
        ):
            child = right
        if t_us < h.events[child].t_us or (t_us == h.events[child].t_us and seq < h.events[child].seq):
            break
        _copy(h.events[i], h.events[child])
        i = child
    _copy(h.events[i], last)
