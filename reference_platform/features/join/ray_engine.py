"""Ray: the same join, its partitions spread over the processes of a cluster, or of this machine."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reference_platform.errors import ConfigError
from reference_platform.features.join.engine import PartitionFunction, Partitions, Rows, scan_rows
from reference_platform.features.join.partitioning import Stream, split

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class RayPartitions:
    """For each partition its pieces in Ray's object store, in the order of their rows; Ray spills them to disk."""

    schema: pa.Schema
    pieces: tuple[tuple[Any, ...], ...]

    def __len__(self) -> int:
        return len(self.pieces)


class RayEngine:
    """Joins partitions in parallel. Uses the running Ray, or starts a local one of `processes` and ends it in `close`.

    Raises ConfigError when Ray is not installed.
    """

    def __init__(self, *, processes: int = 2, partitions: int = 8, object_store_bytes: int | None = None) -> None:
        try:
            import ray
        except ImportError as error:
            raise ConfigError(
                "Ray is not installed", fix="pip install 'pagerdrill[ray]', or use another engine"
            ) from error
        self._partitions = partitions
        self._started = not ray.is_initialized()
        if self._started:
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            ray.init(
                address="local",
                num_cpus=processes,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                object_store_memory=object_store_bytes,
            )
        self._task = ray.remote(_run_task)

    def close(self) -> None:
        """End Ray, if it was started here."""
        import ray

        if self._started:
            ray.shutdown()
            self._started = False

    def __enter__(self) -> RayEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def scan(self, rows: Rows, columns: Sequence[str], since_us: int | None, until_us: int | None) -> Stream:
        """See `Engine`. Read here, joined there."""
        return scan_rows(rows, columns, since_us, until_us)

    def partition_by(self, stream: Stream, keys: int, n: int) -> Partitions:
        """See `Engine`."""
        import ray

        n = n or self._partitions
        pieces: list[list[Any]] = [[] for _ in range(n)]
        for batch in stream.batches:
            for index, rows in split(batch, keys, n):
                pieces[index].append(ray.put(_compact(rows)))
        return RayPartitions(stream.schema, tuple(map(tuple, pieces)))

    def map_partitions(self, function: PartitionFunction, *partitions: Partitions) -> list[pa.Table]:
        """See `Engine`. All partitions at once, as far as there are processes. An error is that of the partition."""
        cuts = [item for item in partitions if isinstance(item, RayPartitions)]
        assert len(cuts) == len(partitions)
        schemas = [item.schema for item in cuts]
        waiting = []
        for part in zip(*(item.pieces for item in cuts), strict=True):
            references = [reference for pieces in part for reference in pieces]
            waiting.append(self._task.remote(function, schemas, [len(pieces) for pieces in part], *references))
        done = [_outcome(reference) for reference in waiting]
        for outcome in done:
            if isinstance(outcome, Exception):
                raise outcome
        return done


def _outcome(reference: Any) -> Any:
    """The table of one task, or the error that ended it. Every task is waited for, so that none fails unseen."""
    import ray

    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        return error.cause


def _compact(rows: pa.RecordBatch) -> pa.Table:
    """Without the buffers of its neighbours, which would travel with a slice."""
    import pyarrow as pa

    return pa.Table.from_batches([rows.take(pa.array(np.arange(rows.num_rows)))])


def _run_task(
    function: PartitionFunction, schemas: Sequence[pa.Schema], counts: Sequence[int], *pieces: pa.Table
) -> pa.Table:
    streams, first = [], 0
    for schema, count in zip(schemas, counts, strict=True):
        batches = (batch for piece in pieces[first : first + count] for batch in piece.to_batches())
        streams.append(Stream(schema, batches))
        first += count
    return function(*streams)
