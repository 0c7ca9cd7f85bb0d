"""How the recommendation model is trained. Imports torch: training only."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from reference_platform.models.card import TrainedModel, VersionSpec
from reference_platform.models.metrics import hit_ratio
from reference_platform.models.network import FeedForward, fit, held_out_from, held_out_scores
from reference_platform.models.recommendation.decision import decide
from reference_platform.models.schema import CATEGORIES


def network(spec: VersionSpec) -> FeedForward:
    """Logits over the categories."""
    return FeedForward(len(spec.schema.columns), spec.hidden, CATEGORIES)


def quality(scores: npt.NDArray[np.float32], y: npt.NDArray[Any]) -> dict[str, float]:
    """Share of visitors who click one of the categories shown; y is the category clicked."""
    return {"top3_hit_ratio": hit_ratio(decide(scores, scores), y)}


def train(spec: VersionSpec, x: npt.NDArray[np.float32], y: npt.NDArray[Any], seed: int) -> TrainedModel:
    """Fit on rows in time order; y is the category clicked."""
    target = y.astype(np.int64)
    state = fit(network, spec, x, target, nn.CrossEntropyLoss(), seed)
    scores = held_out_scores(spec, state, x, "logits")
    return TrainedModel(spec, state, quality(scores, target[held_out_from(spec, len(x)) :]), threshold=0.0)
