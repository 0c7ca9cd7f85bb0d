"""What the platform asks of a model registry, whoever implements it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from reference_platform.errors import CommandError, nearest


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One registered version. Immutable: only aliases move."""

    name: str
    version: int
    run_id: str
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    created_at_s: float
    """Simulation seconds; negative for versions registered before the session."""
    status: str


class ModelRegistry(Protocol):
    """Versions by model name, and movable aliases that point at them."""

    def names(self) -> tuple[str, ...]:
        """Registered models, sorted."""

    def versions(self, name: str) -> tuple[ModelVersion, ...]:
        """Every version of `name`, oldest first. Raises CommandError for an unknown model."""

    def get(self, name: str, version: int) -> ModelVersion:
        """One version. Raises CommandError when the model or the version is unknown."""

    def alias(self, name: str, alias: str) -> ModelVersion:
        """The version `alias` points at. Raises CommandError when there is none."""

    def aliases(self, name: str) -> dict[str, int]:
        """Version by alias, sorted by alias. Raises CommandError for an unknown model."""

    def set_alias(self, name: str, alias: str, version: int) -> None:
        """Point `alias` at `version`, moving it if it exists. Raises CommandError when there is no such version."""


def unknown_model(name: str, names: Iterable[str]) -> CommandError:
    """The error for a model that is not registered."""
    return CommandError(f'registered model "{name}" not found', fix=nearest(name, names))


def unknown_version(name: str, version: int, versions: Iterable[int]) -> CommandError:
    """The error for a version that is not registered."""
    known = ", ".join(str(number) for number in sorted(versions))
    return CommandError(f'model "{name}" has no version {version}', fix=f"versions: {known or 'none'}")


def unknown_alias(name: str, alias: str, aliases: Iterable[str]) -> CommandError:
    """The error for an alias that points nowhere."""
    return CommandError(f'model "{name}" has no alias "{alias}"', fix=nearest(alias, aliases))
