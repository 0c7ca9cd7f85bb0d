"""Fraud detection: decline a payment when approving it loses more in expectation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from reference_platform.arithmetic import expm1_of, log1p_of

FALLBACK_AMOUNT_MAX_EUR = 250.0

MARGIN_RATIO = 0.12
"""What the shop earns on an honest payment."""
CHARGEBACK_FEE_EUR = 15.0
DECLINED_HONEST_EUR = 4.0
"""Goodwill lost with an honest customer, on top of the margin."""


def break_even(context: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Fraud probability from which declining a payment loses less than approving it: f4[n].

    Approving is worth (1 - p) m a - p (a + f), declining -(1 - p) g; they are equal where the odds of fraud are
    (m a + g) / (a + f). a: amount, m: margin, f: chargeback fee, g: goodwill. Large payments need less suspicion.
    """
    amount_eur = expm1_of(context[:, 0])
    odds = (MARGIN_RATIO * amount_eur + DECLINED_HONEST_EUR) / (amount_eur + CHARGEBACK_FEE_EUR)
    return np.asarray(odds / (1.0 + odds), dtype=np.float32)


def decide(scores: npt.NDArray[np.float32], context: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """bool[n], True declines the payment: fraud is weighed against the amount at stake."""
    return np.asarray(scores > break_even(context), dtype=np.bool_)


def fallback(context: npt.NDArray[np.float32], popular_categories: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Decline above a fixed amount."""
    return np.asarray(context[:, 0] > log1p_of(FALLBACK_AMOUNT_MAX_EUR), dtype=np.bool_)


def answer(asked: Mapping[str, Any], decision: np.bool_) -> dict[str, object]:
    """The amount and what to do with it."""
    return {"amount_eur": round(float(asked["amount_eur"]), 2), "decline": bool(decision)}
