"""Held-out quality of scores, in NumPy. Higher is better."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def hit_ratio(shown: Array, y: Array) -> float:
    """Share of rows whose `y` is among what was shown: shown [n, k], y [n]."""
    return float((shown == y[:, None]).any(axis=1).mean())


def rank_of_click(order: Array, clicked: Array) -> Array:
    """Place of the clicked candidate, 0 at the top: order [n, k] of candidates, clicked [n, k] with one 1 a row."""
    ranked: Array = np.take_along_axis(clicked, order.astype(np.int64), axis=1)
    return np.asarray(ranked.argmax(axis=1))


def ndcg(rank: Array) -> float:
    """Normalised discounted cumulative gain where one candidate is wanted: mean of 1 / log2(2 + rank)."""
    return float((1.0 / np.log2(2.0 + rank)).mean())


def pr_auc(scores: Array, y: Array) -> float:
    """Average precision: sum over thresholds of (R_k - R_{k-1}) P_k. Equal scores count as one threshold."""
    order = np.argsort(-scores, kind="stable")
    hit = np.cumsum(y[order] > 0)
    last_of_tie = np.append(np.diff(scores[order]) != 0, True)
    true = hit[last_of_tie]
    precision = true / (np.flatnonzero(last_of_tie) + 1)
    if not len(true) or true[-1] == 0:
        return 0.0
    return float(np.sum(np.diff(true, prepend=0) * precision) / true[-1])


def threshold_at_fpr(scores: Array, y: Array, fpr_ratio: float) -> float:
    """The score that at most `fpr_ratio` of the negatives exceed."""
    negatives = np.sort(scores[y <= 0])
    assert len(negatives), "no negatives to set a threshold by"
    return float(negatives[min(int(np.ceil(len(negatives) * (1.0 - fpr_ratio))), len(negatives) - 1)])


def precision_at_fpr(scores: Array, y: Array, fpr_ratio: float) -> float:
    """Share of frauds among what is declined when at most `fpr_ratio` of honest payments are declined."""
    declined = scores > threshold_at_fpr(scores, y, fpr_ratio)
    return float((y[declined] > 0).mean()) if declined.any() else 0.0
