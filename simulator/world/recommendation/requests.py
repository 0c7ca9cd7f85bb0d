"""Visitors who look around. Truth `intent`, f4[n, categories]: where the next click falls."""

from __future__ import annotations

import numpy as np

from simulator.world.columns import Floats, Ints
from simulator.world.requests import Requests, hour_context
from simulator.world.world import World


def draw(world: World, customer: Ints, t_s: Floats, rng: np.random.Generator) -> Requests:
    """One request per customer; nothing is left to chance."""
    return Requests(
        route="recommendation",
        customer=customer,
        t_s=t_s,
        entities={"customer": customer},
        context=hour_context(world, t_s),
        truth={"intent": world.customers.intent(customer)},
    )
