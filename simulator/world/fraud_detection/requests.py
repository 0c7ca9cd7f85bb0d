"""Payments. Asked `amount_eur` f4[n] and `new_device`; truth `fraud_probability`, f8[n]."""

from __future__ import annotations

import numpy as np

from reference_platform.arithmetic import log1p_of
from simulator.world.columns import Bools, Floats, Floats32, Ints
from simulator.world.requests import Requests, hour_context
from simulator.world.world import World


def payment_context(world: World, t_s: Floats, amount_eur: Floats32, new_device: Bools) -> Floats32:
    """Columns log_amount, new_device, hour_sin, hour_cos."""
    own = np.stack([log1p_of(amount_eur), new_device.astype(np.float32)], axis=1)
    return np.concatenate([own, hour_context(world, t_s)], axis=1).astype(np.float32)


def draw(world: World, customer: Ints, t_s: Floats, rng: np.random.Generator) -> Requests:
    """One payment per arrival. Where a thief pays instead, `customer` is the stolen card, not the arrival.

    Thieves appear in proportion to the bursts under way.
    """
    busy_ratio = float(world.rhythm.ratio(world.now_s))
    drawn = world.payments.draw(customer, world.now_s, busy_ratio, rng)
    return Requests(
        route="fraud-detection",
        customer=drawn.customer,
        t_s=t_s,
        entities={"customer": drawn.customer, "merchant": drawn.merchant},
        context=payment_context(world, t_s, drawn.amount_eur, drawn.new_device),
        truth={"fraud_probability": drawn.fraud_probability},
        asked={"amount_eur": drawn.amount_eur, "new_device": drawn.new_device},
    )
