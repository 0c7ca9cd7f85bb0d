"""Where images are kept, and how one gets there: whole or not at all, by one builder at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reference_platform.errors import ConfigError

CACHE_VARIABLE = "PAGERDRILL_CACHE_DIR"
IMAGES_KEPT = 2
FREE_BYTES_MIN = 200 << 20
"""An image and the parts kept of it take less than half; the rest is room for SQLite and what they replace."""
LOCK_RETRY_S = 0.5
TEMPORARY = ".building-"
DISCARDED = ".discarded-"


def images_dir() -> Path:
    """The folder of all images; it need not exist."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser() / "images"
    from platformdirs import user_cache_path

    return user_cache_path("pagerdrill") / "images"


def cannot_write(folder: Path, error: OSError) -> ConfigError:
    """The error for a cache that takes no files."""
    return ConfigError(
        "the platform image cannot be stored",
        where=str(folder),
        why=error.strerror or str(error),
        fix=f"make room or make it writable, or choose another folder: {CACHE_VARIABLE}=/some/folder pagerdrill ...",
    )


def ready_for_build(root: Path) -> None:
    """Make sure that an image can be written below `root`. Raises ConfigError naming the way round."""
    probe = root / ".probe"
    try:
        root.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
        free_bytes = shutil.disk_usage(root).free
    except OSError as error:
        raise cannot_write(root, error) from None
    if free_bytes < FREE_BYTES_MIN:
        why = f"{free_bytes >> 20} MiB free, {FREE_BYTES_MIN >> 20} MiB needed"
        raise cannot_write(root, OSError(0, why))


@contextmanager
def only_builder(root: Path) -> Iterator[Iterator[bool]]:
    """Wait to be the only process that builds below `root`.

    Yields an iterator that must be drained first; it yields False each half second while another one builds. The
    lock dies with the process.
    """
    with (root / ".lock").open("wb") as file:
        yield _waiting(file.fileno())


def _waiting(descriptor: int) -> Iterator[bool]:
    pause = threading.Event()
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            pause.wait(LOCK_RETRY_S)
        else:
            return


def temporary_folder(root: Path, image: str) -> Path:
    """A fresh, empty folder to build in. The caller must be the only builder: leftovers of dead ones are removed."""
    for leftover in [*root.glob(f"{TEMPORARY}*"), *root.glob(f"{DISCARDED}*")]:
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink()
    folder = root / f"{TEMPORARY}{image}-{os.getpid()}"
    folder.mkdir()
    return folder


def install(built: Path, final: Path) -> None:
    """Move a finished image into place, replacing a damaged one, and drop the oldest images."""
    discarded = final.with_name(f"{DISCARDED}{final.name}")
    if final.exists():
        shutil.rmtree(discarded, ignore_errors=True)
        final.replace(discarded)
    built.replace(final)
    shutil.rmtree(discarded, ignore_errors=True)
    prune(final)


def prune(used: Path) -> None:
    """Keep `used` and the images used most recently besides it, `IMAGES_KEPT` in all."""
    others = [path for path in used.parent.iterdir() if path.is_dir() and path != used and path.name[0] != "."]
    others.sort(key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    for stale in others[IMAGES_KEPT - 1 :]:
        shutil.rmtree(stale, ignore_errors=True)


def mark_used(final: Path) -> None:
    """Note that an image was used, so that `prune` keeps it. A read-only cache is fine."""
    with contextlib.suppress(OSError):
        os.utime(final)
