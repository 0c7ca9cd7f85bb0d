"""Train every version of one model on its rows, with what its inputs and scores looked like. Imports torch to train."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reference_platform.models.card import ModelCard, TrainedModel, VersionSpec
from reference_platform.models.runtime import ExportedModel, state_of, weights_as_arrays
from reference_platform.models.training import train
from reference_platform.monitoring.psi import ReferenceStats, fit_reference, pack_references, unpack_references
from simulator.engine.streams import stream_seed
from simulator.image.archive import packed, unpacked
from simulator.image.history import Progress, TrainingRows
from simulator.image.layout import PREDICTION, REFERENCES, weights_name
from simulator.image.plan import BuildPlan

METRICS = "metrics.json"


@dataclass(frozen=True, slots=True)
class FittedModel:
    """All versions of one model; `references` by "model/version/column", for drift."""

    card: ModelCard
    versions: tuple[TrainedModel, ...]
    references: Mapping[str, ReferenceStats]

    def files(self) -> dict[str, bytes]:
        """By name, everything that `from_files` needs."""
        files = {weights_name(self.card.name, item.spec.version): weights(item) for item in self.versions}
        files[METRICS] = json.dumps([dict(item.metrics) for item in self.versions]).encode()
        files[REFERENCES] = packed(pack_references(self.references))
        return files

    @classmethod
    def from_files(cls, card: ModelCard, files: Mapping[str, bytes]) -> FittedModel:
        """Inverse of `files`."""
        metrics = json.loads(files[METRICS])
        arrays = [unpacked(files[weights_name(card.name, spec.version)]) for spec in card.versions]
        versions = tuple(
            TrainedModel(spec, state_of(stored), values, float(stored["threshold"].item()))
            for spec, stored, values in zip(card.versions, arrays, metrics, strict=True)
        )
        return cls(card, versions, unpack_references(unpacked(files[REFERENCES])))


def weights(item: TrainedModel) -> bytes:
    """The member of the platform file with this version's weights."""
    return packed(weights_as_arrays(item.spec.model, item.state, item.threshold))


def exported(card: ModelCard, item: TrainedModel) -> ExportedModel:
    """The version as it will be served."""
    return ExportedModel(card.name, item.state, card.head, item.threshold)


def fit_model(card: ModelCard, rows: TrainingRows, plan: BuildPlan, progress: Progress) -> FittedModel:
    """Train every version of a model; `progress` is told the share of its versions that is done."""
    versions = []
    for index, spec in enumerate(card.versions):
        progress(index / len(card.versions), f"training {spec.model} {spec.version}")
        versions.append(fit_version(card, spec, rows, plan))
    references: dict[str, ReferenceStats] = {}
    for item in versions:
        references |= _references(card, item, rows, plan)
    return FittedModel(card, tuple(versions), references)


def fit_version(card: ModelCard, spec: VersionSpec, rows: TrainingRows, plan: BuildPlan) -> TrainedModel:
    """Train one version. Each has a seed of its own, so any of them may be left out."""
    seed = stream_seed(plan.seed, f"image/train/{spec.model}/{spec.version}") >> 1
    return train(card, spec, rows.matrix(spec.schema), rows.label, seed)


def _references(card: ModelCard, item: TrainedModel, rows: TrainingRows, plan: BuildPlan) -> dict[str, ReferenceStats]:
    """The frozen cells of every feature and prediction. Time of day is left out: any single hour would look drifted."""
    spec = item.spec
    x = sampled(spec, rows, plan.sample_rows)
    schema, prefix = spec.schema, f"{spec.model}/{spec.version}"
    read = schema.columns[: len(schema.columns) - len(schema.context)]
    references = {f"{prefix}/{column}": fit_reference(x[:, index]) for index, column in enumerate(read)}
    scores = exported(card, item).predict(x)
    best = scores.max(axis=1) if scores.ndim == 2 else scores
    return references | {f"{prefix}/{PREDICTION}": fit_reference(best)}


def sampled(spec: VersionSpec, rows: TrainingRows, rows_max: int) -> NDArray[np.float32]:
    """Whole requests, spread evenly over the training rows."""
    x = rows.matrix(spec.schema)
    per_request = spec.schema.rows_per_request
    requests = len(x) // per_request
    kept = np.unique(np.linspace(0, requests - 1, min(requests, rows_max // per_request)).astype(np.int64))
    return x.reshape(requests, per_request, -1)[kept].reshape(-1, x.shape[1])
