"""What a trained platform consists of. A file that is missing, cut short or changed makes the whole one unusable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MANIFEST = "manifest.json"
SIZE_ONLY = ("offline/", "artifacts/", "mlflow.db")
"""Large files that no session opens: their size is checked on load, not their content."""


class DamagedImageError(Exception):
    """The image on disk is not the one that was built. `str()` names the file and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Files by path relative to the image folder, and the plan and library versions it was built with.

    `origins` says of each part where it came from when this folder was filled.
    """

    image: str
    plan: str
    versions: Mapping[str, str]
    files: Mapping[str, FileEntry]
    origins: Mapping[str, str] = field(default_factory=dict)


def write_manifest(
    folder: Path, image: str, plan: str, versions: Mapping[str, str], origins: Mapping[str, str] | None = None
) -> None:
    """Record every file now in `folder`."""
    files = {
        path.relative_to(folder).as_posix(): {"size_bytes": path.stat().st_size, "sha256": _sha256(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    document = {
        "image": image,
        "plan": plan,
        "versions": dict(versions),
        "origins": dict(origins or {}),
        "files": files,
    }
    text = json.dumps(document, sort_keys=True, indent=1) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def read_manifest(folder: Path, *, thorough: bool = False) -> Manifest:
    """Read and verify; `thorough` reads the large files too.

    Raises DamagedImageError when it is not what was built, FileNotFoundError when there is none.
    """
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    try:
        document = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        manifest = Manifest(
            image=document["image"],
            plan=document["plan"],
            versions=document["versions"],
            origins=document["origins"],
            files={name: FileEntry(**entry) for name, entry in document["files"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedImageError(f"{MANIFEST} cannot be read ({error})") from error
    for name, entry in manifest.files.items():
        _verify(folder / name, name, entry, thorough)
    return manifest


def _verify(path: Path, name: str, entry: FileEntry, thorough: bool) -> None:
    try:
        size_bytes = path.stat().st_size
        if size_bytes != entry.size_bytes:
            raise DamagedImageError(f"{name} has {size_bytes} bytes, expected {entry.size_bytes}")
        if (thorough or not name.startswith(SIZE_ONLY)) and _sha256(path) != entry.sha256:
            raise DamagedImageError(f"{name} has changed since it was built")
    except OSError as error:
        raise DamagedImageError(f"{name} cannot be read ({error.strerror})") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
