"""Which model versions read which features, as their registry tells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reference_platform.errors import ConfigError
from reference_platform.features.governance.uses import ModelUse, model_uses
from reference_platform.registry.port import ModelRegistry


class RegistryUses:
    """Asks `registry`, or the MLflow registry in `folder`, opened when first asked; without either nobody reads."""

    def __init__(self, registry: ModelRegistry | None = None, folder: Path | None = None) -> None:
        self._registry = registry
        self._folder = folder

    def __call__(self) -> Sequence[ModelUse]:
        """Every use, as it is now. Raises ConfigError when there is no registry where one should be."""
        if self._registry is None and self._folder is not None:
            from reference_platform.registry.mlflow_registry import DATABASE, MlflowRegistry

            # Opening would make an empty one, and then no edit would ever hit a model.
            if not (self._folder / DATABASE).is_file():
                raise ConfigError(
                    "there is no model registry here",
                    where=str(self._folder),
                    why=f"it has no {DATABASE}, so nobody could say which models an edit breaks",
                    fix="correct or remove model_registry in feature_store.yaml",
                )
            self._registry = MlflowRegistry(self._folder)
        return model_uses(self._registry) if self._registry is not None else ()
