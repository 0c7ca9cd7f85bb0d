"""Rows of a Parquet source, batch by batch, each with its place in the source.

Files count in the order of their paths. What lies outside the wanted times is skipped by the statistics of the row
groups, without being read; a batch may still hold rows outside, and positions are the same whatever was skipped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from reference_platform.errors import ConfigError, ContentError, nearest
from reference_platform.features.sources import FileSource

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 1 << 18
SUFFIXES = (".parquet", ".parq", ".pq")
READ_BYTES = 1 << 20
"""Column chunks are read in pieces of this size, so that one huge row group does not fill memory."""
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
_UNITS = {"milliseconds": (1000, 1), "microseconds": (1, 1), "nanoseconds": (1, 1000)}


@dataclass(frozen=True, slots=True)
class ScannedBatch:
    """`position`: row number, in the whole source, of the first row of `batch`; the others follow without a gap."""

    position: int
    batch: pa.RecordBatch


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows may be skipped: those with an event before `since_us` or after `until_us`, those known at or before
    `known_after_us` (known: the later of event and creation), and all before row number `position`."""

    since_us: int | None = None
    until_us: int | None = None
    known_after_us: int | None = None
    position: int = 0


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    first: int
    rows: int
    partition: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ParquetRows:
    """A source whose files were found and whose footers were read."""

    source: FileSource
    path: Path
    files: tuple[_File, ...]
    schema: pa.Schema
    """Of all files together, partition columns last, dictionaries decoded."""

    @property
    def rows(self) -> int:
        """Rows in all files."""
        return sum(file.rows for file in self.files)

    def fingerprint(self) -> str:
        """Changes whenever a file is added, removed, replaced or rewritten: over names, sizes, times and footers."""
        digest = hashlib.sha256()
        for file in self.files:
            with _readable(file.path):
                stat = file.path.stat()
                with file.path.open("rb") as stream:
                    stream.seek(max(0, stat.st_size - 8))
                    length = int.from_bytes(stream.read(8)[:4], "little")
                    stream.seek(max(0, stat.st_size - 8 - length))
                    digest.update(stream.read())
            digest.update(f"{file.path.name}:{file.first}:{stat.st_size}:{stat.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    def scan(
        self, columns: Sequence[str] | None = None, wanted: Wanted = Wanted(), batch_rows: int = BATCH_ROWS
    ) -> Iterator[ScannedBatch]:
        """Batches in the order of the source, of `columns` (all if None). Memory stays at a few batches.

        Raises ContentError for a column that is not there, ConfigError for a file that cannot be read.
        """
        schema = self._schema_of(columns)
        for file in self.files:
            if file.first + file.rows > wanted.position:
                yield from self._scan_file(file, schema, wanted, batch_rows)

    def _schema_of(self, columns: Sequence[str] | None) -> pa.Schema:
        import pyarrow as pa

        if columns is None:
            return self.schema
        for name in columns:
            if name not in self.schema.names:
                raise ContentError(
                    f'no column "{name}"', where=f"{self.source.name} ({self.path})",
                    fix=nearest(name, self.schema.names),
                )  # fmt: skip
        return pa.schema([self.schema.field(name) for name in dict.fromkeys(columns)])

    def _scan_file(self, file: _File, schema: pa.Schema, wanted: Wanted, batch_rows: int) -> Iterator[ScannedBatch]:
        import pyarrow.parquet as pq

        stored = [name for name in schema.names if name not in file.partition]
        with _readable(file.path), pq.ParquetFile(file.path, buffer_size=READ_BYTES, pre_buffer=False) as parquet:
            for groups, first in _runs(parquet, self.source, file, wanted):
                position = first
                for batch in parquet.iter_batches(batch_rows, row_groups=groups, columns=stored):
                    rows = batch.num_rows
                    if position + rows > wanted.position:
                        skipped = max(0, wanted.position - position)
                        yield ScannedBatch(position + skipped, shaped(batch.slice(skipped), schema, file))
                    position += rows


def scan_file(
    source: FileSource,
    root: Path,
    columns: Sequence[str] | None,
    *,
    since_us: int | None = None,
    until_us: int | None = None,
    batch_rows: int = BATCH_ROWS,
) -> Iterator[ScannedBatch]:
    """`columns` of `source`, whose path is relative to `root`; row groups without an event in the times are skipped."""
    return open_rows(source, root).scan(columns, Wanted(since_us, until_us), batch_rows)


