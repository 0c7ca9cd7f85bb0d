"""`feature_store.yaml`: where a team's store keeps things. Every entry has a default; an empty folder is a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from reference_platform.documents import load_file
from reference_platform.durations import Duration
from reference_platform.errors import ConfigError

CONFIG_FILE = "feature_store.yaml"


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EmbeddedConfig(_Document):
    """One file beside the definitions, shared by the processes of one machine."""

    type: Literal["embedded"] = "embedded"
    path: str = "data/online.db"


class RedisConfig(_Document):
    """A Redis server."""

    type: Literal["redis"]
    url: str = "redis://127.0.0.1:6379/0"


class StoreConfig(_Document):
    """The whole configuration."""

    project: str = Field(default="features", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    online_store: Annotated[EmbeddedConfig | RedisConfig, Field(discriminator="type")] = EmbeddedConfig()
    allowed_lateness: Duration = 3600.0
    """How far behind the last materialised arrival a run looks again."""
    model_registry: str = ""
    """Folder of the MLflow registry whose versions read the features: edits that break one are refused."""
    audit_key: str = ""
    """File with a secret that signs the audit of reads; without it the chain only shows careless changes."""
    grants: str = ""
    """A YAML file of grants on personal data; none is needed while no field is personal."""


def load_config(root: Path) -> StoreConfig:
    """The configuration of the repository at `root`. Raises ContentError with its place, ConfigError for no folder."""
    if root.exists() and not root.is_dir():
        raise ConfigError(f"{root} is a file, not a folder", fix="name the folder that holds your definitions")
    path = root / CONFIG_FILE
    return load_file(path, StoreConfig) if path.is_file() else StoreConfig()
