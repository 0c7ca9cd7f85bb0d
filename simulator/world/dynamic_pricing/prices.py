"""The price list, and how likely a customer is to buy at each price."""

from __future__ import annotations

import numpy as np

from reference_platform.arithmetic import exp_of, log_of
from reference_platform.models.dynamic_pricing.decision import DISCOUNT_RATIOS
from simulator.world.columns import Floats, Ints
from simulator.world.world import World

PRICE_MEDIAN_EUR = 28.0
_PRICE_SIGMA = 0.6
_COST_RATIO = (0.50, 0.72)
"""The ends of what a product costs the shop, as a share of its list price."""

BOUGHT_AT_LIST_RATIO = 0.09
"""For an ordinary customer and a product that is not in fashion."""
ELASTICITY = 5.0
"""By how many per cent the odds of a purchase rise when the price falls by one, for an ordinary customer."""
_BUDGET_POWER = 2.0
_FASHION_PULL = 0.7
_FASHION_CALM = 0.8
"""How much fashion adds to the wish for a product, and how much it takes from the attention to its price."""


def _even(product: Ints, salt: int) -> Floats:
    """A number in (0, 1) for each product that says nothing about the others.

    Source: Steele et al. 2014, "Fast Splittable Pseudorandom Number Generators" (SplitMix64).
    """
    z = product.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(salt)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return np.asarray(((z >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53)


def list_price_eur(product: Ints) -> Floats:
    """List prices f8[n]: about log-normal, by the number of the product alone."""
    # Four even numbers add up to something near a normal one, with variance 1/3.
    z = (sum(_even(product, salt) for salt in range(1, 5)) - 2.0) * np.sqrt(3.0)
    return np.asarray(PRICE_MEDIAN_EUR * exp_of(_PRICE_SIGMA * z))


def cost_ratio(product: Ints) -> Floats:
    """What the product costs the shop, f8[n], as a share of its list price."""
    low, high = _COST_RATIO
    return np.asarray(low + (high - low) * _even(product, 5))


def purchase_probability(world: World, customer: Ints, product: Ints) -> Floats:
    """f8[n, steps] that a customer who looks at the product buys it at each step of discount, as things are now.

    Who has more to spend looks less at the price, and so does everybody at what is in fashion.
    """
    fashion = log_of(world.products.boost[product])
    budget = world.payments.budget_ratio[customer]
    elasticity = ELASTICITY * exp_of(-_BUDGET_POWER * log_of(budget)) / (1.0 + _FASHION_CALM * fashion)
    wish = log_of(BOUGHT_AT_LIST_RATIO / (1.0 - BOUGHT_AT_LIST_RATIO)) + _FASHION_PULL * fashion
    cheaper = -log_of(1.0 - np.array(DISCOUNT_RATIOS))
    logit = wish[:, None] + elasticity[:, None] * cheaper
    return np.asarray(1.0 / (1.0 + exp_of(-logit)))
