"""A feature store on the wall clock, as programs outside the simulation open it."""

from __future__ import annotations

from pathlib import Path

from reference_platform.features.config import StoreConfig
from reference_platform.features.join.engine import Engine
from reference_platform.features.store import FeatureStore
from reference_platform.live.clock import system_now_us
from reference_platform.registry.port import ModelRegistry


def open_store(
    repo_path: str | Path = ".",
    *,
    config: StoreConfig | None = None,
    engine: Engine | None = None,
    models: ModelRegistry | None = None,
) -> FeatureStore:
    """The store in that folder; see `FeatureStore`, whose clock is the machine's.

    Raises ContentError or ConfigError when the folder's configuration or registry cannot be used.
    """
    return FeatureStore(repo_path, clock=system_now_us, config=config, engine=engine, models=models)
