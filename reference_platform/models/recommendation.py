"""Recommendation: which categories a visitor will click next. Imports torch: image building only."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from reference_platform.models.metrics import evaluate
from reference_platform.models.network import FeedForward, fit, held_out_from, held_out_scores
from reference_platform.models.schema import CATEGORIES
from reference_platform.models.versions import TrainedModel, VersionSpec


class Recommender(FeedForward):
    """Logits over the categories."""

    def __init__(self, spec: VersionSpec) -> None:
        super().__init__(len(spec.schema.columns), spec.hidden, CATEGORIES)


def train(spec: VersionSpec, x: npt.NDArray[np.float32], y: npt.NDArray[Any], seed: int) -> TrainedModel:
    """Fit on rows in time order; y is the category clicked."""
    target = y.astype(np.int64)
    state = fit(Recommender, spec, x, target, nn.CrossEntropyLoss(), seed)
    scores = held_out_scores(spec, state, x)
    metrics = evaluate(spec.model, scores, target[held_out_from(spec, len(x)) :])
    return TrainedModel(spec, state, metrics, threshold=0.0)
