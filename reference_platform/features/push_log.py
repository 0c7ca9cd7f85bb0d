"""What was pushed to a view, kept as history: one Parquet file per push, named after its first row's number."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reference_platform.errors import ConfigError
from reference_platform.features.blocks import table_of
from reference_platform.features.columns import FeatureBlock
from reference_platform.features.definitions import FeatureView

if TYPE_CHECKING:
    import pyarrow as pa

FIRST_SEQUENCE = 1 << 40
"""Pushed rows come after every row of the batch source, whatever its size."""


class PushLog:
    """The pushes of one view. Appends are atomic and numbered without gaps, also across processes."""

    def __init__(self, folder: Path, view: FeatureView) -> None:
        self.folder = folder / view.name
        self._view = view

    def append(self, rows: FeatureBlock) -> FeatureBlock:
        """Keep `rows` and return them with their numbers. They are on disk when this returns."""
        import pyarrow.parquet as pq

        with self._locked():
            first = self._next()
            numbered = replace(rows, sequence=np.arange(first, first + len(rows), dtype=np.int64))
            if len(rows):
                path = self.folder / f"{first:020d}-{len(rows)}.parquet"
                fresh = path.with_suffix(".tmp")
                try:
                    pq.write_table(table_of(self._view, numbered), fresh, compression="zstd")
                    with fresh.open("rb") as written:
                        os.fsync(written.fileno())
                    fresh.replace(path)
                except OSError as error:
                    fresh.unlink(missing_ok=True)
                    raise ConfigError(
                        f"the push log of {self._view.name} cannot be written", why=str(error), fix="make room"
                    ) from error
        return numbered

    def tables(self) -> Iterator[pa.Table]:
        """Every push, oldest first. Raises ConfigError for a file that was damaged."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        for path in self.paths():
            try:
                table = pq.read_table(path)
            except (pa.ArrowException, OSError) as error:
                raise ConfigError(
                    f"{path} is damaged, and with it what was pushed",
                    why=str(error).splitlines()[0][:200],
                    fix="bring it back from a copy, or delete it and push its rows again",
                ) from error
            yield table

    def paths(self) -> list[Path]:
        """The files, oldest push first."""
        return [self.folder / name for name in sorted(self._names())]

    def _names(self) -> list[str]:
        # No paths are made here: there is a file for every push ever kept.
        if not self.folder.is_dir():
            return []
        with os.scandir(self.folder) as entries:
            return [entry.name for entry in entries if entry.name.endswith(".parquet")]

    def _next(self) -> int:
        newest = max(self._names(), default="")
        if not newest:
            return FIRST_SEQUENCE
        first, _, count = newest.removesuffix(".parquet").partition("-")
        return int(first) + int(count)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / ".lock").open("a")
        except OSError as error:
            raise ConfigError(
                f"the push log of {self._view.name} cannot be written", why=str(error), fix="make room or grant access"
            ) from error
        with lock as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield
