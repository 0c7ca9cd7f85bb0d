"""Whatever the system and whatever is done to it: no request is lost or invented, and time may be cut anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulator.traffic import kernel
from simulator.traffic import layout as lay
from tests.oracle.compiled import arrivals, lose_pod, path_of, room_for
from tests.oracle.request_path import Route, System

LAST_ARRIVAL_S, END_S = 4.0, 60.0

routes = st.builds(
    Route,
    deadline_s=st.floats(0.01, 0.5),
    pods=st.integers(0, 3),
    batch_max=st.integers(1, 16),
    delay_s=st.sampled_from([0.0, 0.002, 0.01]),
    launch_s=st.sampled_from([0.0, 0.01]),
    base_s=st.floats(0.0, 0.02),
    item_s=st.floats(0.0, 0.01),
    sigma=st.sampled_from([0.0, 0.2]),
    queue_max=st.integers(1, 64),
    rate_per_s=st.floats(5.0, 120.0),
)
systems = st.builds(
    System,
    routes=st.lists(routes, min_size=1, max_size=3).map(tuple),
    connections=st.integers(0, 20),
    read_s=st.floats(0.001, 0.1),
    acquire_timeout_s=st.floats(0.01, 2.0),
    cache_ttl_s=st.sampled_from([0.0, 1.0, 60.0]),
    attempts_max=st.integers(1, 4),
    in_flight_max=st.integers(1, 400),
    entities=st.integers(1, 50),
)


@dataclass(frozen=True)
class Turn:
    """Something a responder or a fault does to the path."""

    at_s: float
    what: str
    value: int

    def apply(self, path: lay.Path, out: lay.Finished) -> int:
        """Requests that ended because of it."""
        if self.what == "kill":
            return lose_pod(path, out, self.value % 3)
        knob, values = {
            "connections": (lay.P_STORE_CONNECTIONS, (0, 1, 8, 60)),
            "read": (lay.P_STORE_READ_S, (0.001, 0.02, 0.3, 0.004)),
            "attempts": (lay.P_ATTEMPTS_MAX, (1, 2, 3, 6)),
            "gateway": (lay.P_GATEWAY_UP, (0, 1, 0, 1)),
            "fallback": (lay.P_FALLBACK_UP, (0, 1, 0, 1)),
        }[self.what]
        path.params[knob] = values[self.value]
        return 0


turns = st.lists(
    st.builds(
        Turn,
        at_s=st.floats(0.0, LAST_ARRIVAL_S),
        what=st.sampled_from(["kill", "connections", "read", "attempts", "gateway", "fallback"]),
        value=st.integers(0, 3),
    ),
    max_size=6,
)
cuts = st.lists(st.floats(0.0, END_S), max_size=20)
Arrived = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True)
class Played:
    path: lay.Path
    ended: list[NDArray[Any]]

    def bits(self) -> list[bytes]:
        counted = (self.path.counters, self.path.pod_counters, self.path.latency, self.path.pod_busy_s, self.path.clock)
        return [array.tobytes() for array in (*counted, *self.ended)]


def _play(system: System, arrived: Arrived, planned: list[Turn], cut_at_s: list[float]) -> Played:
    path, out = path_of(system, 3), room_for(len(arrived[0]))
    columns: list[list[NDArray[Any]]] = [[] for _ in out]

    def keep(n: int) -> None:
        for kept, column in zip(columns, out, strict=True):
            kept.append(column[:n].copy())

    ordered = sorted(planned, key=lambda turn: turn.at_s)
    for mark in sorted({*cut_at_s, *(turn.at_s for turn in planned), END_S}):
        keep(kernel.advance(path, *arrived, out, mark))
        for turn in ordered:
            if turn.at_s == mark:
                keep(turn.apply(path, out))
    return Played(path, [np.concatenate(column) for column in columns])


def _drain(path: lay.Path, arrived: Arrived) -> int:
    """Give the store its connections back and let everything come to an end."""
    path.params[lay.P_STORE_CONNECTIONS] = 50
    path.params[lay.P_STORE_READ_S] = 0.001
    path.params[lay.P_STORE_ACQUIRE_TIMEOUT_S] = 1.0
    return kernel.advance(path, *arrived, room_for(len(arrived[0])), END_S + 200.0)


@settings(max_examples=150, deadline=None)
@given(system=systems, planned=turns, cut_at_s=cuts, seed=st.integers(0, 5))
def test_any_cut_gives_the_same_bits(system: System, planned: list[Turn], cut_at_s: list[float], seed: int) -> None:
    """Also when pods die and knobs turn in between: what is done at t takes effect at t."""
    arrived = arrivals(system, LAST_ARRIVAL_S, seed)
    assert _play(system, arrived, planned, cut_at_s).bits() == _play(system, arrived, planned, []).bits()


@settings(max_examples=150, deadline=None)
@given(system=systems, planned=turns, seed=st.integers(0, 5))
def test_every_arrival_ends_exactly_once(system: System, planned: list[Turn], seed: int) -> None:
    """By route, as OK, default or error; and every slot, connection and place in a queue is free again."""
    arrived = arrivals(system, LAST_ARRIVAL_S, seed)
    played = _play(system, arrived, planned, [])
    path = played.path
    left = _drain(path, arrived)
    assert len(played.ended[0]) + left == len(arrived[0])
    ends = path.counters[:, [lay.C_SERVED, lay.C_FALLBACK, lay.C_ERROR]].sum(axis=1)
    assert ends.tolist() == np.bincount(arrived[1], minlength=lay.ROUTES_MAX).tolist()
    assert sorted(path.free.tolist()) == list(range(lay.SLOTS_MAX))
    assert not path.slot_state.any()
    idle = [lay.S_IN_FLIGHT, lay.S_STORE_BUSY, lay.S_QUEUE_LEN, lay.S_OVERFLOW]
    assert path.scalars[idle].tolist() == [0, 0, 0, 0]
    assert not path.pod_len.any()
    assert not path.pod_batch_len.any()


@settings(max_examples=80, deadline=None)
@given(system=systems, planned=turns, seed=st.integers(0, 5))
def test_counters_tell_one_story(system: System, planned: list[Turn], seed: int) -> None:
    """Attempts are first attempts and retries; each attempt has one answer, and each answer one latency."""
    arrived = arrivals(system, LAST_ARRIVAL_S, seed)
    path = _play(system, arrived, planned, []).path
    _drain(path, arrived)
    counted = path.counters
    first = np.bincount(arrived[1], minlength=lay.ROUTES_MAX)
    assert (counted[:, lay.C_ATTEMPTS] == first + counted[:, lay.C_RETRIES]).all()
    answers = counted[:, [lay.C_OK, lay.C_504, lay.C_503, lay.C_500]].sum(axis=1)
    assert (answers == counted[:, lay.C_ATTEMPTS]).all()
    assert (path.latency.sum(axis=1) == answers).all()
    assert (counted[:, lay.C_OK] == counted[:, lay.C_SERVED]).all()


def test_a_heap_full_of_deadlines_is_counted_and_holds_no_connection() -> None:
    """Deadlines outlive their attempts; the ends of reads must still find room."""
    n = lay.HEAP_MAX * 2
    route = Route(1e9, 1, lay.BATCH_MAX, 0.0, 0.0, 0.0, 0.0)
    system = System((route,), 4, 0.001, cache_ttl_s=-1e6, entities=1)
    path = path_of(system, 1)
    times = 0.001 * np.arange(n, dtype=np.float64)
    zeros = np.zeros(n, np.int64)
    kernel.advance(path, times, zeros, zeros, room_for(n), float(times[-1]) + 10.0)
    assert path.counters[0, lay.C_SERVED] == n
    assert path.scalars[lay.S_STORE_BUSY] == 0
    assert path.scalars[lay.S_OVERFLOW] == n - lay.HEAP_DEADLINES_MAX


def test_requests_beyond_the_slots_are_refused_and_counted() -> None:
    """Nothing is dropped in silence when everything is full."""
    n = lay.SLOTS_MAX + 1000
    route = Route(100.0, 1, 8, 0.0, 1.0, 1.0, 0.0)
    system = System((route,), 0, 0.001, acquire_timeout_s=50.0, attempts_max=3)
    path = path_of(system, 1)
    zeros = np.zeros(n, np.int64)
    ended = kernel.advance(path, 1e-6 * np.arange(n, dtype=np.float64), zeros, zeros, room_for(n), 1.0)
    assert ended == 1000
    assert path.counters[0, lay.C_FALLBACK] == 1000
    assert path.scalars[lay.S_OVERFLOW] + path.counters[0, lay.C_REJECTED] >= 1000
