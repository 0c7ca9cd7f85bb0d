"""One way to train any version. The trainers import torch: training only."""

from __future__ import annotations

import importlib
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from reference_platform.models.card import ModelCard, Train, TrainedModel, VersionSpec

TRAINER = "trainer"
"""The module of a model's folder that holds `train`."""


def train(
    card: ModelCard, spec: VersionSpec, x: npt.NDArray[np.float32], y: npt.NDArray[Any], seed: int
) -> TrainedModel:
    """Train `spec` with its model's trainer. X is f4[rows, len(spec.schema.columns)] in time order."""
    trainer = importlib.import_module(f"{card.package}.{TRAINER}")
    return cast("Train", trainer.train)(spec, x, y, seed)
