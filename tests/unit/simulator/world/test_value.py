from __future__ import annotations

import numpy as np
import pytest

from reference_platform.models.catalogue import card_of
from reference_platform.models.dynamic_pricing.decision import DISCOUNT_RATIOS
from simulator.engine.streams import Streams
from simulator.world.catalogue import SIDES, draw_requests, side_of, value_eur
from simulator.world.dynamic_pricing.prices import cost_ratio, list_price_eur, purchase_probability
from simulator.world.requests import Requests
from simulator.world.world import World, WorldSize
from tests.oracle.defaults import default_decisions

FRAUD, RANKING, RECOMMENDATION = "fraud-detection", "search-ranking", "recommendation"
PRICING = "dynamic-pricing"
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


def test_no_price_earns_more_than_the_one_that_the_truth_suggests(world: World) -> None:
    requests = drawn(world, PRICING)
    truth = requests.truth["purchase_probability"].astype(np.float32)
    best = value_eur(requests, card_of(PRICING).decide(truth, requests.context))
    for step in range(len(DISCOUNT_RATIOS)):
        offered = np.full(len(requests), step)
        assert (best >= value_eur(requests, offered) - 1e-5).all()
        price_eur = requests.asked["list_price_eur"] * (1.0 - DISCOUNT_RATIOS[step])
        margin_eur = price_eur - requests.context[:, 1] * requests.asked["list_price_eur"]
        np.testing.assert_allclose(value_eur(requests, offered), truth[:, step] * margin_eur, rtol=1e-4, atol=1e-6)
    assert best.mean() > 1.15 * value_eur(requests, default_decisions(world, requests)).mean()


def test_a_lower_price_sells_more_the_less_there_is_to_spend_and_the_less_it_is_in_fashion(world: World) -> None:
    """Odds of a purchase at the lowest price over those at list price, for customers and products sorted by each."""
    customer = np.argsort(world.payments.budget_ratio).astype(np.int32)[[0, 400, 799]]
    plain, hot = np.argsort(world.products.boost, kind="stable").astype(np.int32)[[0, -1]]
    assert world.products.boost[hot] > 4.0 > world.products.boost[plain] == 1.0

    def odds_ratio(product: int) -> np.ndarray:
        bought = purchase_probability(world, customer, np.full(3, product, np.int32))
        assert (np.diff(bought, axis=1) > 0).all()
        odds = bought / (1.0 - bought)
        return np.asarray(odds[:, -1] / odds[:, 0])

    np.testing.assert_allclose(
        np.log(odds_ratio(plain)), 5.0 * world.payments.budget_ratio[customer] ** -2.0 * -np.log(0.8), rtol=1e-9
    )
    assert (odds_ratio(hot) < odds_ratio(plain)).all()


def test_the_price_list_depends_on_nothing_but_the_number_of_a_product() -> None:
    product = np.arange(20_000, dtype=np.int32)
    price, cost = list_price_eur(product), cost_ratio(product)
    np.testing.assert_array_equal(list_price_eur(product[500:510]), price[500:510])
    assert np.median(price) == pytest.approx(28.0, rel=0.03)
    assert np.log(price).std() == pytest.approx(0.6, rel=0.03)
    assert 0.50 < cost.min() < 0.51 < 0.71 < cost.max() < 0.72
    assert abs(np.corrcoef(price, cost)[0, 1]) < 0.03


@pytest.mark.parametrize("route", [*CLICKED, PRICING])
def test_nobody_clicks_or_buys_on_an_error_page(world: World, route: str) -> None:
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
