"""Compiled building blocks of the request path: random numbers by purpose, and a heap of events in total order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reference_platform.arithmetic import log
from reference_platform.compilation import inline
from simulator.traffic import layout as lay

UInts = NDArray[np.uint64]


@inline
def uniform(rng: UInts, stream: int) -> float:
    """SplitMix64, one state per purpose. Source: Steele, Lea & Flood, OOPSLA 2014."""
    rng[stream] = rng[stream] + np.uint64(0x9E3779B97F4A7C15)
    z = rng[stream]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (np.float64(z >> np.uint64(11)) + 0.5) * 1.1102230246251565e-16


@inline
def exponential(rng: UInts, stream: int, mean: float) -> float:
    return -mean * log(uniform(rng, stream))


@inline
def push(p: lay.Path, t: float, kind: int, index: int, gen: int) -> None:
    n = p.scalars[lay.S_HEAP]
    if n >= lay.HEAP_MAX:
        p.scalars[lay.S_OVERFLOW] += 1
        return
    seq = p.scalars[lay.S_SEQ]
    p.scalars[lay.S_SEQ] = seq + 1
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
    p.scalars[lay.S_HEAP] = n + 1


@inline
def drop_top(p: lay.Path) -> None:
    n = p.scalars[lay.S_HEAP] - 1
    p.scalars[lay.S_HEAP] = n
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
