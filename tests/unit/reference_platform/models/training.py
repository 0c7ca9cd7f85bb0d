"""Training for tests. Torch is loaded by the first that trains, not by every worker that merely collects the tests."""

from __future__ import annotations

from typing import Any

from reference_platform.models.card import ModelCard, TrainedModel, VersionSpec


def train(card: ModelCard, spec: VersionSpec, x: Any, y: Any, seed: int) -> TrainedModel:
    """`reference_platform.models.training.train`."""
    from reference_platform.models.training import train as train_for_real

    return train_for_real(card, spec, x, y, seed)
