"""What it is worth to approve or decline a payment that may be fraud."""

from __future__ import annotations

import numpy as np

from reference_platform.models.fraud_detection.decision import CHARGEBACK_FEE_EUR, DECLINED_HONEST_EUR, MARGIN_RATIO
from simulator.world.columns import Bools, Floats
from simulator.world.requests import Requests
from simulator.world.side import Decisions


def value_eur(requests: Requests, decisions: Decisions) -> Floats:
    """Expected value f8[n]: margin or chargeback of what is approved, goodwill lost with what is declined."""
    fraud = requests.truth["fraud_probability"]
    amount = requests.asked["amount_eur"].astype(np.float64)
    approved = (1.0 - fraud) * MARGIN_RATIO * amount - fraud * (amount + CHARGEBACK_FEE_EUR)
    declined = -(1.0 - fraud) * DECLINED_HONEST_EUR
    return np.asarray(np.where(decisions, declined, approved), dtype=np.float64)


def business(requests: Requests, decisions: Decisions, answered: Bools) -> float:
    """Share of the payments that are declined; what got no answer is decided by the default."""
    return float(np.mean(decisions))
