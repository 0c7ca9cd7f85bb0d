"""The registry as frozen data: read from MLflow once, carried in an image, moved about freely inside a session."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from reference_platform.registry.port import (
    ModelRegistry,
    ModelVersion,
    unknown_alias,
    unknown_model,
    unknown_version,
)


class SnapshotRegistry:
    """A ModelRegistry in memory. Versions never change; `set_alias` touches this copy only."""

    def __init__(self, versions: Iterable[ModelVersion], aliases: Mapping[str, Mapping[str, int]]) -> None:
        self._versions: dict[str, dict[int, ModelVersion]] = {}
        for item in sorted(versions, key=lambda item: (item.name, item.version)):
            self._versions.setdefault(item.name, {})[item.version] = item
        self._aliases = {name: dict(aliases.get(name, {})) for name in self._versions}

    @classmethod
    def of(cls, registry: ModelRegistry) -> SnapshotRegistry:
        """Copy everything another registry holds."""
        names = registry.names()
        versions = [version for name in names for version in registry.versions(name)]
        return cls(versions, {name: registry.aliases(name) for name in names})

    def only(self, names: Collection[str]) -> SnapshotRegistry:
        """A copy that holds these models alone."""
        versions = [item for kept in self._versions.values() for item in kept.values() if item.name in names]
        return SnapshotRegistry(versions, self._aliases)

    @classmethod
    def from_json(cls, text: str) -> SnapshotRegistry:
        """Read what `to_json` wrote. Raises ValueError or KeyError when it is something else."""
        document = json.loads(text)
        versions = [
            ModelVersion(
                name=item["name"],
                version=int(item["version"]),
                run_id=item["run_id"],
                metrics=dict(item["metrics"]),
                tags=dict(item["tags"]),
                created_at_s=float(item["created_at_s"]),
                status=item["status"],
            )
            for item in document["versions"]
        ]
        return cls(versions, document["aliases"])

    def to_json(self) -> str:
        """Canonical JSON: the same content always gives the same bytes."""
        versions = [
            {
                "name": item.name,
                "version": item.version,
                "run_id": item.run_id,
                "metrics": dict(item.metrics),
                "tags": dict(item.tags),
                "created_at_s": item.created_at_s,
                "status": item.status,
            }
            for by_number in self._versions.values()
            for item in by_number.values()
        ]
        return json.dumps({"versions": versions, "aliases": self._aliases}, sort_keys=True, indent=1) + "\n"

    def write(self, path: Path) -> None:
        """Write `to_json` to `path`."""
        path.write_text(self.to_json(), encoding="utf-8")

    def copy(self) -> SnapshotRegistry:
        """An independent copy; moving its aliases leaves this one alone."""
        return SnapshotRegistry.of(self)

    def names(self) -> tuple[str, ...]:
        """Registered models, sorted."""
        return tuple(sorted(self._versions))

    def versions(self, name: str) -> tuple[ModelVersion, ...]:
        """Every version of `name`, oldest first."""
        return tuple(self._of(name).values())

    def get(self, name: str, version: int) -> ModelVersion:
        """One version."""
        known = self._of(name)
        if version not in known:
            raise unknown_version(name, version, known)
        return known[version]

    def alias(self, name: str, alias: str) -> ModelVersion:
        """The version `alias` points at."""
        self._of(name)
        if alias not in self._aliases[name]:
            raise unknown_alias(name, alias, self._aliases[name])
        return self.get(name, self._aliases[name][alias])

    def aliases(self, name: str) -> dict[str, int]:
        """Version by alias, sorted by alias."""
        self._of(name)
        return dict(sorted(self._aliases[name].items()))

    def set_alias(self, name: str, alias: str, version: int) -> None:
        """Point `alias` at `version`."""
        self.get(name, version)
        self._aliases[name][alias] = version

    def _of(self, name: str) -> dict[int, ModelVersion]:
        if name not in self._versions:
            raise unknown_model(name, self._versions)
        return self._versions[name]
