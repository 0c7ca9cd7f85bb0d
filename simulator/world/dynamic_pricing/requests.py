"""Visits to a product. Asked `product`, `list_price_eur`; truth `purchase_probability`, f8[n, steps]."""

from __future__ import annotations

import numpy as np

from reference_platform.arithmetic import log1p_of
from simulator.world.columns import Floats, Floats32, Ints
from simulator.world.dynamic_pricing.prices import cost_ratio, list_price_eur, purchase_probability
from simulator.world.requests import Requests, hour_context
from simulator.world.world import World


def price_context(world: World, t_s: Floats, product: Ints) -> Floats32:
    """Columns log_price, cost_ratio, hour_sin, hour_cos."""
    own = np.stack([log1p_of(list_price_eur(product)), cost_ratio(product)], axis=1)
    return np.concatenate([own.astype(np.float32), hour_context(world, t_s)], axis=1)


def draw(world: World, customer: Ints, t_s: Floats, rng: np.random.Generator) -> Requests:
    """One visit per customer, to a product of a category that they want."""
    product = world.products.draw(world.customers.draw_categories(customer, rng), rng)
    return Requests(
        route="dynamic-pricing",
        customer=customer,
        t_s=t_s,
        entities={"customer": customer, "product": product},
        context=price_context(world, t_s, product),
        truth={"purchase_probability": purchase_probability(world, customer, product)},
        asked={"product": product, "list_price_eur": list_price_eur(product)},
    )
