"""A training set of a million rows from a history of a hundred million, streamed: seconds and peak memory.

The history is written beforehand, piece by piece, and read by a process of its own, whose memory is what counts. Then a
training set of 200,000 rows from the sorted copy of a million rows of five features.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.report import Measured, conclude, smoke_wanted
from reference_platform.features.join.duckdb_engine import DuckDBEngine
from reference_platform.features.join.engine import Engine, ViewJoin, view_answers
from reference_platform.features.join.in_process import InProcessEngine
from reference_platform.features.join.scan import open_rows
from reference_platform.features.join.sorted_layout import answers_from_layout, compact, open_layout
from reference_platform.features.join.spec import JoinSpec, RowColumns
from reference_platform.features.sources import FileSource

PIECE_ROWS = 1_000_000
KEYS = 1_000_000
ROW_EVERY_US = 1_000_000
SORTED_KEYS = 100_000
ROUNDS = 7
LATE_MAX_US = 3_600_000_000
SOURCE = FileSource(path="rows.parquet", timestamp_field="at", created_timestamp_column="seen")
SPEC = JoinSpec(("key",), "event_timestamp", RowColumns(("key",), "at", "seen", None, ("x",)), ("x",), None)


class Size(NamedTuple):
    """How much to join, and what it may take."""

    rows: int
    labels: int
    most_s: float


FULL = Size(100_000_000, 1_000_000, 60.0)
SMOKE = Size(10_000_000, 1_000_000, 12.0)


def _instants(us: np.ndarray) -> pa.Array:
    return pa.array(us).cast(pa.timestamp("us", tz="UTC"))


def _write(folder: Path, size: Size) -> None:
    """Rows in the order of their events; each became known up to an hour later."""
    rng = np.random.default_rng(1)
    writer = None
    for first in range(0, size.rows, PIECE_ROWS):
        at = np.arange(first, first + PIECE_ROWS) * ROW_EVERY_US
        table = pa.table(
            {
                "key": rng.integers(0, KEYS, PIECE_ROWS),
                "at": _instants(at),
                "seen": _instants(at + rng.integers(0, LATE_MAX_US, PIECE_ROWS)),
                "x": rng.normal(size=PIECE_ROWS),
            }
        )
        writer = writer or pq.ParquetWriter(folder / SOURCE.path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def _peak_bytes() -> int:
    """Most memory this process ever held."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise SystemExit("this system does not say how much memory a process held")


def _measure(folder: Path, size: Size, engine: str) -> None:
    """In a process of its own: join once, and print what it took."""
    rng = np.random.default_rng(2)
    times = rng.integers(0, size.rows * ROW_EVERY_US, size.labels)
    labels = pa.table({"key": rng.integers(0, KEYS, size.labels), "event_timestamp": _instants(times)})
    used: Engine = (
        InProcessEngine(folder) if engine == "in-process" else DuckDBEngine(memory_limit="768MB", spill=folder)
    )
    begin = time.perf_counter()
    answers = view_answers(used, labels, ViewJoin(open_rows(SOURCE, folder), SPEC))
    seconds = time.perf_counter() - begin
    print(json.dumps({"seconds": seconds, "peak_bytes": _peak_bytes(), "found": int(answers.found.sum())}))


def _from_sorted(folder: Path) -> float:
    """Seconds of a join that searches the sorted copy; the median of some."""
    rng = np.random.default_rng(3)
    rows, labels, span_us = 1_000_000, 200_000, 10**12
    at = rng.integers(0, span_us, rows)
    names = tuple(f"x{index}" for index in range(5))
    times = {"at": _instants(at), "seen": _instants(at + rng.integers(0, LATE_MAX_US, rows))}
    columns = {name: rng.normal(size=rows) for name in names}
    pq.write_table(pa.table({"key": rng.integers(0, SORTED_KEYS, rows), **times, **columns}), folder / SOURCE.path)
    source = open_rows(SOURCE, folder)
    spec = replace(SPEC, rows=replace(SPEC.rows, features=names), outputs=names)
    compact(folder / "sorted", source, spec.rows, source.fingerprint(), total_rows=rows)
    layout = open_layout(folder / "sorted", source.fingerprint())
    asked = {
        "key": rng.integers(0, SORTED_KEYS, labels),
        "event_timestamp": _instants(rng.integers(0, span_us, labels)),
    }
    table, join = pa.table(asked), ViewJoin(source, spec)
    took = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        _, reason = answers_from_layout(layout, InProcessEngine(), table, join)
        took.append(time.perf_counter() - begin)
        assert not reason, reason
    return statistics.median(took)


def main() -> int:
    """Print seconds, rows per second and peak memory."""
    size = SMOKE if smoke_wanted() else FULL
    if "--child" in sys.argv:
        _measure(Path(sys.argv[2]), size, sys.argv[3])
        return 0
    figures = []
    with tempfile.TemporaryDirectory(prefix="pagerdrill-bench-") as name:
        _write(Path(name), size)
        for engine in ["in-process"] if smoke_wanted() else ["in-process", "duckdb"]:
            command = [sys.executable, "-m", "bench.bench_features_history", "--child", name, engine, *sys.argv[1:]]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            took = json.loads(done.stdout.splitlines()[-1])
            what = f"{size.labels:,} labels x {size.rows:,} rows, {engine}"
            print(f"{what}: {size.rows / took['seconds']:,.0f} rows/s, {took['found']:,} labels answered")
            bound_s = size.most_s * (1 if engine == "in-process" else 4)
            figures.append(Measured(what, took["seconds"], bound_s, "s"))
            figures.append(Measured(f"peak memory, {engine}", took["peak_bytes"] / 2**30, 2.0, "GiB"))
    with tempfile.TemporaryDirectory(prefix="pagerdrill-bench-") as name:
        figures.append(Measured("200,000 labels x 1,000,000 rows, sorted copy", _from_sorted(Path(name)), 0.1, "s"))
    return conclude(figures)


if __name__ == "__main__":
    sys.exit(main())
