"""DuckDB reads the Parquet files and keeps the partitions, on disk where memory ends.

Its ASOF JOIN is not used: which of several equal rows it takes differs from run to run. Source: duckdb/duckdb#25536.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reference_platform.errors import ConfigError
from reference_platform.features.join.engine import PartitionFunction, Partitions, Rows, scan_rows
from reference_platform.features.join.partitioning import Stream, partition_numbers, stream_schema
from reference_platform.features.join.scan import ParquetRows, as_type, shaped

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 1 << 17
ORDER, PART = "number", "part"


class DuckDBEngine:
    """Joins partition by partition. `memory_limit` as DuckDB writes it, such as "1GB"; `threads` None: all cores.

    Files of partitions lie under `spill`, or the system's temporary folder, until `close` or the end of the engine.
    """

    def __init__(
        self, *, memory_limit: str = "1GB", threads: int | None = None, partitions: int = 8, spill: Path | None = None
    ) -> None:
        import duckdb

        self._folder = tempfile.mkdtemp(prefix="pagerdrill-duckdb-", dir=spill)
        self._remove = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._partitions = partitions
        self._cuts = 0
        options: dict[str, Any] = {"memory_limit": memory_limit, "temp_directory": f"{self._folder}/spilled"}
        self._connection = duckdb.connect(
            ":memory:", config=options if threads is None else {**options, "threads": threads}
        )
        self._connection.execute("SET TimeZone = 'UTC'")

    def close(self) -> None:
        """Remove what was spilled."""
        self._connection.close()
        self._remove()

    def __enter__(self) -> DuckDBEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def scan(self, rows: Rows, columns: Sequence[str], since_us: int | None, until_us: int | None) -> Stream:
        """See `Engine`. DuckDB reads Parquet; tables are taken as they come."""
        if not isinstance(rows, ParquetRows) or any(name not in rows.schema.names for name in columns):
            return scan_rows(rows, columns, since_us, until_us)
        schema = stream_schema([rows.schema.field(name).type for name in columns])
        return Stream(schema, self._scanned(rows, columns, since_us, until_us, schema))

    def _scanned(
        self, rows: ParquetRows, columns: Sequence[str], since_us: int | None, until_us: int | None, schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        import duckdb
        import pyarrow as pa

        wanted = pa.schema([rows.schema.field(name) for name in columns])
        where, bounds = _where(rows, since_us, until_us)
        for file in rows.files:
            stored = [name for name in columns if name not in file.partition]
            picked = ", ".join([*map(_quoted, stored), "file_row_number"])
            query = f"SELECT {picked} FROM read_parquet(?, file_row_number = true, hive_partitioning = false){where}"
            try:
                for batch in _batches(self._connection, query, [str(file.path), *bounds]):
                    place = np.asarray(batch.column(len(stored))) + file.first
                    values = shaped(pa.RecordBatch.from_arrays(batch.columns[:-1], names=stored), wanted, file)
                    yield pa.RecordBatch.from_arrays([*values.columns, pa.array(place)], schema=schema)
            except duckdb.Error as error:
                raise ConfigError(
                    f"{file.path} is not a whole Parquet file", why=str(error).splitlines()[0][:200],
                    fix="write it again",
                ) from error  # fmt: skip

    def partition_by(self, stream: Stream, keys: int, n: int) -> Partitions:
        """See `Engine`."""
        self._cuts += 1
        folder = Path(self._folder) / f"cut-{self._cuts}"
        return DuckDBPartitions(self._connection, stream, keys, n or self._partitions, folder)

    def map_partitions(self, function: PartitionFunction, *partitions: Partitions) -> list[pa.Table]:
        """See `Engine`. One after the other, so that one partition is in memory at a time."""
        cuts = [item for item in partitions if isinstance(item, DuckDBPartitions)]
        assert len(cuts) == len(partitions)
        tables = [function(*(item.open(i) for item in cuts)) for i in range(len(cuts[0]))]
        for item in cuts:
            item.close()
        return tables


class DuckDBPartitions:
    """Parquet files by partition, written and read by DuckDB."""

    def __init__(self, connection: Any, stream: Stream, keys: int, n: int, folder: Path) -> None:
        import pyarrow as pa

        self.schema = stream.schema
        self._connection, self._folder, self._n = connection, folder, n
        failed: list[Exception] = []
        schema = stream.schema.append(pa.field(ORDER, pa.int64())).append(pa.field(PART, pa.int64()))
        rows = pa.RecordBatchReader.from_batches(schema, _caught(_numbered(stream, keys, n, schema), failed))
        cursor = connection.cursor()
        cursor.register("rows", rows)
        copy = f"COPY (SELECT * FROM rows) TO '{_escaped(folder)}' (FORMAT parquet, PARTITION_BY ({PART}))"
        try:
            cursor.execute(copy)
        finally:
            cursor.close()
            if failed:
                # DuckDB would wrap it in an error of its own.
                raise failed[0]

    def __len__(self) -> int:
        return self._n

    def close(self) -> None:
        """Remove the files."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def open(self, index: int) -> Stream:
        """One partition in the order its rows came."""
        return Stream(self.schema, self._batches(index))

    def _batches(self, index: int) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        files = sorted(map(str, (self._folder / f"{PART}={index}").glob("*.parquet")))
        if not files:
            return
        query = f"SELECT * EXCLUDE ({ORDER}) FROM read_parquet(?, hive_partitioning = false) ORDER BY {ORDER}"
        for batch in _batches(self._connection, query, [files]):
            arrays = [as_type(array, field.type) for array, field in zip(batch.columns, self.schema, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=self.schema)


def _batches(connection: Any, query: str, arguments: list[Any]) -> Iterator[pa.RecordBatch]:
    """The result, as far as it is read."""
    cursor = connection.cursor()
    try:
        yield from cursor.sql(query, params=arguments).to_arrow_reader(BATCH_ROWS)
    finally:
        cursor.close()


def _numbered(stream: Stream, keys: int, n: int, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """With the order of the stream and the number of the partition."""
    import pyarrow as pa

    first = 0
    for batch in stream.batches:
        order = np.arange(first, first + batch.num_rows, dtype=np.int64)
        part = partition_numbers(batch.columns[:keys], batch.num_rows, n)
        yield pa.RecordBatch.from_arrays([*batch.columns, pa.array(order), pa.array(part)], schema=schema)
        first += batch.num_rows


def _caught(batches: Iterator[pa.RecordBatch], failed: list[Exception]) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except Exception as error:
        failed.append(error)
        raise


def _where(rows: ParquetRows, since_us: int | None, until_us: int | None) -> tuple[str, list[int]]:
    """A condition on the event time that DuckDB can hold against statistics; none for types it would convert."""
    import pyarrow as pa

    name = rows.source.timestamp_field
    kind = rows.schema.field(name).type
    if kind not in (pa.timestamp("us"), pa.timestamp("us", tz="UTC")):
        return "", []
    make = "make_timestamp" if kind.tz is None else "make_timestamptz"
    bounds = [(">=", since_us), ("<=", until_us)]
    given = [(sign, us) for sign, us in bounds if us is not None]
    tests = " AND ".join(f"{_quoted(name)} {sign} {make}(?::BIGINT)" for sign, _ in given)
    return (f" WHERE {tests}" if given else ""), [us for _, us in given]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")