def open_rows(source: FileSource, root: Path, declared: pa.Schema | None = None) -> ParquetRows:
    """The files of `source`. Raises ConfigError for what is missing or not Parquet, ContentError for columns of a type
    that cannot be what the source says they are, or that differ between files.

    `declared`: columns that take these types whatever the files say, and are null in files without them; files may
    then differ in their other columns as well.
    """
    path = root / source.path
    files, schemas, first = [], [], 0
    for part in _paths(path, source):
        rows, schema = _footer(part)
        files.append(_File(part, first, rows, _partition(part.relative_to(path).parts[:-1] if part != path else ())))
        schemas.append(schema)
        first += rows
    schema = _unified(files, schemas, source, declared)
    _check_types(schema, source, path)
    return ParquetRows(source, path, tuple(files), schema)


def _paths(path: Path, source: FileSource) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.exists():
        raise ConfigError(
            f"{path} does not exist", where=f"source {source.name}", fix="write the data first, or correct the path"
        )
    found = [
        part
        for part in path.rglob("*")
        if part.suffix in SUFFIXES
        and not any(name.startswith((".", "_")) for name in part.relative_to(path).parts)
        and part.is_file()
    ]
    if not found:
        raise ConfigError(
            f"{path} holds no Parquet file", where=f"source {source.name}",
            fix=f"name files *{SUFFIXES[0]}; names that begin with . or _ are left out",
        )  # fmt: skip
    return sorted(found, key=lambda part: part.relative_to(path).parts)


def _footer(path: Path) -> tuple[int, pa.Schema]:
    import pyarrow.parquet as pq

    with _readable(path), pq.ParquetFile(path) as parquet:
        return parquet.metadata.num_rows, parquet.schema_arrow.remove_metadata()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """One clear error for whatever keeps a file from being read."""
    import pyarrow as pa

    try:
        yield
    except PermissionError as error:
        raise ConfigError(f"{path} may not be read", fix="check its permissions") from error
    except (pa.ArrowException, OSError) as error:
        raise ConfigError(
            f"{path} is not a whole Parquet file", why=str(error).splitlines()[0][:200], fix="write it again"
        ) from error


def _partition(folders: Sequence[str]) -> dict[str, str | None]:
    pairs = (folder.partition("=") for folder in folders if "=" in folder)
    return {unquote(key): None if value == HIVE_NULL else unquote(value) for key, _, value in pairs}


def _unified(
    files: Sequence[_File], schemas: Sequence[pa.Schema], source: FileSource, declared: pa.Schema | None
) -> pa.Schema:
    """One schema for all files: the wider type where they differ."""
    import pyarrow as pa

    merged: dict[str, pa.DataType] = {} if declared is None else {item.name: item.type for item in declared}
    fixed = frozenset(merged)
    for file, schema in zip(files, schemas, strict=True):
        names = [name for name in schema.names if name not in file.partition]
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ContentError(f'column "{twice}" is there twice', where=str(file.path), fix="rename one")
        if declared is None and file is not files[0] and (gone := set(merged) ^ set(names)):
            raise ContentError(
                f'column "{min(gone)}" is not in every file', where=str(file.path),
                why=f"the files of {source.name} must have the same columns", fix="write the older files again",
            )  # fmt: skip
        for name in names:
            if name in fixed:
                continue
            kind = _plain(schema.field(name).type)
            merged[name] = kind if name not in merged else _wider(merged[name], kind, name, file.path)
    for name in files[0].partition:
        values = [file.partition.get(name) for file in files]
        whole = all(value is None or value.lstrip("-").isdecimal() for value in values)
        merged[name] = pa.int64() if whole else pa.string()
    return pa.schema(list(merged.items()))


