"""How the search ranking model is trained. Imports torch: training only."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from reference_platform.models.card import TrainedModel, VersionSpec
from reference_platform.models.metrics import ndcg, rank_of_click
from reference_platform.models.network import FeedForward, fit, held_out_from, held_out_scores
from reference_platform.models.search_ranking.decision import CANDIDATES, decide


def network(spec: VersionSpec) -> FeedForward:
    """A score per candidate, one column."""
    return FeedForward(len(spec.schema.columns), spec.hidden, 1)


def listwise_loss(outputs: Tensor, clicked: Tensor) -> Tensor:
    """Cross entropy of the clicked candidate among the ten of its search.

    Source: Cao et al. 2007, "Learning to Rank: From Pairwise Approach to Listwise Approach" (top-one probability).
    """
    share = outputs.reshape(-1, CANDIDATES).log_softmax(dim=1)
    return -(share * clicked.reshape(-1, CANDIDATES)).sum(dim=1).mean()


def quality(scores: npt.NDArray[np.float32], y: npt.NDArray[Any]) -> dict[str, float]:
    """How far up the clicked candidate stands; y is 1 for it among the ten of its search."""
    rank = rank_of_click(decide(scores, scores), y.reshape(-1, CANDIDATES))
    return {"ndcg_at_10": ndcg(rank), "top1_ratio": float((rank == 0).mean())}


def train(spec: VersionSpec, x: npt.NDArray[np.float32], y: npt.NDArray[Any], seed: int) -> TrainedModel:
    """Fit on searches in time order, ten rows each; y is 1 for the candidate clicked."""
    target = y.astype(np.float32)
    state = fit(network, spec, x, target, listwise_loss, seed)
    scores = held_out_scores(spec, state, x, "score")
    return TrainedModel(spec, state, quality(scores, target[held_out_from(spec, len(x)) :]), threshold=0.0)
