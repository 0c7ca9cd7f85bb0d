"""What a price is worth: the margin of a sale, as often as there is one."""

from __future__ import annotations

import numpy as np

from reference_platform.models.dynamic_pricing.decision import margins_eur
from simulator.world.columns import Bools, Floats
from simulator.world.requests import Requests
from simulator.world.side import Decisions


def purchase_ratio(requests: Requests, decisions: Decisions) -> Floats:
    """Probability f8[n] of a purchase at the price shown."""
    bought = np.take_along_axis(requests.truth["purchase_probability"], decisions[:, None].astype(np.int64), axis=1)
    return np.asarray(bought[:, 0], dtype=np.float64)


def value_eur(requests: Requests, decisions: Decisions) -> Floats:
    """Expected margin f8[n] at the price shown."""
    margin = np.take_along_axis(margins_eur(requests.context), decisions[:, None].astype(np.int64), axis=1)[:, 0]
    return np.asarray(purchase_ratio(requests, decisions) * margin)


def business(requests: Requests, decisions: Decisions, answered: Bools) -> float:
    """Share of the visits that end in a purchase; nobody buys on an error page."""
    return float(np.where(answered, purchase_ratio(requests, decisions), 0.0).mean())
