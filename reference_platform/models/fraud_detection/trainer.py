"""How the fraud detection model is trained. Imports torch: training only."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from reference_platform.models.card import TrainedModel, VersionSpec
from reference_platform.models.metrics import pr_auc, precision_at_fpr, threshold_at_fpr
from reference_platform.models.network import FeedForward, fit, held_out_from, held_out_scores

DECLINED_HONEST_RATIO = 0.01
"""The threshold is set where this share of honest payments would be declined."""


def network(spec: VersionSpec) -> FeedForward:
    """The logit of fraud, one column."""
    return FeedForward(len(spec.schema.columns), spec.hidden, 1)


def quality(scores: npt.NDArray[np.float32], y: npt.NDArray[Any]) -> dict[str, float]:
    """How well frauds are told from honest payments; y is 1 for fraud."""
    return {"pr_auc": pr_auc(scores, y), "precision_at_1pct_fpr": precision_at_fpr(scores, y, 0.01)}


def train(spec: VersionSpec, x: npt.NDArray[np.float32], y: npt.NDArray[Any], seed: int) -> TrainedModel:
    """Fit on rows in time order; y is 1 for fraud. The threshold comes from the held-out rows."""
    target = y.astype(np.float32)
    binary = nn.BCEWithLogitsLoss()

    def loss(outputs: Tensor, wanted: Tensor) -> Tensor:
        result: Tensor = binary(outputs[:, 0], wanted)
        return result

    state = fit(network, spec, x, target, loss, seed)
    scores = held_out_scores(spec, state, x, "probability")
    held_out = target[held_out_from(spec, len(x)) :]
    threshold = threshold_at_fpr(scores, held_out, DECLINED_HONEST_RATIO)
    return TrainedModel(spec, state, quality(scores, held_out), threshold)
