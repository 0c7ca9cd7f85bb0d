"""However time is cut into calls, the same requests end in the same way at the same instants."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.traffic import kernel
from simulator.traffic import layout as lay
from tests.oracle.compiled import arrivals, path_of, room_for
from tests.oracle.request_path import Route, System

SYSTEM = System(
    (Route(0.4, 2, 8, 0.005, 0.012, 0.014, 0.006, 0.08, 32, 120.0), Route(0.3, 1, 4, 0.002, 0.005, 0.005, 0.002)),
    4,
    0.03,
    acquire_timeout_s=0.8,
    cache_ttl_s=3.0,
    attempts_max=3,
    entities=60,
)
END_S = 12.0


def _finished(cuts: list[float], kill_at_s: float | None = None) -> tuple[bytes, bytes, list[bytes], lay.Path]:
    times, routes, entities = arrivals(SYSTEM, END_S - 6.0, 4)
    path, out = path_of(SYSTEM, 9), room_for(len(times))
    columns: list[list[np.ndarray]] = [[] for _ in out]
    marks = sorted({*cuts, END_S, *([kill_at_s] if kill_at_s is not None else [])})
    for mark in marks:
        n = kernel.advance(path, times, routes, entities, out, mark)
        _keep(columns, out, n)
        if mark == kill_at_s:
            _keep(columns, out, kernel.kill_pod(path, out, 0, 0))
    return path.counters.tobytes(), path.latency.tobytes(), [np.concatenate(c).tobytes() for c in columns], path


def _keep(columns: list[list[np.ndarray]], out: lay.Finished, n: int) -> None:
    for kept, column in zip(columns, out, strict=True):
        kept.append(column[:n].copy())


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.floats(0.0, END_S, allow_nan=False), max_size=30))
def test_any_cut_gives_the_same_bits(cuts: list[float]) -> None:
    """Counters, latency histogram and every finished request."""
    assert _finished(cuts)[:3] == _finished([])[:3]


@settings(max_examples=15, deadline=None)
@given(at_s=st.floats(0.5, 5.5))
def test_every_arrival_ends_once_even_when_a_pod_dies(at_s: float) -> None:
    """Nothing is lost, nothing is counted twice, and every slot is free again."""
    times, _, _ = arrivals(SYSTEM, END_S - 6.0, 4)
    path = _finished([], at_s)[3]
    ended = path.counters[:, [lay.C_SERVED, lay.C_FALLBACK, lay.C_ERROR]].sum()
    assert ended == len(times)
    assert path.scalars[lay.S_FREE] == lay.SLOTS_MAX
    assert path.scalars[lay.S_IN_FLIGHT] == 0
    assert path.scalars[lay.S_OVERFLOW] == 0
