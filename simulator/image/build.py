"""Train a platform into an empty folder: what sessions read in one file, beside it the MLflow registry and history.

Imports torch and MLflow, so it runs in a process of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.fitted import TRANSFORM_TAG
from reference_platform.features.governance.uses import FEATURE_REFS_TAG, feature_refs
from reference_platform.models.card import TrainedModel, VersionSpec
from reference_platform.models.catalogue import CARDS, card_of
from reference_platform.models.runtime import ExportedModel, weights_as_arrays
from reference_platform.monitoring.psi import ReferenceStats, fit_reference, pack_references
from reference_platform.registry.mlflow_registry import DATABASE, MlflowRegistry, NewVersion, relocate
from reference_platform.registry.snapshot import SnapshotRegistry
from simulator.engine.streams import stream_seed
from simulator.image.archive import packed, write_archive
from simulator.image.history import DAY_S, History, Learner, Progress, TrainingRows, live_history
from simulator.image.layout import FEATURES, PLATFORM, PREDICTION, REFERENCES, REGISTRY, WORLD, weights_name
from simulator.image.manifest import write_manifest
from simulator.image.plan import BuildPlan
from simulator.image.provenance import library_versions
from simulator.world.catalogue import side_of

if TYPE_CHECKING:
    import torch

HISTORY_RATIO = 0.45
TRAINED_RATIO = 0.75
REGISTERED_RATIO = 0.95


def build(folder: Path, final: Path, image: str, plan: BuildPlan, progress: Progress) -> None:
    """Fill `folder` with the platform that will be moved to `final`; the manifest is written last."""
    history = live_history(plan, learners(), lambda ratio, text: progress(HISTORY_RATIO * ratio, text))
    trained = train_versions([spec for card in CARDS.values() for spec in card.versions], history.rows, plan, progress)
    registry = _register(folder, final, history, trained, progress)
    progress(REGISTERED_RATIO, "writing files")
    members = {weights_name(item.spec.model, item.spec.version): _weights(item) for item in trained}
    members[REGISTRY] = registry.to_json().encode()
    members[REFERENCES] = packed(pack_references(_references(history.rows, trained, plan)))
    members[FEATURES] = packed(_features(history))
    members[WORLD] = packed(history.world.state())
    write_archive(folder / PLATFORM, members)
    (folder / "offline").mkdir()
    for view in history.views.all():
        history.offline.write_parquet(view.name, folder / "offline" / f"{view.name}.parquet")
    write_manifest(folder, image, plan.to_json(), library_versions())
    progress(1.0, "done")


def learners() -> list[Learner]:
    """Every model of the registry."""
    return [Learner(card.schema, side_of(card.name)) for card in CARDS.values()]


def train_versions(
    versions: Sequence[VersionSpec], rows: Mapping[str, TrainingRows], plan: BuildPlan, progress: Progress
) -> list[TrainedModel]:
    """Train `versions` on the history of `plan`. Each has a seed of its own, so any of them may be left out."""
    from reference_platform.models.training import train

    trained = []
    for index, spec in enumerate(versions):
        ratio = HISTORY_RATIO + (TRAINED_RATIO - HISTORY_RATIO) * index / len(versions)
        progress(ratio, f"training {spec.model} {spec.version}")
        x = rows[spec.model].matrix(spec.schema)
        seed = stream_seed(plan.seed, f"image/train/{spec.model}/{spec.version}") >> 1
        trained.append(train(card_of(spec.model), spec, x, rows[spec.model].label, seed))
    return trained


def _exported(item: TrainedModel) -> ExportedModel:
    return ExportedModel(item.spec.model, item.state, card_of(item.spec.model).head, item.threshold)


def _weights(item: TrainedModel) -> bytes:
    return packed(weights_as_arrays(item.spec.model, item.state, item.threshold))


def _register(
    folder: Path, final: Path, history: History, trained: list[TrainedModel], progress: Progress
) -> SnapshotRegistry:
    progress(TRAINED_RATIO, "opening the registry")
    registry = MlflowRegistry(folder)
    for index, item in enumerate(trained):
        spec, footprint = item.spec, item.spec.footprint
        ratio = TRAINED_RATIO + (REGISTERED_RATIO - TRAINED_RATIO) * index / len(trained)
        progress(ratio, f"registering {spec.model} {spec.version}")
        example = history.rows[spec.model].matrix(spec.schema)[: 2 * spec.schema.rows_per_request]
        created_s = -footprint.trained_days_ago * DAY_S
        fingerprint = _fingerprint(item)
        tags = {
            "host_memory_bytes": str(footprint.host_memory_bytes),
            "gpu_memory_bytes": str(footprint.gpu_memory_bytes),
            "load_s": repr(footprint.load_s),
            "trained_at": repr(created_s),
            TRANSFORM_TAG: _exported(item).fingerprint,
            FEATURE_REFS_TAG: feature_refs(
                f"{part.view}:{column}" for part in spec.schema.views for column in part.columns
            ),
            "features": ",".join(part.view for part in spec.schema.views),
            "git_sha": fingerprint[:7],
            "threshold": f"{item.threshold:.6g}",
        }
        new = NewVersion(spec.model, fingerprint[:32], item.metrics, tags, created_s)
        made = registry.register(new, _module(item), example)
        assert made.version == spec.version, "versions are registered in order"
    for card in CARDS.values():
        for alias, version in card.aliases.items():
            registry.set_alias(card.name, alias, version)
    snapshot = SnapshotRegistry.of(registry)
    relocate(folder / DATABASE, folder, final)
    return snapshot


def _module(trained: TrainedModel) -> torch.nn.Module:
    import torch

    from reference_platform.models.network import FeedForward

    spec, state = trained.spec, trained.state
    outputs = state[f"bias_{len(spec.hidden)}"].shape[0]
    module = FeedForward(len(spec.schema.columns), spec.hidden, outputs)
    named: dict[str, NDArray[np.generic]] = {
        "log_mask": state["log_mask"].astype(np.bool_),
        "mean": state["mean"],
        "scale": state["scale"],
    }
    for index in range(len(spec.hidden) + 1):
        named[f"layers.{index}.weight"] = state[f"weight_{index}"]
        named[f"layers.{index}.bias"] = state[f"bias_{index}"]
    module.load_state_dict({name: torch.from_numpy(values.copy()) for name, values in named.items()})
    return module.eval()


def _fingerprint(trained: TrainedModel) -> str:
    digest = hashlib.sha256(f"{trained.spec.model}/{trained.spec.version}".encode())
    for name, values in sorted(trained.state.items()):
        digest.update(name.encode() + np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def _references(
    rows: Mapping[str, TrainingRows], trained: list[TrainedModel], plan: BuildPlan
) -> dict[str, ReferenceStats]:
    """The frozen cells of every feature and prediction. Time of day is left out: any single hour would look drifted."""
    references: dict[str, ReferenceStats] = {}
    for item in trained:
        spec = item.spec
        x = sampled(spec, rows[spec.model], plan.sample_rows)
        schema = spec.schema
        for index, column in enumerate(schema.columns[: len(schema.columns) - len(schema.context)]):
            references[f"{spec.model}/{spec.version}/{column}"] = fit_reference(x[:, index])
        scores = _exported(item).predict(x)
        best = scores.max(axis=1) if scores.ndim == 2 else scores
        references[f"{spec.model}/{spec.version}/{PREDICTION}"] = fit_reference(best)
    return references


def sampled(spec: VersionSpec, rows: TrainingRows, rows_max: int) -> NDArray[np.float32]:
    """Whole requests, spread evenly over the training rows."""
    x = rows.matrix(spec.schema)
    per_request = spec.schema.rows_per_request
    requests = len(x) // per_request
    kept = np.unique(np.linspace(0, requests - 1, min(requests, rows_max // per_request)).astype(np.int64))
    return x.reshape(requests, per_request, -1)[kept].reshape(-1, x.shape[1])


def _features(history: History) -> dict[str, NDArray[np.generic]]:
    """The feature store at t=0: the newest rows and the running sums behind them."""
    features: dict[str, NDArray[np.generic]] = {
        f"offline/{name}": values for name, values in history.offline.state().items()
    }
    for transform in history.transforms:
        features |= {f"{transform.view.name}/{name}": values for name, values in transform.state().items()}
    return features
