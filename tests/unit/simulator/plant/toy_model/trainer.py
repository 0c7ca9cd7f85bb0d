"""Least squares, which need no torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from reference_platform.models.card import TrainedModel, VersionSpec


def train(spec: VersionSpec, x: npt.NDArray[np.float32], y: npt.NDArray[Any], seed: int) -> TrainedModel:
    """One linear layer."""
    weight = np.linalg.lstsq(x, y.astype(np.float32), rcond=None)[0]
    columns = len(spec.schema.columns)
    state = {
        "log_mask": np.zeros(columns, np.float32),
        "mean": np.zeros(columns, np.float32),
        "scale": np.ones(columns, np.float32),
        "weight_0": weight[None].astype(np.float32),
        "bias_0": np.zeros(1, np.float32),
    }
    return TrainedModel(spec, state, {"share": float(y.mean())}, threshold=0.0)
