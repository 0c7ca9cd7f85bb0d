"""Register trained models in a real MLflow registry, and write the one file that sessions read. Imports MLflow."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.fitted import TRANSFORM_TAG
from reference_platform.features.governance.uses import FEATURE_REFS_TAG, feature_refs
from reference_platform.models.card import TrainedModel
from reference_platform.monitoring.psi import ReferenceStats, pack_references
from reference_platform.registry.mlflow_registry import DATABASE, MlflowRegistry, NewVersion, relocate
from reference_platform.registry.snapshot import SnapshotRegistry
from simulator.image.archive import packed, write_archive
from simulator.image.fitting import FittedModel, exported, weights
from simulator.image.history import DAY_S, Progress, TrainingRows
from simulator.image.layout import FEATURES, PLATFORM, REFERENCES, REGISTRY, WORLD, weights_name

if TYPE_CHECKING:
    import torch


def write_platform(
    folder: Path, fitted: Sequence[FittedModel], registry: SnapshotRegistry, world: bytes, features: bytes
) -> None:
    """The platform file, into `folder`. `world` and `features` are members already packed."""
    members = {
        weights_name(item.spec.model, item.spec.version): weights(item) for model in fitted for item in model.versions
    }
    references: dict[str, ReferenceStats] = {}
    for model in fitted:
        references |= model.references
    members[REGISTRY] = registry.to_json().encode()
    members[REFERENCES] = packed(pack_references(references))
    members[FEATURES] = features
    members[WORLD] = world
    write_archive(folder / PLATFORM, members)


def register(
    folder: Path, final: Path, fitted: Sequence[FittedModel], rows: Mapping[str, TrainingRows], progress: Progress
) -> SnapshotRegistry:
    """Register every version in an MLflow registry in `folder`, which will be moved to `final`; returns its content."""
    progress(0.0, "opening the registry")
    registry = MlflowRegistry(folder)
    trained = [(model.card, item) for model in fitted for item in model.versions]
    for index, (card, item) in enumerate(trained):
        spec, footprint = item.spec, item.spec.footprint
        progress(index / len(trained), f"registering {spec.model} {spec.version}")
        example = rows[spec.model].matrix(spec.schema)[: 2 * spec.schema.rows_per_request]
        created_s = -footprint.trained_days_ago * DAY_S
        fingerprint = _fingerprint(item)
        tags = {
            "host_memory_bytes": str(footprint.host_memory_bytes),
            "gpu_memory_bytes": str(footprint.gpu_memory_bytes),
            "load_s": repr(footprint.load_s),
            "trained_at": repr(created_s),
            TRANSFORM_TAG: exported(card, item).fingerprint,
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
    for model in fitted:
        for alias, version in model.card.aliases.items():
            registry.set_alias(model.card.name, alias, version)
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
