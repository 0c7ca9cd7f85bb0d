"""A simulation that is interrupted, copied or resumed at any instant is the one that was not, to the bit."""

from __future__ import annotations

import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.compile import to_drill
from scenarios.loader import load_scenario
from simulator.image.builder import ensure_image
from simulator.session.session import Session
from simulator.session.snapshot import Snapshot
from tests.oracle.alike import first_difference

LINES = (
    "alerts",
    "kubectl get pods",
    "kubectl rollout restart deployment/recommendation",
    "kubectl scale deployment/search-ranking --replicas=3",
    "kubectl delete job loyalty-refresh",
    "kubectl delete pod -l app=fraud-detection",
    "curl -s http://gateway/v1/recommendation?customer=7",
    "redis-cli info clients",
    "features materialize customer_activity --backfill 30m",
    "mlflow alias set recommendation champion 1",
    "hypothesis add online-store connection_exhaustion the warm-up job holds the connections",
    "status We are looking into slow pages.",
    "note check the pool | grep -c pool",
)
DRILLS = ("gateway-504-at-3am", "oom-after-model-update")


@functools.cache
def at_joining(scenario: str) -> Snapshot:
    image = ensure_image()
    opened = Session.open(
        to_drill(load_scenario(scenario), 1), image, 1, player="t", mode="practice", wall_clock=lambda: 0.0
    )
    assert opened is not None
    return opened.simulation.snapshot()


def seated(snapshot: Snapshot) -> Session:
    simulation = snapshot.restored()
    return Session(simulation, seed=1, image=snapshot.image, player="t", mode="practice", wall_clock=lambda: 0.0)


steps = st.lists(st.tuples(st.floats(0.0, 120.0), st.sampled_from(LINES)), min_size=1, max_size=6)


@settings(max_examples=12, deadline=None)
@given(scenario=st.sampled_from(DRILLS), steps=steps, cuts=st.sets(st.integers(0, 5), min_size=1))
def test_a_session_that_is_frozen_between_its_commands_is_the_one_that_is_not(
    scenario: str, steps: list[tuple[float, str]], cuts: set[int]
) -> None:
    whole, cut = seated(at_joining(scenario)), seated(at_joining(scenario))
    for number, (wait_s, line) in enumerate(steps):
        for session in (whole, cut):
            session.advance(session.now_s + wait_s)
        if number in cuts:
            left, cut = cut, cut.fork()
            left.submit("kubectl delete pod -l app=gateway")  # what happens to the one left behind is nobody's business
            left.advance(left.now_s + 60.0)
        said = [session.submit(line) for session in (whole, cut)]
        assert said[0] == said[1]
    for session in (whole, cut):
        session.advance(session.now_s + 300.0)
    assert cut.simulation.log.digest() == whole.simulation.log.digest()
    assert first_difference(cut.simulation, whole.simulation) is None


@settings(max_examples=6, deadline=None)
@given(at_s=st.lists(st.floats(0.0, 900.0), min_size=1, max_size=3))
def test_a_simulation_frozen_at_any_instant_goes_on_to_the_same_end(at_s: list[float]) -> None:
    whole, cut = at_joining(DRILLS[0]).restored(), at_joining(DRILLS[0]).restored()
    for to_s in sorted(at_s):
        cut.advance(whole.now_s + to_s, lambda: True)
        cut = cut.restore(cut.snapshot())
    end_s = at_joining(DRILLS[0]).restored().now_s + 900.0
    whole.advance(end_s, lambda: True)
    cut.advance(end_s, lambda: True)
    assert first_difference(cut, whole) is None


@pytest.mark.parametrize("scenario", DRILLS)
def test_freezing_changes_nothing_and_one_snapshot_serves_many(scenario: str) -> None:
    snapshot = at_joining(scenario)
    first, second = snapshot.restored(), snapshot.restored()
    assert first_difference(first, second) is None
    first.advance(first.now_s + 120.0, lambda: True)
    first.snapshot()
    second.advance(first.now_s, lambda: True)
    third = snapshot.restored()
    third.advance(first.now_s, lambda: True)
    assert first_difference(first, second) is None
    assert first_difference(first, third) is None


def test_the_oracle_sees_a_difference() -> None:
    first, second = at_joining(DRILLS[0]).restored(), at_joining(DRILLS[0]).restored()
    second.plant.store.append("requests_total", {"route": "recommendation"}, second.now_s, 1.0)
    assert first_difference(first, second) is not None
    third = at_joining(DRILLS[0]).restored()
    third.plant.streams.get("shell/curl").random()
    assert first_difference(first, third) is not None
