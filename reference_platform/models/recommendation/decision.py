"""Recommendation: three categories, from scores or without them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

SHOWN_CATEGORIES = 3


def decide(scores: npt.NDArray[np.float32], context: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    """i4[n, 3] categories, best first."""
    # Stable, because a partial sort leaves equal scores in an order that depends on the processor.
    return np.argsort(-scores, axis=1, kind="stable")[:, :SHOWN_CATEGORIES].astype(np.int32)


def fallback(context: npt.NDArray[np.float32], popular_categories: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """The three popular categories for everybody."""
    return np.tile(popular_categories[:SHOWN_CATEGORIES].astype(np.int32), (context.shape[0], 1))


def answer(asked: Mapping[str, Any], decision: npt.NDArray[np.int32]) -> dict[str, object]:
    """The categories to show."""
    return {"categories": [int(category) for category in decision]}
