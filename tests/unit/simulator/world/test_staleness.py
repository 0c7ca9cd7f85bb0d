"""Old features must cost money, or a drill about stale features teaches nothing."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np

from reference_platform.models.catalogue import card_of
from reference_platform.models.runtime import ExportedModel
from reference_platform.models.schema import assemble
from reference_platform.shop.transform import Transform
from simulator.engine.streams import Streams
from simulator.world.catalogue import draw_requests, side_of, value_eur
from simulator.world.rhythm import DAY_S, HOUR_S
from simulator.world.world import World, WorldSize
from tests.oracle.defaults import default_decisions
from tests.unit.reference_platform.models.training import train
from tests.unit.simulator.world.features_at import learn, transforms_of, values_now, x_of_examples

HISTORY_D = 8


def mean_values(route: str, version: int) -> dict[str, float]:
    """Mean value per request at t=72 h of fresh features, of features frozen at t=0, and of the defaults."""
    size = WorldSize()
    world = World.create(size, Streams(31), HISTORY_D, calendar_offset_s=12 * HOUR_S)
    events = world.advance(0.0)
    rng = np.random.default_rng(8)
    card = card_of(route)
    spec = card.version(version)
    examples = side_of(route).examples(world, events, -(HISTORY_D - 3) * DAY_S, 0.0, rng, 15_000)
    x = x_of_examples(size, events, examples, spec.schema, -HISTORY_D * DAY_S)
    model = ExportedModel(route, train(card, spec, x, examples.label, seed=1).state, card.head)
    fresh = transforms_of(size)
    learn(fresh, events, 0.0)
    frozen = copy.deepcopy(fresh)
    learn(fresh, world.advance(72 * HOUR_S), 72 * HOUR_S)
    requests = draw_requests(world, route, world.customers.draw(20_000, rng), np.full(20_000, 72 * HOUR_S), rng)

    def value(transforms: Mapping[str, Transform], now_s: float) -> float:
        views = values_now(transforms, spec.schema, requests.entities, now_s)
        scores = model.predict(assemble(spec.schema, views, requests.context))
        return float(value_eur(requests, card.decide(scores, requests.context)).mean())

    return {
        "fresh": value(fresh, 72 * HOUR_S),
        "stale": value(frozen, 0.0),
        "default": float(value_eur(requests, default_decisions(world, requests)).mean()),
    }


def test_three_days_of_staleness_cost_recommendation_at_least_a_quarter() -> None:
    mean = mean_values("recommendation", 3)
    assert mean["stale"] <= 0.75 * mean["fresh"]
    assert mean["default"] < mean["stale"] * 0.98
    assert mean["default"] < 0.5 * mean["fresh"]


def test_three_days_of_staleness_cost_search_but_leave_it_better_than_no_model() -> None:
    mean = mean_values("search-ranking", 2)
    assert mean["stale"] <= 0.95 * mean["fresh"]
    assert mean["default"] < mean["stale"]
