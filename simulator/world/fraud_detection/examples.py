"""Payments whose chargebacks are known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simulator.world.columns import Columns
from simulator.world.examples import Examples, sampled, within
from simulator.world.fraud_detection.requests import payment_context
from simulator.world.world import World


def examples(
    world: World,
    events: Mapping[str, Columns],
    since_s: float,
    until_s: float,
    rng: np.random.Generator,
    events_max: int,
) -> Examples:
    """One row per payment; the label is f4 1 for fraud, known when it is charged back or no longer can be."""
    paid = sampled(within(events["payments"], since_s, until_s), events_max, rng)
    return Examples(
        route="fraud-detection",
        entities={"customer": paid["customer"], "merchant": paid["merchant"]},
        ts=paid["ts"],
        context=payment_context(world, paid["ts"], paid["amount_eur"], paid["new_device"]),
        label=paid["is_fraud"].astype(np.float32),
        label_ts=paid["label_ts"],
    )
