"""Damage of any kind is found on load, and named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.image.manifest import MANIFEST, DamagedImageError, read_manifest, write_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("world.npz", "weights/a-1.npz", "offline/view.parquet", "mlflow.db"):
        path = tmp_path / "image" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 50)
    write_manifest(tmp_path / "image", "0123", "{}", {"numpy": "2"})
    return tmp_path / "image"


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def test_an_intact_image_is_accepted(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert (manifest.image, manifest.versions) == ("0123", {"numpy": "2"})
    assert sorted(manifest.files) == ["mlflow.db", "offline/view.parquet", "weights/a-1.npz", "world.npz"]


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("world.npz", flip),
        ("world.npz", truncate),
        ("world.npz", Path.unlink),
        ("weights/a-1.npz", flip),
        ("offline/view.parquet", truncate),
        ("offline/view.parquet", Path.unlink),
        ("mlflow.db", truncate),
        (MANIFEST, truncate),
        (MANIFEST, Path.unlink),
    ],
)
def test_a_changed_short_or_missing_file_is_named(folder: Path, name: str, harm: Callable[[Path], None]) -> None:
    if name == MANIFEST and harm is truncate:
        (folder / MANIFEST).write_bytes((folder / MANIFEST).read_bytes()[:-20])
    else:
        harm(folder / name)
    with pytest.raises(DamagedImageError, match=name):
        read_manifest(folder)


def test_no_image_is_not_a_damaged_image(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_manifest(tmp_path / "nothing")
