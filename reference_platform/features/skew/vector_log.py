"""The log of served vectors: what a model was given, when, and by which code.

`append` keeps references and returns; every 128 rows are turned into an Arrow batch, every `segment_rows` rows into a
file (see segments.py). A crash loses at most what was not flushed: at most `waiting_rows_max` rows. When the disk does
not take a segment, rows wait in memory up to that bound; what comes after it is dropped and counted, because serving
goes on. Reading skips damaged segments and counts them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from reference_platform.errors import ConfigError
from reference_platform.features.online_store.response import OnlineResponse
from reference_platform.features.skew.segments import list_segments, read_segment, shape_of, write_segment
from reference_platform.features.skew.vector_batches import Entry, to_batch
from reference_platform.features.skew.vector_responses import ResponseRows
from reference_platform.features.skew.vector_shape import VectorShape

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 128
"""Rows turned into Arrow at once: few enough that the read which pays for it stays under a millisecond."""
SEGMENT_ROWS = 8_192
WAITING_ROWS_MAX = 65_536
SEGMENTS_MAX = 20_000
"""Segments kept; the oldest go first, counted as pruned."""


class LoggedSegment(NamedTuple):
    """Rows of one shape, oldest append first. `name` says where they come from."""

    name: str
    shape: VectorShape
    table: pa.Table


@dataclass(slots=True)
class LogCounts:
    """Rows appended, written, dropped because memory was full; segments found damaged, and pruned as too many."""

    appended: int = 0
    written: int = 0
    dropped: int = 0
    damaged: int = 0
    pruned: int = 0


class _Waiting:
    """Rows of one shape that are in no segment yet."""

    def __init__(self, shape: VectorShape, batch_rows_max: int) -> None:
        self._shape = shape
        self._batch_rows_max = batch_rows_max
        self._entries: list[Entry] = []
        self._responses: ResponseRows | None = None
        self._loose_rows = 0
        self.batches: list[pa.RecordBatch] = []
        self.batch_rows = 0

    def add(self, entry: Entry) -> None:
        """Take one read in."""
        if self._responses is not None:
            self.close_batch()
        self._entries.append(entry)
        self._added(entry.rows)

    def add_response(self, response: OnlineResponse, read_us: int, row_ids: Sequence[str]) -> None:
        """Take one response in."""
        if self._entries:
            self.close_batch()
        if self._responses is None:
            self._responses = ResponseRows(self._shape, response)
        self._responses.add(response, read_us, row_ids)
        self._added(response.rows)

    def _added(self, rows: int) -> None:
        self._loose_rows += rows
        if self._loose_rows >= self._batch_rows_max:
            self.close_batch()

    def close_batch(self) -> None:
        """Turn what is loose into a batch."""
        if self._loose_rows:
            loose = to_batch(self._shape, self._entries) if self._responses is None else self._responses.batch()
            self.batches.append(loose)
            self.batch_rows += self._loose_rows
        self._entries, self._responses, self._loose_rows = [], None, 0


class VectorLog:
    """Served vectors in `folder`, or in memory only when it is None. Safe for several threads and processes.

    `in_background`: segments are written by a thread of the log, so that no read waits for the disk.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        segment_rows: int = SEGMENT_ROWS,
        waiting_rows_max: int = WAITING_ROWS_MAX,
        segments_max: int = SEGMENTS_MAX,
        in_background: bool = False,
    ) -> None:
        assert 1 <= segment_rows <= waiting_rows_max
        assert segments_max >= 1
        self.counts = LogCounts()
        self.trouble: ConfigError | None = None
        """Why the last segment could not be written; None once one was."""
        self._folder = folder
        self._segment_rows = segment_rows
        self._waiting_rows_max = waiting_rows_max
        self._segments_max = segments_max
        self._waiting: dict[str, _Waiting] = {}
        self._unwritten: list[pa.Table] = []
        self._rows = 0
        self._in_memory: list[LoggedSegment] = []
        self._number = 0
        self._lock = Lock()
        self._disk = Lock()
        self._writer = ThreadPoolExecutor(1, "vector-log") if in_background and folder is not None else None
        self._writing: Future[None] | None = None

    def append(
        self,
        shape: VectorShape,
        read_us: int,
        keys: Sequence[Sequence[Any]],
        requests: Sequence[Sequence[Any]],
        values: Sequence[Sequence[Any]],
        statuses: Sequence[Sequence[int]],
        event_us: Sequence[Sequence[int]],
        row_ids: Sequence[str] = (),
    ) -> None:
        """Log the rows of one read. Column-major: one sequence per key, request value, feature, and look-up.

        `event_us[j]` are the event times of `shape.views[j]`. Sequences are kept, not copied: do not change them.
        Never fails for want of disk; see `trouble`.
        """
        rows = len(values[0])
        with self._lock:
            waiting = self._place(shape, rows)
            if waiting is not None:
                waiting.add(Entry(rows, read_us, keys, requests, values, statuses, event_us, row_ids))
        self._write_full(waiting)

    def append_response(
        self, shape: VectorShape, response: OnlineResponse, read_us: int, row_ids: Sequence[str] = ()
    ) -> None:
        """Log a response of the plan that `shape` is of; its arrays are kept. Otherwise like `append`."""
        with self._lock:
            waiting = self._place(shape, response.rows)
            if waiting is not None:
                waiting.add_response(response, read_us, row_ids)
        self._write_full(waiting)

    def _place(self, shape: VectorShape, rows: int) -> _Waiting | None:
        """Where these rows wait; None when there is no room and they are dropped."""
        self.counts.appended += rows
        if self._rows + rows > self._waiting_rows_max:
            self.counts.dropped += rows
            return None
        self._rows += rows
        found = self._waiting.get(shape.fingerprint)
        if found is None:
            found = self._waiting[shape.fingerprint] = _Waiting(shape, min(BATCH_ROWS, self._segment_rows))
        return found

    def _write_full(self, waiting: _Waiting | None) -> None:
        if waiting is not None and waiting.batch_rows >= self._segment_rows:
            with self._lock:
                self._close_segment(waiting)
            self._write_some()

    def flush(self) -> int:
        """Write all that waits; the rows written. Durable on return. Raises ConfigError when the disk refuses."""
        before = self.counts.written
        with self._lock:
            for waiting in self._waiting.values():
                waiting.close_batch()
                self._close_segment(waiting)
        if self._writing is not None:
            self._writing.result()
        self._write_all()
        if self.trouble is not None:
            raise self.trouble
        return self.counts.written - before

    def close(self) -> None:
        """Flush and end the thread, if there is one."""
        try:
            self.flush()
        finally:
            if self._writer is not None:
                self._writer.shutdown()

    def read(self, since_us: int | None = None, until_us: int | None = None) -> Iterator[LoggedSegment]:
        """What was flushed, with since_us <= read instant < until_us, by time. Damaged segments are skipped."""
        self.counts.damaged = 0
        if self._folder is None:
            for segment in list(self._in_memory):
                if len(part := _between(segment.table, since_us, until_us)):
                    yield segment._replace(table=part)
            return
        for name in list_segments(self._folder):
            outside = (since_us is not None and name.last_us < since_us) or (
                until_us is not None and name.first_us >= until_us
            )
            if outside:
                continue
            table = read_segment(self._folder, name)
            if table is None:
                self.counts.damaged += 1
            elif len(part := _between(table, since_us, until_us)):
                yield LoggedSegment(str(name), shape_of(table), part)

    def _close_segment(self, waiting: _Waiting) -> None:
        import pyarrow as pa

        if waiting.batches:
            self._unwritten.append(pa.Table.from_batches(waiting.batches).combine_chunks())
            waiting.batches, waiting.batch_rows = [], 0

    def _write_some(self) -> None:
        """Write now, or have it written by the thread, at most one job at a time."""
        if self._writer is None:
            self._write_all()
        elif self._writing is None or self._writing.done():
            self._writing = self._writer.submit(self._write_all)

    def _write_all(self) -> None:
        with self._disk:
            while self._unwritten:
                table = self._unwritten[0]
                self._number += 1
                try:
                    self._write_one(table)
                except ConfigError as error:
                    self.trouble = error
                    return
                self.trouble = None
                with self._lock:
                    del self._unwritten[0]
                    self._rows -= len(table)
                    self.counts.written += len(table)

    def _write_one(self, table: pa.Table) -> None:
        if self._folder is None:
            self._in_memory.append(LoggedSegment(f"memory-{self._number}", shape_of(table), table))
            if len(self._in_memory) > self._segments_max:
                del self._in_memory[0]
                self.counts.pruned += 1
            return
        write_segment(self._folder, table, self._number)
        if self._number % 256 == 1:
            for name in list_segments(self._folder)[: -self._segments_max]:
                (self._folder / str(name)).unlink(missing_ok=True)
                self.counts.pruned += 1


def _between(table: pa.Table, since_us: int | None, until_us: int | None) -> pa.Table:
    import pyarrow.compute as pc

    if since_us is not None:
        table = table.filter(pc.greater_equal(table["read_us"], since_us))
    if until_us is not None:
        table = table.filter(pc.less(table["read_us"], until_us))
    return table
