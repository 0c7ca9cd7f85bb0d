"""The data plane: arrivals by block, knobs at their instant, rows of the request path claimed and given back."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_platform.spec import PlatformSpec
from scenarios.compile import to_drill
from scenarios.loader import load_scenario
from simulator.traffic.arrivals import Arrivals
from simulator.traffic.layout import C_ATTEMPTS, C_RETRIES, C_SERVED, C_ZOMBIES, OK, PODS_MAX, S_OVERFLOW
from simulator.traffic.plane import DataPlane, Endpoint
from simulator.world.rhythm import Rhythm

ENTITIES = 500
REFERENCE: PlatformSpec = to_drill(load_scenario("gateway-504-at-3am"), 1).platform


def _arrivals(seed: int) -> Arrivals:
    shares = np.array([model.route_share for model in REFERENCE.models])
    return Arrivals(Rhythm(0.0), 40.0, shares, np.ones(ENTITIES), np.random.default_rng(seed))


def _plane(seed: int = 7) -> DataPlane:
    plane = DataPlane(REFERENCE, _arrivals(seed), ENTITIES, 11)
    for model in REFERENCE.models:
        plane.set_endpoints(model.name, [Endpoint(plane.claim(model), 1.0, 0.0) for _ in range(2)])
    return plane


def _bits(plane: DataPlane) -> list[bytes]:
    return [column.tobytes() for column in (plane.path.counters, plane.path.latency, *plane.drain())]


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.one_of(st.floats(0.0, 200.0), st.sampled_from([60.0, 120.0, 180.0])), max_size=15))
def test_blocks_and_calls_may_be_cut_anywhere(cuts: list[float]) -> None:
    """Minutes are how arrivals are drawn, not how time passes."""
    whole, parts = _plane(), _plane()
    whole.advance(200.0)
    for mark in sorted(cuts):
        parts.advance(mark)
    parts.advance(200.0)
    assert _bits(parts) == _bits(whole)
    assert parts.requests == whole.requests


def test_arrivals_do_not_depend_on_what_a_responder_does() -> None:
    """Two plays of one seed meet the same shoppers."""
    calm, busy = _plane(), _plane()
    calm.advance(130.0)
    busy.advance(30.0)
    busy.set_store(1, 0.5)
    busy.set_retries(1)
    busy.advance(130.0)
    assert busy.requests == calm.requests


def test_a_knob_takes_effect_at_its_instant() -> None:
    """With the gateway down from t on, nothing that arrives after t is served."""
    plane = _plane()
    plane.advance(90.0)
    plane.set_fronts(gateway_up=False, fallback_up=True)
    plane.advance(120.0)
    ended = plane.drain()
    assert (ended.outcome[ended.first_s <= 89.0] == OK).all()
    assert not (ended.outcome[ended.first_s > 90.0] == OK).any()


def test_a_released_row_is_claimed_again_with_an_empty_cache() -> None:
    plane = _plane()
    plane.advance(60.0)
    old = int(plane.path.route_pods[0, 0])
    assert (plane.path.cache[old] > 0).any()
    plane.release(old)
    again = plane.claim(REFERENCE.models[0])
    assert again == old
    assert not (plane.path.cache[again] > 0).any()
    assert plane.path.pods[again].tolist()[-2:] == [1.0, 0.0]


def test_there_are_as_many_rows_as_stated() -> None:
    plane = DataPlane(REFERENCE, _arrivals(1), ENTITIES, 11)
    claimed = [plane.claim(REFERENCE.models[0]) for _ in range(PODS_MAX)]
    assert sorted(claimed) == list(range(PODS_MAX))


def test_every_request_of_the_blocks_ends_once() -> None:
    plane = _plane()
    plane.advance(300.0)
    plane.set_retries(1)
    arrived = plane.requests
    begun = int((plane.path.counters[:, C_ATTEMPTS] - plane.path.counters[:, C_RETRIES]).sum())
    plane.advance(359.9)
    ended = plane.drain()
    assert begun == arrived
    assert (ended.first_s <= 300.0).sum() == arrived
    assert plane.path.scalars[S_OVERFLOW] == 0
    assert plane.path.counters[:, C_SERVED].sum() == (ended.outcome == OK).sum()
    assert plane.path.counters[:, C_ZOMBIES].sum() == 0
