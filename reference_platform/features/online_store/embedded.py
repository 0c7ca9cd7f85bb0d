"""The embedded store: no server, in memory only or in one file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import CommandError
from reference_platform.features.columns import FeatureBlock
from reference_platform.features.definitions import FeatureView
from reference_platform.features.online_store.memory import MemoryOnlineStore
from reference_platform.features.online_store.port import OnlineStore, ViewAnswer, ViewRead
from reference_platform.features.online_store.table import OnlineTable, Overwritten


class EmbeddedOnlineStore:
    """`path` None: in memory. Otherwise one SQLite file: what `write` returned from survives a killed process, and
    other processes see it at their next read.
    """

    def __init__(self, path: Path | None = None, views: Iterable[FeatureView] = ()) -> None:
        self._memory: MemoryOnlineStore | None = None
        self._store: OnlineStore
        if path is None:
            self._store = self._memory = MemoryOnlineStore()
        else:
            from reference_platform.features.online_store.sqlite import SqliteOnlineStore

            self._store = SqliteOnlineStore(Path(path))
        self._store.declare(views)

    def declare(self, views: Iterable[FeatureView]) -> None:
        """Create what is missing. A view whose keys or features changed starts empty."""
        self._store.declare(views)

    def drop(self, view: str) -> None:
        """Forget the rows and the watermark of `view`; nothing happens when there are none."""
        self._store.drop(view)

    def write(self, view: FeatureView, rows: FeatureBlock) -> int:
        """Write rows; how many keys got a new row. Raises CommandError for a null key; nothing is then written."""
        return self._store.write(view, rows)

    def write_matrix(
        self,
        view: FeatureView,
        keys: NDArray[np.integer[Any]],
        event_us: NDArray[np.int64],
        created_us: NDArray[np.int64],
        matrix: NDArray[np.float32],
        sequence: NDArray[np.int64] | None = None,
    ) -> int:
        """Write rows of a view of Float32 features from one matrix [n, width], in memory only."""
        return self._in_memory.write_matrix(view, keys, event_us, created_us, matrix, sequence)

    def read(self, reads: Sequence[ViewRead]) -> list[ViewAnswer]:
        """All answers in one round trip."""
        return self._store.read(reads)

    def watermark_us(self, view: str) -> int:
        """Event time up to which everything is written; NEVER_US before the first run."""
        return self._store.watermark_us(view)

    def advance_watermark(self, view: str, to_us: int) -> None:
        """Move the watermark forward; an earlier instant leaves it where it is."""
        self._store.advance_watermark(view, to_us)

    def rows(self, view: str) -> int:
        """How many keys have a row."""
        return self._store.rows(view)

    def table(self, view: str) -> OnlineTable:
        """The rows of `view`, in memory only. Raises CommandError when there is none."""
        return self._in_memory.table(view)

    def watch(self, before_write: Callable[[str, Overwritten], None]) -> None:
        """From now on tell which rows of a view are about to be overwritten, by its name; in memory only."""
        self._in_memory.watch(before_write)

    def with_rows_back(self, writes: Mapping[str, Sequence[Overwritten]]) -> OnlineStore:
        """The store from before these writes, by view, in the order in which they came; in memory and for reading."""
        return self._in_memory.with_rows_back(writes)

    def state(self) -> dict[str, NDArray[Any]]:
        """The whole store as named arrays, copied; in memory only."""
        return self._in_memory.state()

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `state` returned; in memory only. Raises ValueError when the shapes belong to other views."""
        self._in_memory.restore(state)

    def close(self) -> None:
        """Let go of the file."""
        self._store.close()

    @property
    def _in_memory(self) -> MemoryOnlineStore:
        if self._memory is None:
            raise CommandError("the online store is a file", fix="this needs one in memory: EmbeddedOnlineStore(None)")
        return self._memory
