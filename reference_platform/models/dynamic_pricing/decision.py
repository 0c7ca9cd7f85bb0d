"""Dynamic pricing: the step of discount with the largest expected margin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from reference_platform.arithmetic import expm1_of

DISCOUNT_RATIOS = (0.0, 0.05, 0.10, 0.15, 0.20)
"""What may be offered, list price first."""
LOG_PRICE, COST_RATIO = 0, 1
"""Columns of the request context: log(1 + list price in EUR), and cost as a share of the list price."""


def margins_eur(context: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """What a sale earns at each step: f8[n, steps]."""
    price_eur = expm1_of(context[:, LOG_PRICE])[:, None]
    return np.asarray(
        price_eur * (1.0 - np.array(DISCOUNT_RATIOS) - context[:, COST_RATIO].astype(np.float64)[:, None])
    )


def decide(scores: npt.NDArray[np.float32], context: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    """i4[n] steps of `DISCOUNT_RATIOS`; scores f4[n, steps] are the probabilities of a purchase. Ties: the dearer."""
    return np.asarray(np.argmax(scores * margins_eur(context), axis=1), dtype=np.int32)


def fallback(context: npt.NDArray[np.float32], popular_categories: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """The list price for everybody."""
    return np.zeros(context.shape[0], dtype=np.int32)


def answer(asked: Mapping[str, Any], decision: np.int32) -> dict[str, object]:
    """The product, its list price and what to ask for it."""
    discount_ratio, list_price_eur = DISCOUNT_RATIOS[int(decision)], float(asked["list_price_eur"])
    return {
        "product": int(asked["product"]),
        "list_price_eur": round(list_price_eur, 2),
        "discount_ratio": discount_ratio,
        "price_eur": round(list_price_eur * (1.0 - discount_ratio), 2),
    }
