"""From scores to what the shop does, and what it does without any model."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from reference_platform.arithmetic import expm1_of, log1p_of
from reference_platform.models.schema import CANDIDATES, FRAUD, RANKING, RECOMMENDATION

SHOWN_CATEGORIES = 3
FALLBACK_AMOUNT_MAX_EUR = 250.0

MARGIN_RATIO = 0.12
"""What the shop earns on an honest payment."""
CHARGEBACK_FEE_EUR = 15.0
DECLINED_HONEST_EUR = 4.0
"""Goodwill lost with an honest customer, on top of the margin."""

Decisions = npt.NDArray[Any]


def break_even(context: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Fraud probability from which declining a payment loses less than approving it: f4[n].

    Approving is worth (1 - p) m a - p (a + f), declining -(1 - p) g; they are equal where the odds of fraud are
    (m a + g) / (a + f). a: amount, m: margin, f: chargeback fee, g: goodwill. Large payments need less suspicion.
    """
    amount_eur = expm1_of(context[:, 0])
    odds = (MARGIN_RATIO * amount_eur + DECLINED_HONEST_EUR) / (amount_eur + CHARGEBACK_FEE_EUR)
    return np.asarray(odds / (1.0 + odds), dtype=np.float32)


def decide(model: str, scores: npt.NDArray[np.float32], threshold: float | npt.NDArray[np.float32] = 0.0) -> Decisions:
    """One decision per request.

    recommendation: i4[n, 3] categories, best first. fraud-detection: bool[n], True declines the payment.
    search-ranking: i4[n, 10] positions in the candidate list, best first; scores hold 10 rows per request.
    """
    if model == RECOMMENDATION:
        # Stable, because a partial sort leaves equal scores in an order that depends on the processor.
        return np.argsort(-scores, axis=1, kind="stable")[:, :SHOWN_CATEGORIES].astype(np.int32)
    if model == FRAUD:
        return np.asarray(scores > threshold, dtype=np.bool_)
    if model == RANKING:
        return np.argsort(-scores.reshape(-1, CANDIDATES), axis=1, kind="stable").astype(np.int32)
    raise KeyError(model)


def fallback_decisions(
    model: str, context: npt.NDArray[np.float32], popular_categories: npt.NDArray[np.int32]
) -> Decisions:
    """Non-personalised defaults, in the form of `decide`.

    recommendation: the three popular categories for everybody. fraud-detection: decline above a fixed amount.
    search-ranking: by text relevance only. `context` is the request context in the order of the model's schema.
    """
    if model == RECOMMENDATION:
        return np.tile(popular_categories[:SHOWN_CATEGORIES].astype(np.int32), (context.shape[0], 1))
    if model == FRAUD:
        return np.asarray(context[:, 0] > log1p_of(FALLBACK_AMOUNT_MAX_EUR), dtype=np.bool_)
    if model == RANKING:
        return decide(RANKING, context[:, 0])
    raise KeyError(model)
