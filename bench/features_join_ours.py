"""One measurement of our join in a process of its own: `python -m bench.features_join_ours HOW FOLDER`.

All libraries are loaded before the clock starts, those that the first read of a file would load included. From Parquet
the first turn counts, as with the peers; in memory the median of several after one that touches the memory.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
import pyarrow.parquet as pq

from bench.features_join_data import DAY_US, FEATURES, LABELS_FILE, ROWS_FILE, SORTED_FILE
from reference_platform.features.join.engine import ViewJoin, view_answers
from reference_platform.features.join.in_process import InProcessEngine
from reference_platform.features.join.kernel import point_in_time_join
from reference_platform.features.join.scan import open_rows
from reference_platform.features.join.spec import JoinSpec, RowColumns
from reference_platform.features.sources import FileSource

COLUMNS = RowColumns(("entity",), "event_timestamp", "created", None, FEATURES)
ASKED = ["entity", "event_timestamp"]
TURNS = 5


def _spec(known_at_label: bool) -> JoinSpec:
    return JoinSpec(("entity",), "event_timestamp", COLUMNS, FEATURES, DAY_US, known_at_label)


def parquet(folder: Path, known_at_label: bool) -> pa.Table:
    """From two Parquet files to an Arrow table of answers, as the store does it."""
    labels = pq.read_table(folder / LABELS_FILE)
    source = FileSource(path=ROWS_FILE, created_timestamp_column="created")
    rows = open_rows(source, folder)
    return view_answers(InProcessEngine(), labels, ViewJoin(rows, _spec(known_at_label))).table


def main() -> None:
    """Print seconds and a checksum of the answers."""
    how, folder = sys.argv[1], Path(sys.argv[2])
    if how in ("parquet", "parquet-no-cutoff"):
        begin = time.perf_counter()
        answers = parquet(folder, how == "parquet")
        seconds = time.perf_counter() - begin
    else:
        rows = pq.read_table(folder / (SORTED_FILE if how == "sorted" else ROWS_FILE)).combine_chunks()
        labels = pq.read_table(folder / LABELS_FILE, columns=ASKED).combine_chunks()
        answers = point_in_time_join(labels, rows, _spec(True))
        turns = []
        for _ in range(TURNS):
            begin = time.perf_counter()
            point_in_time_join(labels, rows, _spec(True))
            turns.append(time.perf_counter() - begin)
        seconds = statistics.median(turns)
    found = answers.num_rows - answers["f0"].null_count
    print(json.dumps({"seconds": seconds, "found": found, "sum": pc.sum(answers["f0"]).as_py()}))


if __name__ == "__main__":
    main()
