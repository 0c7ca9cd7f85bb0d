"""Fraud detection: how likely a payment is fraud. Imports torch: image building only."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from reference_platform.models.metrics import evaluate, threshold_at_fpr
from reference_platform.models.network import FeedForward, fit, held_out_from, held_out_scores
from reference_platform.models.versions import TrainedModel, VersionSpec

DECLINED_HONEST_RATIO = 0.01
"""The threshold is set where this share of honest payments would be declined."""


class FraudDetector(FeedForward):
    """The logit of fraud, one column."""

    def __init__(self, spec: VersionSpec) -> None:
        super().__init__(len(spec.schema.columns), spec.hidden, 1)


def train(spec: VersionSpec, x: npt.NDArray[np.float32], y: npt.NDArray[Any], seed: int) -> TrainedModel:
    """Fit on rows in time order; y is 1 for fraud. The threshold comes from the held-out rows."""
    target = y.astype(np.float32)
    binary = nn.BCEWithLogitsLoss()

    def loss(outputs: Tensor, wanted: Tensor) -> Tensor:
        result: Tensor = binary(outputs[:, 0], wanted)
        return result

    state = fit(FraudDetector, spec, x, target, loss, seed)
    scores = held_out_scores(spec, state, x)
    held_out = target[held_out_from(spec, len(x)) :]
    threshold = threshold_at_fpr(scores, held_out, DECLINED_HONEST_RATIO)
    return TrainedModel(spec, state, evaluate(spec.model, scores, held_out), threshold)
