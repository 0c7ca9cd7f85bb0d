"""Which online store a configuration means."""

from __future__ import annotations

from pathlib import Path

from reference_platform.features.config import EmbeddedConfig, StoreConfig
from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.online_store.port import OnlineStore


def open_online(config: StoreConfig, root: Path) -> OnlineStore:
    """The store that `config` names, with nothing declared; paths are relative to `root`. Raises ConfigError."""
    held = config.online_store
    if isinstance(held, EmbeddedConfig):
        return EmbeddedOnlineStore(root / held.path)
    from reference_platform.features.online_store.redis import RedisOnlineStore

    return RedisOnlineStore(held.url, config.project)
