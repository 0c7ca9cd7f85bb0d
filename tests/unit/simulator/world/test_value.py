from __future__ import annotations

import numpy as np
import pytest

from reference_platform.models.catalogue import card_of
from simulator.engine.streams import Streams
from simulator.world.catalogue import SIDES, default_decisions, draw_requests, side_of, value_eur
from simulator.world.requests import Requests
from simulator.world.world import World, WorldSize

FRAUD, RANKING, RECOMMENDATION = "fraud-detection", "search-ranking", "recommendation"
CLICKED = {RECOMMENDATION: "intent", RANKING: "click_share"}
"""What is true of models that live by clicks."""


@pytest.fixture(scope="module")
def world() -> World:
    world = World.create(WorldSize(customers=800, products=480, merchants=60), Streams(2), 2)
    world.advance(0.0)
    return world


def drawn(world: World, route: str) -> Requests:
    rng = np.random.default_rng(3)
    return draw_requests(world, route, world.customers.draw(2000, rng), np.full(2000, world.now_s), rng)


@pytest.mark.parametrize("route", CLICKED)
def test_no_order_beats_the_true_one(world: World, route: str) -> None:
    requests = drawn(world, route)
    truth, decide = requests.truth[CLICKED[route]], card_of(route).decide
    best = value_eur(requests, decide(truth, requests.context))
    rng = np.random.default_rng(4)
    for _ in range(5):
        guess = decide(rng.random(truth.shape, dtype=np.float32), requests.context)
        assert (best >= value_eur(requests, guess) - 1e-12).all()
    assert best.mean() > 1.1 * value_eur(requests, default_decisions(world, requests)).mean()


@pytest.mark.parametrize("route", CLICKED)
def test_nobody_clicks_on_an_error_page(world: World, route: str) -> None:
    requests = drawn(world, route)
    shown, business = default_decisions(world, requests), side_of(route).business
    everybody = np.ones(len(requests), dtype=np.bool_)
    half = np.arange(len(requests)) < 1000
    assert 0.0 < business(requests, shown, everybody) < 1.0
    assert business(requests, shown, half) == pytest.approx(
        business(requests.take(half), shown[half], everybody[half]) / 2
    )
    assert business(requests, shown, ~everybody) == 0.0


def test_declining_pays_exactly_when_fraud_is_likely(world: World) -> None:
    requests = drawn(world, FRAUD)
    everyone = np.ones(len(requests), dtype=np.bool_)
    gain = value_eur(requests, everyone) - value_eur(requests, ~everyone)
    fraud = requests.truth["fraud_probability"]
    assert (gain[fraud > 0.9] > 0).all()
    assert (gain[fraud < 0.05] < 0).all()


def test_payments_without_an_answer_are_declined_as_the_default_says(world: World) -> None:
    requests = drawn(world, FRAUD)
    declined = np.arange(len(requests)) < 500
    for answered in (True, False):
        assert side_of(FRAUD).business(requests, declined, np.full(len(requests), answered)) == 0.25


@pytest.mark.parametrize("route", SIDES)
def test_value_is_the_same_for_a_request_alone_or_in_a_batch(world: World, route: str) -> None:
    requests = drawn(world, route)
    decisions = default_decisions(world, requests)
    whole = value_eur(requests, decisions)
    some = np.array([5, 1999, 7])
    np.testing.assert_allclose(value_eur(requests.take(some), decisions[some]), whole[some], rtol=1e-6)
