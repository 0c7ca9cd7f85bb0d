"""Search ranking: which of ten candidates the visitor wants. Imports torch: image building only."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from reference_platform.models.metrics import evaluate
from reference_platform.models.network import FeedForward, fit, held_out_from, held_out_scores
from reference_platform.models.schema import CANDIDATES
from reference_platform.models.versions import TrainedModel, VersionSpec


class Ranker(FeedForward):
    """A score per candidate, one column."""

    def __init__(self, spec: VersionSpec) -> None:
        super().__init__(len(spec.schema.columns), spec.hidden, 1)


def listwise_loss(outputs: Tensor, clicked: Tensor) -> Tensor:
    """Cross entropy of the clicked candidate among the ten of its search.

    Source: Cao et al. 2007, "Learning to Rank: From Pairwise Approach to Listwise Approach" (top-one probability).
    """
    share = outputs.reshape(-1, CANDIDATES).log_softmax(dim=1)
    return -(share * clicked.reshape(-1, CANDIDATES)).sum(dim=1).mean()


def train(spec: VersionSpec, x: npt.NDArray[np.float32], y: npt.NDArray[Any], seed: int) -> TrainedModel:
    """Fit on searches in time order, ten rows each; y is 1 for the candidate clicked."""
    target = y.astype(np.float32)
    state = fit(Ranker, spec, x, target, listwise_loss, seed)
    scores = held_out_scores(spec, state, x)
    metrics = evaluate(spec.model, scores, target[held_out_from(spec, len(x)) :])
    return TrainedModel(spec, state, metrics, threshold=0.0)
