"""One way to train any version. Imports torch: image building only."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from reference_platform.models import fraud, ranking, recommendation
from reference_platform.models.schema import FRAUD, RANKING, RECOMMENDATION
from reference_platform.models.versions import TrainedModel, VersionSpec

_TRAINERS = {RECOMMENDATION: recommendation.train, FRAUD: fraud.train, RANKING: ranking.train}


def train(spec: VersionSpec, x: npt.NDArray[np.float32], y: npt.NDArray[Any], seed: int) -> TrainedModel:
    """Train `spec` with its model's trainer. X is f4[rows, len(spec.schema.columns)] in time order."""
    return _TRAINERS[spec.model](spec, x, y, seed)
