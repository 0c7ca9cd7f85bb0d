"""Offers made at random, as examples of who buys at which price."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reference_platform.models.dynamic_pricing.decision import DISCOUNT_RATIOS
from simulator.world.columns import Columns
from simulator.world.dynamic_pricing.prices import purchase_probability
from simulator.world.dynamic_pricing.requests import price_context
from simulator.world.examples import CLICK_LABEL_DELAY_S, Examples, sampled, within
from simulator.world.world import World

OFFERS = "offers"


def observe(world: World, events: Mapping[str, Columns], rng: np.random.Generator) -> dict[str, Columns]:
    """The `offers` of a step: every click saw a price, drawn evenly from the discounts, and bought or did not."""
    clicks = events["clicks"]
    row = np.arange(len(clicks["ts"]))
    step = rng.integers(0, len(DISCOUNT_RATIOS), len(row))
    probability = purchase_probability(world, clicks["customer"], clicks["product"])[row, step]
    seen = {name: clicks[name] for name in ("ts", "customer", "product")}
    return {OFFERS: seen | {"step": step, "bought": rng.random(len(row)) < probability}}


def examples(
    world: World,
    events: Mapping[str, Columns],
    since_s: float,
    until_s: float,
    rng: np.random.Generator,
    events_max: int,
) -> Examples:
    """One row per offer; the label is i8, 2 step + bought."""
    offers = sampled(within(events[OFFERS], since_s, until_s), events_max, rng)
    return Examples(
        route="dynamic-pricing",
        entities={"customer": offers["customer"], "product": offers["product"]},
        ts=offers["ts"],
        context=price_context(world, offers["ts"], offers["product"]),
        label=2 * offers["step"] + offers["bought"],
        label_ts=offers["ts"] + rng.uniform(*CLICK_LABEL_DELAY_S, len(offers["ts"])),
    )
