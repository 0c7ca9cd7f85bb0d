"""Whatever the system and whatever is done to it: no request is lost or invented, and time may be cut anywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from reference_platform.compilation import plain
from reference_platform.serving import records as rec
from reference_platform.serving.served_log import REQUEST_ENDS, STATUSES
from simulator.traffic import kernel
from tests.oracle.compiled import US, Path, arrivals, inputs_of, path_of
from tests.oracle.request_path import Route, System

LAST_ARRIVAL_S, END_S = 4.0, 60.0
ATTEMPTS = 4_096

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

    def apply(self, path: Path) -> None:
        settings_of = path.core.settings
        if self.what == "kill":
            path.lose(self.value % 3)
        elif self.what == "read":
            path.drive.means[kernel.READ_US] = (1_000, 20_000, 300_000, 4_000)[self.value]
        else:
            knob, values = {
                "connections": (rec.STORE_CONNECTIONS, (0, 1, 8, 60)),
                "attempts": (rec.ATTEMPTS_MAX, (1, 2, 3, 6)),
                "gateway": (rec.GATEWAY_UP, (0, 1, 0, 1)),
                "fallback": (rec.FALLBACK_UP, (0, 1, 0, 1)),
                "breaker": (rec.BREAKER_FAILURES, (0, 1, 3, 0)),
            }[self.what]
            settings_of[knob] = values[self.value]


turns = st.lists(
    st.builds(
        Turn,
        at_s=st.floats(0.0, LAST_ARRIVAL_S),
        what=st.sampled_from(["kill", "connections", "read", "attempts", "gateway", "fallback", "breaker"]),
        value=st.integers(0, 3),
    ),
    max_size=6,
)
cuts = st.lists(st.floats(0.0, END_S), max_size=20)
Arrived = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True)
class Split:
    """What the naive model does not know: a shadow of the first route, and other ways to balance."""

    shadowed: bool
    balancer: int

    def apply(self, core: rec.State) -> None:
        core.settings[rec.BREAKER_OPEN_US] = 300_000
        core.routes.balancer[:] = self.balancer
        if self.shadowed and core.arms[0].members > 0:
            spare = len(core.arms) - 1
            core.routes[0].shadow_arm = spare
            core.members[spare] = core.members[0]
            core.arms[spare].members = core.arms[0].members


splits = st.builds(
    Split,
    shadowed=st.booleans(),
    balancer=st.sampled_from([rec.ROUND_ROBIN, rec.LEAST_REQUESTS, rec.TWO_CHOICES]),
)


def _play(system: System, split: Split, arrived: Arrived, planned: list[Turn], cut_at_s: list[float]) -> Path:
    path, inputs = path_of(system, 3, attempts=ATTEMPTS), inputs_of(*arrived)
    split.apply(path.core)
    ordered = sorted(planned, key=lambda turn: turn.at_s)
    for mark in sorted({*cut_at_s, *(turn.at_s for turn in planned), END_S}):
        path.advance(inputs, mark)
        for turn in ordered:
            if turn.at_s == mark:
                turn.apply(path)
    return path


def _drain(path: Path, arrived: Arrived) -> None:
    """Give the store its connections back and let everything come to an end."""
    path.core.settings[rec.STORE_CONNECTIONS] = 50
    path.drive.means[kernel.READ_US] = 1_000
    path.advance(inputs_of(*arrived), END_S + 200.0)


@settings(max_examples=60, deadline=None)
@given(system=systems, split=splits, planned=turns, cut_at_s=cuts, seed=st.integers(0, 5))
def test_any_cut_gives_the_same_bits(
    system: System, split: Split, planned: list[Turn], cut_at_s: list[float], seed: int
) -> None:
    """Also when pods die and knobs turn in between: what is done at t takes effect at t."""
    arrived = arrivals(system, LAST_ARRIVAL_S, seed)
    cut, whole = (_play(system, split, arrived, planned, each) for each in (cut_at_s, []))
    assert cut.rows.tobytes() == whole.rows.tobytes()
    assert _state(cut.core) == _state(whole.core)


@settings(max_examples=60, deadline=None)
@given(system=systems, split=splits, planned=turns, seed=st.integers(0, 5))
def test_every_arrival_ends_exactly_once(system: System, split: Split, planned: list[Turn], seed: int) -> None:
    """By route, as OK, default or error; and every row, connection and place in a queue is free again."""
    arrived = arrivals(system, LAST_ARRIVAL_S, seed)
    path = _play(system, split, arrived, planned, [])
    _drain(path, arrived)
    rows, counts = path.rows, path.core.counts
    ended = rows[np.isin(rows.outcome, REQUEST_ENDS)]
    assert sorted(ended.request.tolist()) == list(range(len(arrived[0])))
    assert (ended.route == arrived[1][ended.request]).all()
    assert sorted(path.core.free.tolist()) == list(range(ATTEMPTS))
    idle = [rec.FREE_ATTEMPTS, rec.IN_FLIGHT, rec.STORE_BUSY, rec.STORE_WAITING, rec.LIMIT_HITS]
    assert counts[idle].tolist() == [ATTEMPTS, 0, 0, 0, 0]
    assert not path.core.attempts.state.any()
    for name in ("waiting", "running", "outstanding"):
        assert not path.core.replicas[name].any(), name
    assert (path.core.routes.oldest == -1).all()
    assert (path.core.routes.newest == -1).all()


@settings(max_examples=40, deadline=None)
@given(system=systems, split=splits, planned=turns, seed=st.integers(0, 5))
def test_the_rows_of_a_request_tell_one_story(system: System, split: Split, planned: list[Turn], seed: int) -> None:
    """Attempts follow one another, all but the last are failures, and the phases fill the time of each."""
    arrived = arrivals(system, LAST_ARRIVAL_S, seed)
    path = _play(system, split, arrived, planned, [])
    _drain(path, arrived)
    rows = path.rows[path.rows.outcome != rec.SHADOWED]
    spent_us = rows.wait_us + rows.read_us + rows.queue_us + rows.compute_us
    assert (spent_us == rows.answered_us - rows.started_us).all()
    assert ((rows.status == 200) == (rows.cause == rec.NO_CAUSE)).all()
    assert ((rows.status == 200) == (rows.outcome == rec.OK)).all()
    assert (rows.features_us[rows.status == 200] <= rows.answered_us[rows.status == 200]).all()
    by_request = np.lexsort((rows.attempt, rows.request))
    told = rows[by_request]
    first = np.flatnonzero(np.diff(told.request, prepend=-1))
    assert (told.attempt[first] == 1).all()
    assert (np.diff(told.attempt)[np.diff(told.request) == 0] == 1).all()
    last = np.append(first[1:] - 1, len(told) - 1) if len(told) else first
    assert np.isin(told.outcome[last], REQUEST_ENDS).all()
    assert (np.delete(told.outcome, last) == rec.RETRIED).all()
    assert path.totals.statuses.sum() == path.totals.latency.sum() == len(rows)
    assert set(rows.status.tolist()) <= set(STATUSES)


@settings(max_examples=15, deadline=None)
@given(system=systems, split=splits, planned=turns, seed=st.integers(0, 5))
def test_compiled_and_plain_python_decide_alike(system: System, split: Split, planned: list[Turn], seed: int) -> None:
    """Every row, every effect and every field of the state, from the very same source."""
    arrived = tuple(column[:60] for column in arrivals(system, LAST_ARRIVAL_S, seed))
    played = []
    for advance in (kernel.advance, _plain_advance):
        path, inputs = path_of(system, 3, attempts=256, trace_rows=4_000), inputs_of(*arrived)
        split.apply(path.core)
        for turn in sorted(planned, key=lambda turn: turn.at_s):
            assert advance(path.core, path.drive, inputs, round(turn.at_s * US))
            if turn.what not in ("kill", "read"):
                turn.apply(path)
        assert advance(path.core, path.drive, inputs, round(END_S * US))
        played.append((_state(path.core), path.drive.trace.tobytes(), path.drive.trace_us.tobytes()))
    assert played[0] == played[1]


PLAIN_ADVANCE = plain(kernel.advance)


def _plain_advance(core: rec.State, drive: kernel.Virtual, inputs: rec.Records, until_us: int) -> bool:
    """NumPy warns where whole numbers wrap around, as they are meant to in the generator."""
    with np.errstate(over="ignore"):
        return bool(PLAIN_ADVANCE(core, drive, inputs, until_us))


def _state(core: rec.State) -> list[bytes]:
    """All that the core knows, field by field: what lies between the fields of a record means nothing, and neither do
    effects and answers that were taken away."""
    told = []
    for name, array in core._asdict().items():
        if name in ("effects", "answers"):
            continue
        names = array.dtype.names
        told += [array.tobytes()] if names is None else [array[name].tobytes() for name in names]
    return told


def test_requests_beyond_the_room_are_refused_and_counted() -> None:
    """Nothing is dropped in silence when everything is full."""
    n = 1_000
    route = Route(100.0, 1, 8, 0.0, 1.0, 1.0, 0.0)
    system = System((route,), 0, 0.001, acquire_timeout_s=50.0, attempts_max=3)
    path = path_of(system, 1, attempts=600)
    zeros = np.zeros(n, np.int64)
    ended = path.advance(inputs_of(1e-6 * np.arange(n, dtype=np.float64), zeros, zeros), 1.0)
    assert len(ended) == 400
    assert set(ended.cause.tolist()) == {rec.ATTEMPTS_FULL}
    assert set(ended.outcome.tolist()) == {rec.FALLBACK}
    assert path.core.counts[rec.LIMIT_HITS] == 400
