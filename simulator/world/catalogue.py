"""The registry of the models' sides of the world, by model. A new model is a folder and a line here."""

from __future__ import annotations

import numpy as np

from reference_platform.models.dynamic_pricing.card import DYNAMIC_PRICING
from reference_platform.models.fraud_detection.card import FRAUD_DETECTION
from reference_platform.models.recommendation.card import RECOMMENDATION
from reference_platform.models.search_ranking.card import SEARCH_RANKING
from simulator.world.columns import Floats, Ints
from simulator.world.dynamic_pricing import side as dynamic_pricing
from simulator.world.fraud_detection import side as fraud_detection
from simulator.world.recommendation import side as recommendation
from simulator.world.requests import Requests
from simulator.world.search_ranking import side as search_ranking
from simulator.world.side import Decisions, WorldSide
from simulator.world.world import World

SIDES: dict[str, WorldSide] = {
    RECOMMENDATION.name: recommendation.SIDE,
    FRAUD_DETECTION.name: fraud_detection.SIDE,
    SEARCH_RANKING.name: search_ranking.SIDE,
    DYNAMIC_PRICING.name: dynamic_pricing.SIDE,
}


def side_of(model: str) -> WorldSide:
    """The world's side of a model. Raises KeyError for an unknown one."""
    return SIDES[model]


def draw_requests(world: World, route: str, customer_idx: Ints, t_s: Floats, rng: np.random.Generator) -> Requests:
    """What these customers ask at these instants, given the world's state at its last step.

    Somebody else than the arrival may be the one who asks: `customer` of the result is who did. Raises KeyError for
    an unknown route.
    """
    customer = np.asarray(customer_idx, dtype=np.int32)
    times = np.asarray(t_s, dtype=np.float64)
    assert customer.shape == times.shape, "one instant per customer"
    return side_of(route).draw(world, customer, times, rng)


def value_eur(requests: Requests, decisions: Decisions) -> Floats:
    """Expected value f8[n] of each decision, in the form of `decide` on the model's card."""
    return side_of(requests.route).value_eur(requests, decisions)
