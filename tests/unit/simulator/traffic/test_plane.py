"""The data plane: arrivals by block, knobs at their instant, rows of the request path claimed and given back."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_platform.serving.records import FALLBACK, NO_CAUSE, NO_REPLICA, OK, REPLICA_LOST, RETRIED
from reference_platform.serving.served_log import REQUEST_ENDS
from reference_platform.spec import PlatformSpec
from scenarios.compile import to_drill
from scenarios.loader import load_scenario
from simulator.traffic.arrivals import Arrivals
from simulator.traffic.plane import UNUSED, DataPlane, Endpoint
from simulator.world.rhythm import Rhythm

ENTITIES = 500
REFERENCE: PlatformSpec = to_drill(load_scenario("gateway-504-at-3am"), 1).platform


def _arrivals(seed: int) -> Arrivals:
    shares = np.array([model.route_share for model in REFERENCE.models])
    return Arrivals(Rhythm(0.0), 40.0, shares, np.ones(ENTITIES), np.random.default_rng(seed))


def _plane(seed: int = 7) -> DataPlane:
    plane = DataPlane(REFERENCE, _arrivals(seed), ENTITIES, 11)
    for model in REFERENCE.models:
        plane.set_endpoints(model.name, [Endpoint(plane.claim(model, 1), 1.0, 0.0) for _ in range(2)])
    return plane


def _bits(plane: DataPlane) -> list[bytes]:
    return [plane.totals.latency.tobytes(), plane.drain().tobytes()]


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
    assert (ended.outcome[ended.arrived_us <= 89_000_000] == OK).all()
    assert not (ended.outcome[ended.arrived_us > 90_000_000] == OK).any()


def test_a_released_row_is_claimed_again_by_another_server_with_an_empty_cache() -> None:
    plane = _plane()
    plane.advance(60.0)
    old = int(plane.core.members[0, 0])
    serial = plane.serial_of(old)
    assert plane.use_of(old).batches > 0
    plane.release(old)
    again = plane.claim(REFERENCE.models[0], 2)
    assert again == old
    assert plane.serial_of(again) > serial
    assert plane.use_of(again) == UNUSED
    plane.drain()
    plane.set_endpoints("recommendation", [Endpoint(again, 1.0, 0.0)])
    plane.advance(61.0)
    rows = plane.drain()
    mine = rows[(rows.route == 0) & (rows.replica == plane.serial_of(again))]
    assert len(mine) > 0
    assert mine.cache_hit[0] == 0
    assert (mine.version == 2).all()


def test_as_many_servers_as_are_wanted_find_room() -> None:
    """Sixty models on six hundred replicas: the document decides, no constant does."""
    wide = REFERENCE.model_copy(
        update={
            "models": [REFERENCE.models[0].model_copy(update={"name": f"m{n}", "route_share": 0.01}) for n in range(60)]
        }
    )
    arrivals = Arrivals(Rhythm(0.0), 3000.0, np.ones(60), np.ones(ENTITIES), np.random.default_rng(1))
    plane = DataPlane(wide, arrivals, ENTITIES, 11)
    claimed = []
    for model in wide.models:
        mine = [plane.claim(model, 1) for _ in range(10)]
        claimed += mine
        plane.set_endpoints(model.name, [Endpoint(index, 1.0, 0.0) for index in mine])
    plane.advance(5.0)
    assert len(set(claimed)) == 600
    rows = plane.drain()
    assert set(rows.replica.tolist()) == {plane.serial_of(index) for index in claimed}
    assert (rows.outcome == OK).all()


def test_servers_keep_their_state_when_room_is_made_for_more() -> None:
    """Growing in the middle of a night changes no bit of it."""
    calm, grown = _plane(), _plane()
    for plane in (calm, grown):
        plane.advance(70.0)
    had = len(grown.core.replicas)
    for _ in range(had):
        grown.claim(REFERENCE.models[0], 1)
    assert len(grown.core.replicas) > had
    for plane in (calm, grown):
        plane.advance(100.0)
    assert grown.drain().tobytes() == calm.drain().tobytes()


def test_every_request_of_the_blocks_ends_once() -> None:
    plane = _plane()
    plane.advance(300.0)
    plane.set_retries(1)
    arrived = plane.requests
    plane.advance(359.9)
    rows = plane.drain()
    ended = rows[np.isin(rows.outcome, REQUEST_ENDS)]
    assert sorted(ended.request[ended.request < arrived].tolist()) == list(range(arrived))
    assert plane.refused_for_room() == 0


def test_a_request_by_hand_meets_what_everybody_meets() -> None:
    """Answered by a server that is there, with its version; refused when there is none; never tried again."""
    plane = _plane()
    plane.advance(65.0)
    number = plane.send("fraud-detection", 7)
    assert plane.take_answer(number) is None
    plane.advance(66.0)
    row = plane.take_answer(number)
    assert row is not None
    assert (row.entity, row.outcome, row.status, row.cause, row.version) == (7, OK, 200, NO_CAUSE, 1)
    assert row.arrived_us == 65_000_000 < row.answered_us
    assert plane.take_answer(number) is None, "told once"
    plane.set_endpoints("fraud-detection", [])
    number = plane.send("fraud-detection", 7)
    row = plane.take_answer(number)
    assert row is not None
    assert (row.outcome, row.status, row.cause, row.attempt, row.replica) == (FALLBACK, 503, NO_REPLICA, 1, -1)


def test_repeated_requests_by_hand_meet_each_server_in_turn() -> None:
    plane = _plane()
    plane.set_endpoints("recommendation", [Endpoint(plane.claim(REFERENCE.models[0], v), 1.0, 0.0) for v in (3, 4)])
    seen = []
    for n in range(4):
        number = plane.send("recommendation", n)
        plane.advance(60.0 * 0.01 * (n + 1))
        row = plane.take_answer(number)
        assert row is not None
        seen.append(int(row.version))
    assert set(seen) == {3, 4}


def test_what_a_lost_server_held_fails_for_that_reason() -> None:
    plane = _plane()
    plane.advance(60.0)
    for moment in range(200):
        plane.advance(60.0 + 0.01 * moment)
        index = int(plane.core.members[0, 0])
        if plane.core.replicas[index].outstanding > 0:
            break
    plane.drain()
    plane.take_troubles()
    serial = plane.serial_of(index)
    plane.release(index)
    lost = plane.drain()
    assert len(lost) > 0
    assert set(lost.cause.tolist()) == {REPLICA_LOST}
    assert set(lost.outcome.tolist()) == {RETRIED}
    assert {(trouble.replica, trouble.cause) for trouble in plane.take_troubles()} == {(serial, REPLICA_LOST)}
    assert not plane.take_troubles()
