from __future__ import annotations

import numpy as np
import pytest

from reference_platform.models.decisions import decide
from reference_platform.models.schema import FRAUD, MODELS, RANKING, RECOMMENDATION
from simulator.engine.streams import Streams
from simulator.world.requests import Requests, draw_requests
from simulator.world.value import default_decisions, expected_click_ratio, value_eur
from simulator.world.world import World, WorldSize


@pytest.fixture(scope="module")
def world() -> World:
    world = World.create(WorldSize(customers=800, products=480, merchants=60), Streams(2), 2)
    world.advance(0.0)
    return world


def drawn(world: World, route: str) -> Requests:
    rng = np.random.default_rng(3)
    return draw_requests(world, route, world.customers.draw(2000, rng), np.full(2000, world.now_s), rng)


@pytest.mark.parametrize("route", [RECOMMENDATION, RANKING])
def test_no_order_beats_the_true_one(world: World, route: str) -> None:
    requests = drawn(world, route)
    truth = requests.truth.intent if route == RECOMMENDATION else requests.truth.click_share
    best = value_eur(requests, decide(route, truth))
    rng = np.random.default_rng(4)
    for _ in range(5):
        guess = decide(route, rng.random(truth.shape, dtype=np.float32))
        assert (best >= value_eur(requests, guess) - 1e-12).all()
    assert best.mean() > 1.1 * value_eur(requests, default_decisions(world, requests)).mean()


@pytest.mark.parametrize("route", [RECOMMENDATION, RANKING])
def test_a_click_is_a_probability(world: World, route: str) -> None:
    requests = drawn(world, route)
    click = expected_click_ratio(requests, default_decisions(world, requests))
    assert click.shape == (2000,)
    assert ((click > 0.0) & (click < 1.0)).all()


def test_declining_pays_exactly_when_fraud_is_likely(world: World) -> None:
    requests = drawn(world, FRAUD)
    everyone = np.ones(len(requests), dtype=np.bool_)
    gain = value_eur(requests, everyone) - value_eur(requests, ~everyone)
    fraud = requests.truth.fraud_probability[:, 0]
    assert (gain[fraud > 0.9] > 0).all()
    assert (gain[fraud < 0.05] < 0).all()


def test_a_payment_has_no_click(world: World) -> None:
    requests = drawn(world, FRAUD)
    with pytest.raises(KeyError):
        expected_click_ratio(requests, default_decisions(world, requests))


@pytest.mark.parametrize("route", MODELS)
def test_value_is_the_same_for_a_request_alone_or_in_a_batch(world: World, route: str) -> None:
    requests = drawn(world, route)
    decisions = default_decisions(world, requests)
    whole = value_eur(requests, decisions)
    some = np.array([5, 1999, 7])
    np.testing.assert_allclose(value_eur(requests.take(some), decisions[some]), whole[some], rtol=1e-6)
