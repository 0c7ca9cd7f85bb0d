"""Ten million rows into the embedded online store: seconds and peak memory of a process that does nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.report import Measured, conclude, smoke_wanted
from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.materialization.materialization import Materialization
from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.sources import FileSource
from reference_platform.features.types import Float64, Int64

PIECE_ROWS = 500_000
ROW_EVERY_US = 100_000
LATE_MAX_US = 600_000_000
FEATURES = 5
VIEW = FeatureView(
    name="rides",
    entities=(Entity(name="driver", value_type=Int64),),
    schema=tuple(Field(name=f"x{index}", dtype=Float64) for index in range(FEATURES)),
    source=FileSource(path="rides.parquet", timestamp_field="at", created_timestamp_column="seen"),
)


class Size(NamedTuple):
    """How much to materialize, and what it may take."""

    rows: int
    keys: int
    most_s: float


FULL = Size(10_000_000, 1_000_000, 60.0)
SMOKE = Size(1_000_000, 100_000, 6.0)


def _write(folder: Path, size: Size) -> None:
    """Rows in the order of their events; each became known up to ten minutes later."""
    rng = np.random.default_rng(1)
    writer = None
    for first in range(0, size.rows, PIECE_ROWS):
        at = np.arange(first, first + PIECE_ROWS) * ROW_EVERY_US
        times = (at, at + rng.integers(0, LATE_MAX_US, PIECE_ROWS))
        at_column, seen = (pa.array(us).cast(pa.timestamp("us", tz="UTC")) for us in times)
        columns = {f"x{index}": rng.normal(size=PIECE_ROWS) for index in range(FEATURES)}
        driver = rng.integers(0, size.keys, PIECE_ROWS)
        table = pa.table({"driver": driver, "at": at_column, "seen": seen, **columns})
        writer = writer or pq.ParquetWriter(folder / "rides.parquet", table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def _peak_bytes() -> int:
    """Most memory this process ever held."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise SystemExit("this system does not say how much memory a process held")


def _measure(folder: Path, size: Size) -> None:
    """In a process of its own: materialize once, and print what it took."""
    store = EmbeddedOnlineStore(folder / "online.db")
    job = Materialization(store, folder / "progress", folder)
    begin = time.perf_counter()
    done = job.materialize_incremental(VIEW, size.rows * ROW_EVERY_US + LATE_MAX_US)
    seconds = time.perf_counter() - begin
    assert done.counts.taken == size.rows
    figures = {"seconds": seconds, "peak_bytes": _peak_bytes(), "written": done.counts.written}
    print(json.dumps({**figures, "keys": store.rows(VIEW.name)}))
    store.close()


def main() -> int:
    """Print seconds, rows per second and peak memory."""
    size = SMOKE if smoke_wanted() else FULL
    if "--child" in sys.argv:
        _measure(Path(sys.argv[2]), size)
        return 0
    with tempfile.TemporaryDirectory(prefix="pagerdrill-bench-") as name:
        _write(Path(name), size)
        command = [sys.executable, "-m", "bench.bench_features_materialize", "--child", name, *sys.argv[1:]]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    took = json.loads(done.stdout.splitlines()[-1])
    rate = size.rows / took["seconds"]
    print(f"{size.rows:,} rows of {took['keys']:,} keys: {rate:,.0f} rows/s, {took['written']:,} written")
    return conclude(
        [
            Measured(f"materialize {size.rows:,} rows", took["seconds"], size.most_s, "s"),
            Measured("peak memory", took["peak_bytes"] / 2**20, 512.0, "MiB"),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
