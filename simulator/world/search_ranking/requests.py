"""Searches. Asked `candidates`, i4[n, 10] products; truth `click_share`, f4[n, 10]: which candidate is wanted."""

from __future__ import annotations

import numpy as np

from simulator.world.columns import Floats, Ints
from simulator.world.products import CANDIDATES
from simulator.world.requests import Requests
from simulator.world.world import World


def draw(world: World, customer: Ints, t_s: Floats, rng: np.random.Generator) -> Requests:
    """One search per customer, for a category that they want: ten rows each."""
    query = world.products.draw_queries(world.customers.draw_categories(customer, rng), rng)
    candidates = world.products.query_products[query]
    return Requests(
        route="search-ranking",
        customer=customer,
        t_s=t_s,
        entities={"product": candidates.ravel()},
        context=world.products.query_relevance[query].reshape(-1, 1),
        truth={"click_share": world.products.click_share(query)},
        asked={"candidates": candidates},
        rows_per_request=CANDIDATES,
    )
