"""One file with all that a session reads. What was written is what is read, or an error names the damage."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulator.image.manifest import DamagedImageError

LEVEL = 9
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The same content gives the same file, whenever it is written."""


def packed(arrays: Mapping[str, NDArray[np.generic]]) -> bytes:
    """An .npz without pickles. Inverse: `unpacked`."""
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def unpacked(body: bytes) -> dict[str, NDArray[np.generic]]:
    """The arrays that `packed` was given."""
    with np.load(io.BytesIO(body), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def write_archive(path: Path, members: Mapping[str, bytes]) -> None:
    """Write `members` by name."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for name, body in sorted(members.items()):
            info = zipfile.ZipInfo(name, EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, body)


def read_member(path: Path, name: str) -> bytes:
    """One member. Raises DamagedImageError when it is missing or was changed."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(name)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
        raise DamagedImageError(f"{path.name}: {name} cannot be read ({error})") from error


def content_of(path: Path) -> str:
    """16 hex digits over the members, whatever compressed them: two sessions can only be equal when these are."""
    digest = hashlib.sha256()
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            digest.update(f"{name}\0{hashlib.sha256(archive.read(name)).hexdigest()}\n".encode())
    return digest.hexdigest()[:16]


def sha256_of(path: Path) -> str:
    """SHA-256 of a whole file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
