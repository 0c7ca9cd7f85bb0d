"""What the shop does for drawn requests when no model answers."""

from __future__ import annotations

from reference_platform.models.card import Decisions
from reference_platform.serving.answer import by_default
from simulator.world.requests import Requests
from simulator.world.world import World


def default_decisions(world: World, requests: Requests) -> Decisions:
    """The fallback service's decisions, in the form of the model's."""
    return by_default(requests.route, requests.context, world.popular_categories)
