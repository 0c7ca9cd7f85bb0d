"""However time is cut into calls, the same requests end in the same way at the same instants."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from reference_platform.serving import records as rec
from tests.oracle.compiled import ATTEMPTS, Path, arrivals, inputs_of, path_of
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
ARRIVED = arrivals(SYSTEM, END_S - 6.0, 4)


def _played(cuts: list[float], kill_at_s: float | None = None) -> Path:
    path, inputs = path_of(SYSTEM, 9), inputs_of(*ARRIVED)
    marks = sorted({*cuts, END_S, *([kill_at_s] if kill_at_s is not None else [])})
    for mark in marks:
        path.advance(inputs, mark)
        if mark == kill_at_s:
            path.lose(0)
    return path


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.floats(0.0, END_S, allow_nan=False), max_size=30))
def test_any_cut_gives_the_same_bits(cuts: list[float]) -> None:
    """Every answered attempt with all its columns."""
    assert _played(cuts).rows.tobytes() == _played([]).rows.tobytes()


@settings(max_examples=15, deadline=None)
@given(at_s=st.floats(0.5, 5.5))
def test_every_arrival_ends_once_even_when_a_pod_dies(at_s: float) -> None:
    """Nothing is lost, nothing is counted twice, and every row is free again."""
    path = _played([], at_s)
    ended = path.rows[path.rows.outcome != rec.RETRIED]
    assert sorted(ended.request.tolist()) == list(range(len(ARRIVED[0])))
    counts = path.core.counts
    assert counts[[rec.FREE_ATTEMPTS, rec.IN_FLIGHT, rec.LIMIT_HITS]].tolist() == [ATTEMPTS, 0, 0]
