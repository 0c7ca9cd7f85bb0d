"""The model registry on MLflow: SQLite for the records, a folder for the artifacts. No server, no network.

MLflow draws a random id and the wall clock for every run. Both would make two builds of the same platform differ, so
each run carries its own id and instant as tags, and those are what the port shows.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reference_platform.registry.port import ModelVersion, unknown_alias, unknown_model, unknown_version

if TYPE_CHECKING:
    import numpy as np
    import torch
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion as MlflowVersion
    from numpy.typing import NDArray

DATABASE = "mlflow.db"
ARTIFACTS = "artifacts"
EXPERIMENT = "shop"
RUN_TAG = "run"
CREATED_TAG = "created_at_s"
QUIET_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
VERSIONS_MAX = 1000


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A trained model about to be registered. `run_id` is unique in the registry."""

    name: str
    run_id: str
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    created_at_s: float


class MlflowRegistry:
    """A ModelRegistry whose records and artifacts live in one folder."""

    def __init__(self, folder: Path) -> None:
        """Open the registry in `folder`, creating it when there is none."""
        self._folder = folder.resolve()
        self._client = _client(f"sqlite:///{self._folder / DATABASE}")
        experiment = self._client.get_experiment_by_name(EXPERIMENT)
        self._experiment_id: str = (
            experiment.experiment_id
            if experiment is not None
            else self._client.create_experiment(EXPERIMENT, artifact_location=(self._folder / ARTIFACTS).as_uri())
        )

    def register(self, new: NewVersion, module: torch.nn.Module, example: NDArray[np.float32]) -> ModelVersion:
        """Store `module` as a traced graph (no pickle) and make it the next version of `new.name`.

        `example` is a small input batch, f4[rows, columns]; tracing runs the module on it once.
        """
        import mlflow.pytorch
        import torch
        from mlflow.entities import Metric

        client = self._client
        created_ms = 0
        run = client.create_run(self._experiment_id, start_time=created_ms, run_name=new.run_id)
        metrics = [Metric(name, value, created_ms, 0) for name, value in sorted(new.metrics.items())]
        client.log_batch(run.info.run_id, metrics=metrics)
        with tempfile.TemporaryDirectory() as scratch:
            local = Path(scratch) / "model"
            requirements = [f"torch=={torch.__version__.partition('+')[0]}"]
            mlflow.pytorch.save_model(module, local, pip_requirements=requirements, input_example=example)
            client.log_artifacts(run.info.run_id, str(local), "model")
        client.set_terminated(run.info.run_id, end_time=created_ms)
        if new.name not in self.names():
            client.create_registered_model(new.name)
        tags = {**new.tags, RUN_TAG: new.run_id, CREATED_TAG: repr(new.created_at_s)}
        source = f"{run.info.artifact_uri}/model"
        made = client.create_model_version(new.name, source, run_id=run.info.run_id, tags=tags)
        return self.get(new.name, int(made.version))

    def names(self) -> tuple[str, ...]:
        """Registered models, sorted."""
        return tuple(sorted(model.name for model in self._client.search_registered_models(max_results=VERSIONS_MAX)))

    def versions(self, name: str) -> tuple[ModelVersion, ...]:
        """Every version of `name`, oldest first."""
        if name not in self.names():
            raise unknown_model(name, self.names())
        found = self._client.search_model_versions(f"name='{name}'", max_results=VERSIONS_MAX)
        return tuple(self._version(item) for item in sorted(found, key=lambda item: int(item.version)))

    def get(self, name: str, version: int) -> ModelVersion:
        """One version."""
        known = {item.version: item for item in self.versions(name)}
        if version not in known:
            raise unknown_version(name, version, known)
        return known[version]

    def alias(self, name: str, alias: str) -> ModelVersion:
        """The version `alias` points at."""
        aliases = self.aliases(name)
        if alias not in aliases:
            raise unknown_alias(name, alias, aliases)
        return self.get(name, aliases[alias])

    def aliases(self, name: str) -> dict[str, int]:
        """Version by alias, sorted by alias."""
        if name not in self.names():
            raise unknown_model(name, self.names())
        aliases: dict[str, str] = self._client.get_registered_model(name).aliases
        return {alias: int(version) for alias, version in sorted(aliases.items())}

    def set_alias(self, name: str, alias: str, version: int) -> None:
        """Point `alias` at `version`."""
        self.get(name, version)
        self._client.set_registered_model_alias(name, alias, str(version))

    def _version(self, item: MlflowVersion) -> ModelVersion:
        tags = dict(sorted(item.tags.items()))
        assert item.run_id is not None, "register() names the run of every version"
        return ModelVersion(
            name=item.name,
            version=int(item.version),
            run_id=tags.pop(RUN_TAG),
            metrics=dict(sorted(self._client.get_run(item.run_id).data.metrics.items())),
            tags=tags,
            created_at_s=float(tags.pop(CREATED_TAG)),
            status=str(item.status),
        )


def relocate(database: Path, old: Path, new: Path) -> None:
    """Rewrite the artifact addresses in `database` after its folder moves from `old` to `new`."""
    columns = (
        ("experiments", "artifact_location"),
        ("runs", "artifact_uri"),
        ("model_versions", "source"),
        ("model_versions", "storage_location"),
    )
    before, behind = old.resolve().as_uri(), new.resolve().as_uri()
    with closing(sqlite3.connect(database)) as connection, connection:
        for table, column in columns:
            statement = f"UPDATE {table} SET {column} = replace({column}, ?, ?)"
            connection.execute(statement, (before, behind))


def _client(uri: str) -> MlflowClient:
    os.environ.update(QUIET_ENVIRONMENT)
    for name in ("mlflow", "alembic", "torch.export"):
        logging.getLogger(name).setLevel(logging.ERROR)
    import mlflow

    # Importing MLflow resets its logger.
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    return mlflow.MlflowClient(uri, uri)
