"""From scores to what the shop does, and what it does without any model."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from reference_platform.models.schema import CANDIDATES, FRAUD, RANKING, RECOMMENDATION

SHOWN_CATEGORIES = 3
FALLBACK_AMOUNT_MAX_EUR = 250.0

Decisions = npt.NDArray[Any]


def decide(model: str, scores: npt.NDArray[np.float32], threshold: float = 0.0) -> Decisions:
    """One decision per request.

    recommendation: i4[n, 3] categories, best first. fraud-detection: bool[n], True declines the payment.
    search-ranking: i4[n, 10] positions in the candidate list, best first; scores hold 10 rows per request.
    """
    if model == RECOMMENDATION:
        top = np.argpartition(-scores, SHOWN_CATEGORIES - 1, axis=1)[:, :SHOWN_CATEGORIES]
        order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1, kind="stable")
        return np.take_along_axis(top, order, axis=1).astype(np.int32)
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
        return np.asarray(context[:, 0] > np.log1p(FALLBACK_AMOUNT_MAX_EUR), dtype=np.bool_)
    if model == RANKING:
        return decide(RANKING, context[:, 0])
    raise KeyError(model)
