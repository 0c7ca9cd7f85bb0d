"""The versions of each model that the shop has trained: size, diet and what they read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reference_platform.models.schema import FRAUD, RANKING, RECOMMENDATION, ModelSchema, schema_of


@dataclass(frozen=True, slots=True)
class VersionSpec:
    """How one version is trained. `data_ratio` is the newest share of the training rows that it sees."""

    model: str
    version: int
    hidden: tuple[int, ...]
    epochs: int
    data_ratio: float = 1.0

    @property
    def schema(self) -> ModelSchema:
        return schema_of(self.model, self.version)


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A trained version: weights, normalisation and held-out metrics. `threshold` is 0 except for fraud-detection."""

    spec: VersionSpec
    state: Mapping[str, npt.NDArray[np.float32]]
    metrics: Mapping[str, float]
    threshold: float


VERSIONS: tuple[VersionSpec, ...] = (
    VersionSpec(RECOMMENDATION, 1, hidden=(), epochs=12, data_ratio=0.04),
    VersionSpec(RECOMMENDATION, 2, hidden=(16,), epochs=10, data_ratio=0.4),
    VersionSpec(RECOMMENDATION, 3, hidden=(32,), epochs=8, data_ratio=0.6),
    VersionSpec(RECOMMENDATION, 4, hidden=(96,), epochs=10),
    VersionSpec(FRAUD, 1, hidden=(8,), epochs=8, data_ratio=0.5),
    VersionSpec(FRAUD, 2, hidden=(32,), epochs=10),
    VersionSpec(FRAUD, 3, hidden=(64, 32), epochs=12),
    VersionSpec(RANKING, 1, hidden=(), epochs=10, data_ratio=0.3),
    VersionSpec(RANKING, 2, hidden=(24,), epochs=10),
)


def version_spec(model: str, version: int) -> VersionSpec:
    """The spec of a known version. Raises KeyError otherwise."""
    for spec in VERSIONS:
        if (spec.model, spec.version) == (model, version):
            return spec
    raise KeyError(f"{model} version {version}")
