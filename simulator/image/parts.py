"""Parts of platforms that were made before: kept in the cache, or shipped with this program."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simulator.image.archive import packed, read_member, unpacked
from simulator.image.artifacts import keys_of, weights_of
from simulator.image.fitting import METRICS
from simulator.image.layout import REFERENCES, weights_name
from simulator.image.manifest import DamagedImageError, read_manifest, write_manifest
from simulator.image.provenance import Provenance

BUILT, KEPT, SHIPPED = "built", "cache", "shipped"
"""Where a part came from."""
FOLDER = ".parts"
"""Below the folder of the platforms."""
KEPT_MAX = 2
"""Of each part, the ones used last."""


@dataclass(frozen=True, slots=True)
class Found:
    """A part that need not be made: its files by name, and where they came from."""

    files: Mapping[str, bytes]
    origin: str


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts below `folder`, and those that ship. With `anew` nothing is found, and everything made is still kept."""

    folder: Path
    shipped: Mapping[tuple[str, str], Mapping[str, bytes]] = field(default_factory=dict)
    anew: bool = False

    def find(self, name: str, key: str) -> Found | None:
        """The part of that name and key. A damaged one counts as none."""
        if self.anew:
            return None
        place = self._place(name, key)
        try:
            listed = read_manifest(place, thorough=True).files
            files = {file: (place / file).read_bytes() for file in listed}
        except (OSError, DamagedImageError):
            shipped = self.shipped.get((name, key))
            return None if shipped is None else Found(shipped, SHIPPED)
        os.utime(place)
        return Found(files, KEPT)

    def keep(self, name: str, key: str, files: Mapping[str, bytes]) -> None:
        """Keep a part for the next time, whole or not at all, and drop the oldest of that name."""
        place = self._place(name, key)
        unfinished = place.with_name(f".{place.name}")
        shutil.rmtree(unfinished, ignore_errors=True)
        for file, body in files.items():
            (unfinished / file).parent.mkdir(parents=True, exist_ok=True)
            (unfinished / file).write_bytes(body)
        write_manifest(unfinished, key, "", {}, {})
        shutil.rmtree(place, ignore_errors=True)
        unfinished.replace(place)
        others = sorted(place.parent.glob(f"{_stem(name)}-*"), key=lambda path: (path.stat().st_mtime_ns, path.name))
        for old in [path for path in others if path != place][: -(KEPT_MAX - 1)]:
            shutil.rmtree(old, ignore_errors=True)

    def _place(self, name: str, key: str) -> Path:
        return self.folder / f"{_stem(name)}-{key}"


def _stem(name: str) -> str:
    return name.replace("/", ".")


def shipped_parts(file: Path, beside: Path) -> dict[tuple[str, str], Mapping[str, bytes]]:
    """The trained models of a platform that ships, by name and key; none when its files cannot be read."""
    try:
        return _shipped_parts(file, Provenance.read(beside))
    except (OSError, ValueError, KeyError, TypeError, DamagedImageError):
        return {}


def _shipped_parts(file: Path, provenance: Provenance) -> dict[tuple[str, str], Mapping[str, bytes]]:
    keys = keys_of(provenance.plan, provenance.versions, provenance.code)
    references = unpacked(read_member(file, REFERENCES))
    metrics: dict[str, list[Mapping[str, float]]] = {}
    for version in sorted(provenance.metrics, key=lambda text: int(text.rpartition("/")[2])):
        metrics.setdefault(version.rpartition("/")[0], []).append(provenance.metrics[version])
    parts: dict[tuple[str, str], Mapping[str, bytes]] = {}
    for model, values in metrics.items():
        name = weights_of(model)
        if name in keys:
            members = [weights_name(model, number) for number in range(1, len(values) + 1)]
            files = {member: read_member(file, member) for member in members}
            files[METRICS] = json.dumps(values).encode()
            own = {column: cells for column, cells in references.items() if column.startswith(f"{model}/")}
            parts[name, keys[name]] = files | {REFERENCES: packed(own)}
    return parts
