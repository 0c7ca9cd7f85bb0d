from __future__ import annotations

import numpy as np
import pytest

from reference_platform.models.catalogue import schema_of
from simulator.engine.streams import Streams
from simulator.world.catalogue import SIDES
from simulator.world.columns import Columns
from simulator.world.examples import Examples
from simulator.world.rhythm import DAY_S
from simulator.world.world import World, WorldSize

FRAUD, RANKING, RECOMMENDATION = "fraud-detection", "search-ranking", "recommendation"


def training_examples(
    world: World,
    events: dict[str, Columns],
    model: str,
    since_s: float,
    until_s: float,
    rng: np.random.Generator,
    events_max: int = 60_000,
) -> Examples:
    side = SIDES[model]
    seen = side.observe(world, events, rng) if side.observe is not None else {}
    examples = side.examples(world, events | seen, since_s, until_s, rng, events_max)
    assert examples.route == model
    return examples


@pytest.fixture(scope="module")
def world() -> World:
    return World.create(WorldSize(customers=800, products=480, merchants=60), Streams(2), 6)


@pytest.fixture(scope="module")
def events(world: World) -> dict[str, Columns]:
    return world.advance(0.0)


@pytest.mark.parametrize("route", SIDES)
def test_examples_keep_to_their_window_in_time_order(world: World, events: dict[str, Columns], route: str) -> None:
    examples = training_examples(world, events, route, -4 * DAY_S, -DAY_S, np.random.default_rng(0), events_max=900)
    schema = schema_of(route, 2)
    assert len(examples) == 900 * schema.rows_per_request
    assert examples.context.shape == (len(examples), len(schema.context))
    assert (np.diff(examples.ts) >= 0).all()
    assert -4 * DAY_S <= examples.ts[0] < examples.ts[-1] < -DAY_S
    assert (examples.label_ts > examples.ts).all()


def test_click_labels_arrive_within_minutes_and_fraud_labels_within_months(
    world: World, events: dict[str, Columns]
) -> None:
    rng = np.random.default_rng(0)
    clicks = training_examples(world, events, RECOMMENDATION, -4 * DAY_S, 0.0, rng)
    payments = training_examples(world, events, FRAUD, -4 * DAY_S, 0.0, rng)
    assert (clicks.label_ts - clicks.ts).max() <= 600.0
    assert (payments.label_ts - payments.ts).min() >= 30 * DAY_S


def test_one_candidate_of_each_search_was_clicked(world: World, events: dict[str, Columns]) -> None:
    examples = training_examples(world, events, RANKING, -4 * DAY_S, 0.0, np.random.default_rng(0), events_max=500)
    np.testing.assert_array_equal(examples.label.reshape(-1, 10).sum(axis=1), 1.0)
    assert (np.diff(examples.ts.reshape(-1, 10), axis=1) == 0).all()


def test_searches_are_clicked_as_the_truth_says(world: World) -> None:
    """Without fashions, the clicked share of each candidate is its true share."""
    still = World.create(world.size, Streams(9), 0)
    rng = np.random.default_rng(1)
    count = 200_000
    category = rng.integers(0, 24, count).astype(np.int32)
    clicks: Columns = {
        "ts": np.arange(count) * 0.01,
        "product": still.products.draw(category, rng),
    }
    examples = training_examples(still, {"clicks": clicks}, RANKING, 0.0, np.inf, rng, events_max=count)
    product = examples.entities["product"].reshape(-1, 10)
    pull = still.products.appeal[product] * np.exp(2.5 * examples.context.reshape(-1, 10))
    share = (pull / pull.sum(axis=1, keepdims=True)).ravel()
    bins = np.digitize(share, [0.03, 0.06, 0.1, 0.15, 0.25, 0.4])
    for chosen in range(7):
        assert abs(share[bins == chosen].mean() - examples.label[bins == chosen].mean()) < 0.012


def test_a_window_without_events_gives_no_examples(world: World, events: dict[str, Columns]) -> None:
    for route in SIDES:
        assert len(training_examples(world, events, route, 5.0, 6.0, np.random.default_rng(0))) == 0
