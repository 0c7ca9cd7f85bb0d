"""How the dynamic pricing model is trained. Imports torch: training only."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from reference_platform.models.card import TrainedModel, VersionSpec
from reference_platform.models.dynamic_pricing.decision import DISCOUNT_RATIOS, decide, margins_eur
from reference_platform.models.network import FeedForward, fit, held_out_from, held_out_scores

STEPS = len(DISCOUNT_RATIOS)


def network(spec: VersionSpec) -> FeedForward:
    """The logit of a purchase at each step of discount."""
    return FeedForward(len(spec.schema.columns), spec.hidden, STEPS)


def offered_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of the purchase at the one step that was offered; of the others nothing is known."""
    step, bought = torch.div(labels, 2, rounding_mode="floor"), labels % 2
    logit = outputs.gather(1, step[:, None])[:, 0]
    return nn.functional.binary_cross_entropy_with_logits(logit, bought.to(logit.dtype))


def quality(scores: npt.NDArray[np.float32], y: npt.NDArray[Any], context: npt.NDArray[np.float32]) -> dict[str, float]:
    """Judged by offers that were made at random; y is 2 step + bought.

    `earned_ratio`: margin of the offers that the model would have made too, over that of all offers with hindsight,
    which is the margin at the list price where something was bought. Offers are drawn evenly, so each that agrees
    stands for as many as there are steps. Source: Li et al. 2011, "Unbiased Offline Evaluation of
    Contextual-bandit-based News Article Recommendation Algorithms".
    """
    step, bought = y // 2, y % 2
    row = np.arange(len(y))
    margin = margins_eur(context)
    earned = bought * margin[row, step] * (decide(scores, context) == step)
    log_loss = -np.log(np.where(bought == 1, scores[row, step], 1.0 - scores[row, step])).mean()
    base = bought.mean()
    blind_loss = -(base * np.log(base) + (1.0 - base) * np.log(1.0 - base))
    return {
        "earned_ratio": float(STEPS * earned.sum() / (bought * margin[:, 0]).sum()),
        "explained_ratio": float(1.0 - log_loss / blind_loss),
    }


def train(spec: VersionSpec, x: npt.NDArray[np.float32], y: npt.NDArray[Any], seed: int) -> TrainedModel:
    """Fit on offers in time order; y is 2 step + bought."""
    target = y.astype(np.int64)
    state = fit(network, spec, x, target, offered_loss, seed)
    first = held_out_from(spec, len(x))
    scores = held_out_scores(spec, state, x, "probability")
    context = x[first:, x.shape[1] - len(spec.schema.context) :]
    return TrainedModel(spec, state, quality(scores, target[first:], context), threshold=0.0)
