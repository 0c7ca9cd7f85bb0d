"""Search ranking: the order of ten candidates, from scores or by text relevance alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

CANDIDATES = 10


def decide(scores: npt.NDArray[np.float32], context: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    """i4[n, 10] positions in the candidate list, best first; scores hold 10 rows per request."""
    return np.argsort(-scores.reshape(-1, CANDIDATES), axis=1, kind="stable").astype(np.int32)


def fallback(context: npt.NDArray[np.float32], popular_categories: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """By text relevance only."""
    return decide(context[:, 0], context)


def answer(asked: Mapping[str, Any], decision: npt.NDArray[np.int32]) -> dict[str, object]:
    """The candidates in the order to show them."""
    return {"products": [int(asked["candidates"][place]) for place in decision]}
