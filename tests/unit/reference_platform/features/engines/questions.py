"""Random questions for engines, and answers written from the rules alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from reference_platform.features.join.spec import JoinSpec, RowColumns
from reference_platform.features.sources import FileSource

LISTS = pa.list_(pa.field("element", pa.int64()))
"""As Parquet names what a list holds."""
KEYS = ("driver", "city")
SOURCE = FileSource(path="rows", timestamp_field="at", created_timestamp_column="seen")


def instants(us: Any) -> pa.Array:
    """Microseconds as UTC instants, None as missing."""
    return pa.array(us, pa.int64()).cast(pa.timestamp("us", tz="UTC"))


def spec_of(*, ttl_us: int | None = None, known: bool = True, sequence: str | None = None) -> JoinSpec:
    """Every feature of the rows, under names that try to clash."""
    columns = RowColumns(KEYS, "at", "seen", sequence, ("x", "text", "many", "position", "c0"))
    return JoinSpec(("driver_id", "city"), "event_timestamp", columns, ("x", "x_y", "many", "p", "at"), ttl_us, known)


def random_rows(rng: np.random.Generator, n: int, span: int = 60, drivers: int = 5) -> pa.Table:
    """Rows with ties, late arrivals, nulls and NaN."""
    at = rng.integers(0, span, n)
    seen = at + rng.integers(-3, span // 3 + 1, n)
    x = rng.normal(size=n).round(2)
    x[rng.random(n) < 0.1] = np.nan
    return pa.table(
        {
            "driver": _holed(rng, rng.integers(0, drivers, n), pa.int32()),
            "city": _holed(rng, rng.choice(["", "a", "b\u00e4", "ab"], n), pa.string()),
            "at": instants(at.tolist()),
            "seen": instants(_holed(rng, seen, pa.int64()).to_pylist()),
            "x": _holed(rng, x, pa.float64()),
            "text": _holed(rng, rng.choice(["p", "q", ""], n), pa.string()),
            "many": pa.array([None if v % 7 == 0 else list(range(v % 4)) for v in range(n)], LISTS),
            "position": _holed(rng, rng.integers(0, 9, n), pa.int64()),
            "c0": _holed(rng, rng.random(n) < 0.5, pa.bool_()),
            "number": _holed(rng, rng.integers(0, 3, n), pa.int64()),
        }
    )


def random_labels(rng: np.random.Generator, n: int, span: int = 60, drivers: int = 6) -> pa.Table:
    """Labels, some without key or time; drivers wider than the rows' own."""
    return pa.table(
        {
            "position": np.arange(n),
            "event_timestamp": instants(_holed(rng, rng.integers(-5, span + 5, n), pa.int64()).to_pylist()),
            "driver_id": _holed(rng, rng.integers(0, drivers, n), pa.int64()),
            "city": _holed(rng, rng.choice(["", "a", "b\u00e4", "zz"], n), pa.large_string()),
        }
    )


def _holed(rng: np.random.Generator, values: Any, kind: pa.DataType, share: float = 0.05) -> pa.Array:
    gone = rng.random(len(values)) < share
    return pa.array([None if hole else value for value, hole in zip(values.tolist(), gone, strict=True)], kind)


def write_folder(rows: pa.Table, root: Path, files: int, groups: int) -> None:
    """`rows` in their order as `files` Parquet files with `groups` rows per row group."""
    folder = root / SOURCE.path
    folder.mkdir()
    for index in range(files):
        first, last = rows.num_rows * index // files, rows.num_rows * (index + 1) // files
        pq.write_table(rows.slice(first, last - first), folder / f"{index:03}.parquet", row_group_size=groups)


@dataclass(frozen=True)
class Cut:
    """Rows as a history hands them over: tables and positions."""

    table: pa.Table
    rows: int

    def batches(self, *, since_us: int | None = None, until_us: int | None = None) -> Iterator[tuple[int, pa.Table]]:
        """Everything, whatever the times."""
        for first in range(0, self.table.num_rows, self.rows):
            yield first, self.table.slice(first, self.rows)


def oracle(labels: pa.Table, rows: pa.Table, spec: JoinSpec) -> list[tuple[Any, ...] | None]:
    """For each label the features of the row that answers, None where none does: every row is tried."""
    columns = spec.rows
    found: list[tuple[Any, ...] | None] = []
    candidates = rows.to_pylist()
    versions = [
        (_us(row[columns.event]), _us(row[columns.created or columns.event]),
         position if columns.sequence is None else _least(row[columns.sequence]), position)
        for position, row in enumerate(candidates)
    ]  # fmt: skip
    for label in labels.to_pylist():
        when = _us(label[spec.label_time])
        key = [label[name] for name in spec.label_keys]
        fits = [
            version
            for version, row in zip(versions, candidates, strict=True)
            if when is not None and version[0] is not None and None not in key
            and [row[name] for name in columns.keys] == key
            and version[0] <= when and (spec.ttl_us is None or version[0] >= when - spec.ttl_us)
            and (not spec.known_at_label or (version[1] is not None and version[1] <= when))
        ]  # fmt: skip
        best = max(fits, key=lambda version: (version[0], _least(version[1]), *version[2:]), default=None)
        found.append(None if best is None else tuple(candidates[best[3]][name] for name in columns.features))
    return found


def _us(value: Any) -> int | None:
    return None if value is None else round(value.timestamp() * 1_000_000)


def _least(value: int | None) -> int:
    return -(1 << 63) if value is None else value


def plain(table: pa.Table) -> list[tuple[Any, ...]]:
    """Rows as tuples; NaN as text, since it is no equal of itself."""
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return [tuple("nan" if value != value else value for value in row) for row in rows]


def content(table: pa.Table) -> bytes:
    """The bytes of a table: equal for equal schema, values, nulls and NaN payloads."""
    whole = table.take(pa.array(np.arange(table.num_rows))).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, whole.schema) as writer:
        for batch in whole.to_batches():
            writer.write_batch(batch)
    written: bytes = sink.getvalue().to_pybytes()
    return written
