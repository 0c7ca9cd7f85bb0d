"""Held-out quality of scores, in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from reference_platform.models.decisions import decide
from reference_platform.models.schema import CANDIDATES, FRAUD, RANKING, RECOMMENDATION

Array = npt.NDArray[Any]


def evaluate(model: str, scores: Array, y: Array) -> dict[str, float]:
    """The metrics that this model's versions are compared by; higher is better."""
    if model == RECOMMENDATION:
        return {"top3_hit_ratio": float((decide(model, scores) == y[:, None]).any(axis=1).mean())}
    if model == FRAUD:
        return {"pr_auc": pr_auc(scores, y), "precision_at_1pct_fpr": precision_at_fpr(scores, y, 0.01)}
    if model == RANKING:
        order = decide(model, scores)
        clicked = np.take_along_axis(y.reshape(-1, CANDIDATES), order.astype(np.int64), axis=1)
        rank = clicked.argmax(axis=1)
        return {"ndcg_at_10": float((1.0 / np.log2(2.0 + rank)).mean()), "top1_ratio": float((rank == 0).mean())}
    raise KeyError(model)


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
