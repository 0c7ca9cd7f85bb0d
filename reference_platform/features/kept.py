"""What a store writes into its folder, and how that goes without touching anything else there."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from reference_platform.errors import ConfigError
from reference_platform.features.online_store.port import OnlineStore

FOLDERS = ("audit", "offline", "progress", "sorted", "streams", "vectors")
FILES = (".registry.lock", "lineage.jsonl", "registry.json")
DATABASE_PARTS = ("", "-journal", "-shm", "-wal")


def drop_rows(online: Callable[[], OnlineStore], views: Iterable[str], database: Path | None = None) -> None:
    """Drop the rows of `views`. A `database` that cannot be used any more is left for `remove_kept`."""
    try:
        for view in views:
            online().drop(view)
    except ConfigError:
        if database is None:
            raise


def remove_kept(data: Path, database: Path | None = None) -> None:
    """Delete what a store wrote into `data`, and its `database`. Files of others stay, sources among them.

    Raises ConfigError when something cannot be deleted.
    """
    files = [data / name for name in FILES]
    if database is not None:
        files += [database.with_name(database.name + part) for part in DATABASE_PARTS]
    try:
        for path in files:
            path.unlink(missing_ok=True)
        for name in FOLDERS:
            if (data / name).is_dir():
                shutil.rmtree(data / name)
        if data.is_dir() and not any(data.iterdir()):
            data.rmdir()
    except OSError as error:
        raise ConfigError(
            f"{error.filename or data} cannot be deleted", why=error.strerror or str(error), fix="grant access, repeat"
        ) from error
