"""Images appear whole, stale ones go, builders take turns, and a cache that takes no files is explained."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from reference_platform.errors import ConfigError
from simulator.image import cache
from simulator.image.builder import ensure_trained


def made(root: Path, name: str, used_s: int) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "file").write_text(name)
    os.utime(folder, (used_s, used_s))
    return folder


def visible(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir() if path.name[0] != ".")


def test_the_two_images_used_last_are_kept(tmp_path: Path) -> None:
    for used_s, name in enumerate(["a", "b", "c"], start=1):
        made(tmp_path, name, used_s)
    cache.install(made(tmp_path, ".building-d-1", 9), tmp_path / "d")
    assert visible(tmp_path) == ["c", "d"]
    assert (tmp_path / "d" / "file").read_text() == ".building-d-1"


def test_a_damaged_image_is_replaced_and_nothing_else_remains(tmp_path: Path) -> None:
    made(tmp_path, "a", 1)
    cache.install(made(tmp_path, ".building-a-1", 9), tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a" / "file").read_text() == ".building-a-1"


def test_leftovers_of_dead_builders_are_removed(tmp_path: Path) -> None:
    made(tmp_path, ".building-a-1", 1)
    made(tmp_path, ".discarded-b", 1)
    (tmp_path / ".building-a-1.log").write_text("what it said")
    folder = cache.temporary_folder(tmp_path, "c")
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_a_second_builder_waits_for_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LOCK_RETRY_S", 0.0)
    with cache.only_builder(tmp_path) as first:
        assert list(first) == []
        with cache.only_builder(tmp_path) as second:
            assert next(second) is False
            assert next(second) is False
    with cache.only_builder(tmp_path) as third:
        assert list(third) == []


def test_a_cache_that_cannot_be_made_is_a_config_error_with_a_way_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(ConfigError) as caught:
        ensure_trained()
    message = str(caught.value)
    assert str(tmp_path / "file") in message
    assert "Not a directory" in message
    assert "PAGERDRILL_CACHE_DIR=" in message


def test_a_full_disk_is_a_config_error_before_anything_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path))
    full = shutil.disk_usage(tmp_path)._replace(free=5 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    with pytest.raises(ConfigError, match="cannot be stored") as caught:
        ensure_trained()
    assert "5 MiB free" in str(caught.value)
    assert visible(tmp_path / "images") == []
