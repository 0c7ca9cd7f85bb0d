"""The online store in memory: all rows at hand, gone with the process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.columns import FeatureBlock
from reference_platform.features.definitions import FeatureView
from reference_platform.features.online_store.layout import RowBatch, RowLayout, Twins, batch_of, matrix_batch
from reference_platform.features.online_store.port import ViewAnswer, ViewRead, typed_keys, undeclared
from reference_platform.features.online_store.table import OnlineTable, Overwritten
from reference_platform.features.times import NEVER_US


class _Held:
    """A declared view and its rows."""

    __slots__ = ("layout", "table", "twins", "view", "watermark_us")

    def __init__(self, view: FeatureView) -> None:
        self.view = view
        self.layout = RowLayout(view)
        self.table = OnlineTable(view, self.layout)
        self.watermark_us = NEVER_US
        self.twins = Twins(view, self.layout)


class MemoryOnlineStore:
    """All rows in memory, gone with the process."""

    def __init__(self, views: Iterable[FeatureView] = ()) -> None:
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()
        self.declare(views)

    def declare(self, views: Iterable[FeatureView]) -> None:
        """Create what is missing. A view whose keys or features changed starts empty."""
        with self._lock:
            for view in views:
                held = self._held.get(view.name)
                if held is not None and _same(held, RowLayout(view), view):
                    held.view = view
                else:
                    self._held[view.name] = _Held(view)

    def views(self) -> tuple[str, ...]:
        """Names of the views it holds, in declaration order."""
        return tuple(self._held)

    def drop(self, view: str) -> None:
        """Forget the rows and the watermark of `view`; nothing happens when there are none."""
        with self._lock:
            self._held.pop(view, None)

    def write(self, view: FeatureView, rows: FeatureBlock) -> int:
        """Write rows; how many keys got a new row. Raises CommandError for a null key; nothing is then written."""
        held = self._for(view)
        return self._take(held, batch_of(view, held.layout, rows))

    def write_matrix(
        self,
        view: FeatureView,
        keys: NDArray[np.integer[Any]],
        event_us: NDArray[np.int64],
        created_us: NDArray[np.int64],
        matrix: NDArray[np.float32],
        sequence: NDArray[np.int64] | None = None,
    ) -> int:
        """Write rows of a view of Float32 features from one matrix [n, width]; NaN is a value, not a null."""
        held = self._for(view)
        sequence = np.zeros(len(keys), dtype=np.int64) if sequence is None else sequence
        return self._take(held, matrix_batch(view, held.layout, keys, event_us, created_us, sequence, matrix))

    def read(self, reads: Sequence[ViewRead]) -> list[ViewAnswer]:
        """All answers, of one instant."""
        found = [(self._for(read.view).table, typed_keys(read), len(read)) for read in reads]
        with self._lock:
            return [table.gather(table.places(keys, rows)) for table, keys, rows in found]

    def watch(self, before_write: Callable[[str, Overwritten], None]) -> None:
        """From now on tell which rows of a view are about to be overwritten, by its name."""
        for name, held in self._held.items():
            held.table.before_write = partial(before_write, name)

    def with_rows_back(self, writes: Mapping[str, Sequence[Overwritten]]) -> MemoryOnlineStore:
        """The store from before these writes, by view and in the order in which they came. For reading."""
        before = MemoryOnlineStore()
        with self._lock:
            for name, held in self._held.items():
                then = copy(held)
                then.table = held.table.with_rows_back(writes[name]) if writes.get(name) else held.table
                before._held[name] = then
        return before

    def table(self, view: str) -> OnlineTable:
        """The rows of `view`. Raises CommandError when there is none."""
        return self._of(view).table

    def watermark_us(self, view: str) -> int:
        """Event time up to which everything is written; NEVER_US before the first run."""
        return self._of(view).watermark_us

    def advance_watermark(self, view: str, to_us: int) -> None:
        """Move the watermark forward; an earlier instant leaves it where it is."""
        held = self._of(view)
        held.watermark_us = max(held.watermark_us, to_us)

    def rows(self, view: str) -> int:
        """How many keys have a row."""
        return len(self._of(view).table)

    def state(self) -> dict[str, NDArray[Any]]:
        """The whole store as named arrays, copied: `view.event_us` and so on, and `view.watermark_us`."""
        out: dict[str, NDArray[Any]] = {}
        with self._lock:
            for name, held in self._held.items():
                out |= {f"{name}.{part}": array for part, array in held.table.state().items()}
                out[f"{name}.watermark_us"] = np.array(held.watermark_us)
        return out

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `state` returned. Raises ValueError when the shapes belong to other views."""
        with self._lock:
            for name, held in self._held.items():
                begin = f"{name}."
                held.table.restore({k[len(begin) :]: array for k, array in state.items() if k.startswith(begin)})
                held.watermark_us = int(state[f"{name}.watermark_us"].item())

    def close(self) -> None:
        """Nothing to let go of."""

    def _of(self, view: str) -> _Held:
        held = self._held.get(view)
        if held is None:
            raise undeclared(view, self._held)
        return held

    def _for(self, view: FeatureView) -> _Held:
        held = self._of(view.name)
        held.twins.check(view)
        return held

    def _take(self, held: _Held, batch: RowBatch) -> int:
        with self._lock:
            return held.table.upsert_batch(batch)


def _same(held: _Held, layout: RowLayout, view: FeatureView) -> bool:
    if held.layout.fingerprint != layout.fingerprint:
        return False
    counts = [[entity.key_count for entity in each.entities] for each in (held.view, view)]
    return counts[0] == counts[1]