def _plain(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _wider(left: pa.DataType, right: pa.DataType, name: str, path: Path) -> pa.DataType:
    import pyarrow as pa

    if left == right:
        return left
    try:
        pair = [pa.schema([("column", kind)]) for kind in (left, right)]
        return pa.unify_schemas(pair, promote_options="permissive").field(0).type
    except pa.ArrowException as error:
        raise ContentError(
            f'column "{name}" has type {right}, but {left} in the files before', where=str(path),
            fix="write all files with one type",
        ) from error  # fmt: skip


def _check_types(schema: pa.Schema, source: FileSource, path: Path) -> None:
    """The columns the source itself names. Raises ContentError."""
    import pyarrow.types as kinds

    where = f"{source.name} ({path})"
    for name in (source.timestamp_field, source.created_timestamp_column, source.sequence_column):
        if name and name not in schema.names:
            raise ContentError(f'no column "{name}"', where=where, fix=nearest(name, schema.names))
    for name in filter(None, (source.timestamp_field, source.created_timestamp_column)):
        kind = schema.field(name).type
        if not any(test(kind) for test in (kinds.is_timestamp, kinds.is_date, kinds.is_string, kinds.is_large_string)):
            raise ContentError(f'column "{name}" has type {kind}, not a time', where=where, fix="store timestamps")
    if source.sequence_column and not kinds.is_integer(schema.field(source.sequence_column).type):
        kind = schema.field(source.sequence_column).type
        raise ContentError(f'column "{source.sequence_column}" has type {kind}', where=where, fix="store integers")


def _runs(parquet: Any, source: FileSource, file: _File, wanted: Wanted) -> list[tuple[list[int], int]]:
    """Neighbouring row groups that may hold wanted rows, and the position of their first row."""
    runs: list[tuple[list[int], int]] = []
    position = file.first
    leaves = {parquet.schema.column(i).path: i for i in range(len(parquet.schema))}
    columns = tuple(
        _TimeLeaf.of(parquet, leaves.get(name)) for name in (source.timestamp_field, source.created_timestamp_column)
    )
    follows = False
    for group in range(parquet.num_row_groups):
        rows = parquet.metadata.row_group(group).num_rows
        kept = rows > 0 and position + rows > wanted.position and _may_hold(parquet, group, columns, source, wanted)
        if kept and follows:
            runs[-1][0].append(group)
        elif kept:
            runs.append(([group], position))
        follows = kept
        position += rows
    return runs


@dataclass(frozen=True, slots=True)
class _TimeLeaf:
    """A column of instants whose statistics can be read: one stored unit is `factor / divisor` microseconds."""

    index: int
    factor: int
    divisor: int

    @staticmethod
    def of(parquet: Any, index: int | None) -> _TimeLeaf | None:
        if index is None:
            return None
        column = parquet.schema.column(index)
        logical = json.loads(column.logical_type.to_json())
        unit = _UNITS.get(logical.get("timeUnit", ""))
        if logical.get("Type") != "Timestamp" or column.physical_type != "INT64" or unit is None:
            return None
        return _TimeLeaf(index, *unit)

    def range_us(self, parquet: Any, group: int) -> tuple[int, int] | None:
        """First and last instant of a row group, rounded outwards; None when the file does not say."""
        statistics = parquet.metadata.row_group(group).column(self.index).statistics
        if statistics is None or not statistics.has_min_max:
            return None
        low, high = statistics.min_raw, statistics.max_raw
        return low * self.factor // self.divisor, -(-high * self.factor // self.divisor)


def _may_hold(
    parquet: Any, group: int, columns: tuple[_TimeLeaf | None, ...], source: FileSource, wanted: Wanted
) -> bool:
    event, created = (None if leaf is None else leaf.range_us(parquet, group) for leaf in columns)
    if event is None:
        return True
    if wanted.since_us is not None and event[1] < wanted.since_us:
        return False
    if wanted.until_us is not None and event[0] > wanted.until_us:
        return False
    if wanted.known_after_us is None or event[1] > wanted.known_after_us:
        return True
    return bool(source.created_timestamp_column) and (created is None or created[1] > wanted.known_after_us)


def as_type(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """`array` as `kind`, down to the names of what lists hold. Raises pa.ArrowInvalid when a value does not fit."""
    return array if array.type.equals(kind, check_metadata=True) else array.cast(kind)


def shaped(batch: pa.RecordBatch, schema: pa.Schema, file: _File) -> pa.RecordBatch:
    """The columns of `schema`, in its order and types. Raises ContentError when a value does not fit."""
    import pyarrow as pa

    if batch.schema.equals(schema, check_metadata=True):
        return batch
    arrays = []
    for wanted in schema:
        if wanted.name in file.partition:
            value = file.partition[wanted.name]
            whole = int(value) if value is not None and pa.types.is_integer(wanted.type) else value
            arrays.append(pa.repeat(pa.scalar(whole, wanted.type), batch.num_rows))
            continue
        if wanted.name not in batch.schema.names:
            arrays.append(pa.nulls(batch.num_rows, wanted.type))
            continue
        array = batch.column(wanted.name)
        try:
            arrays.append(as_type(array, wanted.type))
        except pa.ArrowException as error:
            raise ContentError(
                f'column "{wanted.name}": {array.type} does not fit {wanted.type}', where=str(file.path),
                fix="write all files with one type",
            ) from error  # fmt: skip
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema([(item.name, item.type) for item in schema]))
