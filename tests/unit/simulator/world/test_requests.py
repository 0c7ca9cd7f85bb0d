from __future__ import annotations

import numpy as np
import pytest

from reference_platform.models.catalogue import schema_of
from simulator.engine.streams import Streams
from simulator.world.catalogue import SIDES, draw_requests
from simulator.world.payments import MERCHANT_BREACH
from simulator.world.requests import Requests
from simulator.world.world import World, WorldSize

FRAUD, RANKING, RECOMMENDATION = "fraud-detection", "search-ranking", "recommendation"


@pytest.fixture(scope="module")
def world() -> World:
    world = World.create(WorldSize(customers=800, products=480, merchants=60), Streams(2), 2)
    world.advance(0.0)
    return world


def drawn(world: World, route: str, count: int = 4000, seed: int = 0) -> Requests:
    rng = np.random.default_rng(seed)
    return draw_requests(world, route, world.customers.draw(count, rng), np.full(count, world.now_s), rng)


@pytest.mark.parametrize("route", SIDES)
def test_context_and_entities_have_one_row_per_model_row(world: World, route: str) -> None:
    requests = drawn(world, route, 50)
    schema = schema_of(route, 2)
    assert requests.route == route
    assert requests.rows_per_request == schema.rows_per_request
    assert requests.context.shape == (50 * schema.rows_per_request, len(schema.context))
    assert requests.context.dtype == np.float32
    for view in schema.views:
        assert requests.entities[view.entity].shape == (50 * schema.rows_per_request,)


@pytest.mark.parametrize("route", SIDES)
def test_taking_some_requests_keeps_their_rows_together(world: World, route: str) -> None:
    requests = drawn(world, route, 40)
    index = np.array([31, 2, 2, 17])
    taken = requests.take(index)
    rows = requests.rows_per_request
    assert len(taken) == 4
    np.testing.assert_array_equal(taken.context.reshape(4, rows, -1), requests.context.reshape(40, rows, -1)[index])
    for name, values in requests.entities.items():
        np.testing.assert_array_equal(taken.entities[name].reshape(4, rows), values.reshape(40, rows)[index])
    for name, values in [*requests.truth.items(), *requests.asked.items()]:
        np.testing.assert_array_equal((taken.truth | taken.asked)[name], values[index])
    assert len(requests.take(np.arange(40) < 10)) == 10


def test_the_true_intent_is_how_customers_click(world: World) -> None:
    rng = np.random.default_rng(1)
    customer = np.full(40_000, int(world.customer_weights.argmax()), dtype=np.int32)
    clicked = np.bincount(world.customers.draw_categories(customer, rng), minlength=24) / len(customer)
    intent = world.customers.intent(customer[:1])[0]
    assert abs(float(intent.sum()) - 1.0) < 1e-5
    np.testing.assert_allclose(clicked, intent, atol=0.01)


def test_busy_customers_arrive_more_often(world: World) -> None:
    arrived = np.bincount(drawn(world, RECOMMENDATION, 40_000).customer, minlength=800) / 40_000
    assert np.corrcoef(arrived, world.customer_weights)[0, 1] > 0.9


def test_payments_reflect_the_bursts_under_way(world: World) -> None:
    state = world.state()
    state["payments.bursts"] = np.array([[MERCHANT_BREACH, 7.0, -100.0, 9e9, 400.0]])
    breached = World.restore(world.size, state, Streams(0), 0.0)
    state["payments.bursts"] = np.empty((0, 5))
    quiet = World.restore(world.size, state, Streams(0), 0.0)
    robbed, calm = drawn(breached, FRAUD), drawn(quiet, FRAUD)
    fraud = robbed.truth["fraud_probability"] > 0.9
    assert fraud.mean() > 0.5
    assert (robbed.entities["merchant"][fraud] == 7).all()
    assert (calm.truth["fraud_probability"] < 0.6).all()
    assert robbed.asked["new_device"][fraud].mean() > 0.5 > 0.1 > calm.asked["new_device"].mean()


def test_candidates_of_a_search_are_distinct_products_of_one_category(world: World) -> None:
    requests = drawn(world, RANKING, 300)
    categories = world.products.category[requests.asked["candidates"]]
    assert (categories == categories[:, :1]).all()
    assert (np.diff(np.sort(requests.asked["candidates"], axis=1)) > 0).all()
    np.testing.assert_allclose(requests.truth["click_share"].sum(axis=1), 1.0, rtol=1e-5)


def test_an_unknown_route_is_refused(world: World) -> None:
    with pytest.raises(KeyError):
        drawn(world, "no-such-model", 3)
