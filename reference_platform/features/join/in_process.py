"""The engine that needs nothing: one pass over the rows in this process."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reference_platform.features.join.engine import PartitionFunction, Partitions, Rows, scan_rows
from reference_platform.features.join.partitioning import Stream, split

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Whole:
    """One partition: the stream as it is, nothing stored."""

    stream: Stream

    @property
    def schema(self) -> pa.Schema:
        return self.stream.schema

    def __len__(self) -> int:
        return 1

    def open(self, _: int) -> Stream:
        """The stream."""
        return self.stream

    def close(self) -> None:
        """Nothing was stored."""


class Spilled:
    """Partitions in files, one each, of a folder that goes with this object or when it is closed."""

    def __init__(self, stream: Stream, keys: int, n: int, spill: Path | None) -> None:
        import pyarrow as pa

        self.schema = stream.schema
        folder = tempfile.mkdtemp(prefix="pagerdrill-join-", dir=spill)
        self.close = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._paths = [Path(folder) / f"{index}.arrow" for index in range(n)]
        writers = [pa.ipc.new_stream(path, stream.schema) for path in self._paths]
        try:
            for batch in stream.batches:
                for index, rows in split(batch, keys, n):
                    writers[index].write_batch(rows)
        finally:
            for writer in writers:
                writer.close()

    def __len__(self) -> int:
        return len(self._paths)

    def open(self, index: int) -> Stream:
        """One partition, batch by batch."""
        return Stream(self.schema, self._batches(index))

    def _batches(self, index: int) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        with pa.OSFile(str(self._paths[index])) as file, pa.ipc.open_stream(file) as reader:
            yield from reader


class InProcessEngine:
    """Streams the rows past all labels, which takes memory for the labels alone. Partitions only when asked for.

    `spill`: folder for partitions; the system's temporary folder if None.
    """

    def __init__(self, spill: Path | None = None) -> None:
        self._spill = spill

    def scan(self, rows: Rows, columns: Sequence[str], since_us: int | None, until_us: int | None) -> Stream:
        """See `Engine`."""
        return scan_rows(rows, columns, since_us, until_us)

    def partition_by(self, stream: Stream, keys: int, n: int) -> Partitions:
        """See `Engine`."""
        return Whole(stream) if n <= 1 else Spilled(stream, keys, n, self._spill)

    def map_partitions(self, function: PartitionFunction, *partitions: Partitions) -> list[pa.Table]:
        """See `Engine`. One after the other."""
        cuts = [item for item in partitions if isinstance(item, Whole | Spilled)]
        assert len(cuts) == len(partitions)
        tables = [function(*(item.open(i) for item in cuts)) for i in range(len(cuts[0]))]
        for item in cuts:
            item.close()
        return tables
