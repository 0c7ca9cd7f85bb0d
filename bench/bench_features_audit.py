"""The vector log and its replay audit: what logging costs the thread that reads, and how long an audit takes.

Processor time of the reading thread; the files are written by the log's own. The audit is 100,000 vectors.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.report import Measured, conclude, smoke_wanted
from reference_platform.features.columns import Column, FeatureBlock
from reference_platform.features.definition_set import DefinitionSet
from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.history import row_columns
from reference_platform.features.join.spec import RowColumns
from reference_platform.features.online_store.compiler import compile_plan
from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.services import FeatureService
from reference_platform.features.skew.audit import audit
from reference_platform.features.skew.audit_report import AuditReport
from reference_platform.features.skew.vector_log import VectorLog
from reference_platform.features.skew.vector_shape import VectorShape
from reference_platform.features.sources import PushSource
from reference_platform.features.types import Bool, Float32, Float64, Int64, String

VIEWS = 4
KEYS = 20_000
ROWS_PER_KEY = 10
VECTORS = 100_000
SPAN_US = 86_400_000_000
TYPES = (Float32, Int64, Float64, String, Bool)
USER = Entity("user", ("user_id",))


def views() -> list[FeatureView]:
    """Four views of five features each."""
    return [
        FeatureView(
            name=f"view_{number}",
            source=PushSource(name=f"source_{number}"),
            entities=(USER,),
            schema=tuple(Field(name=f"f{number}_{kind.name}", dtype=kind) for kind in TYPES),
        )
        for number in range(VIEWS)
    ]


class Past:
    """History of one view in memory: every key is written at regular distances."""

    def __init__(self, view: FeatureView, seed: int) -> None:
        import pyarrow as pa

        random = np.random.default_rng(seed)
        count = KEYS * ROWS_PER_KEY
        self.view = view
        self.key = np.tile(np.arange(KEYS), ROWS_PER_KEY)
        self.event_us = np.repeat(np.arange(ROWS_PER_KEY), KEYS) * (SPAN_US // ROWS_PER_KEY) + self.key
        self.values = (
            random.random(count, dtype=np.float32),
            random.integers(0, 1000, count),
            random.random(count),
            np.array([f"town {number}" for number in range(100)], dtype=object)[random.integers(0, 100, count)],
            random.random(count) < 0.5,
        )
        time_type = pa.timestamp("us", tz="UTC")
        event = pa.array(self.event_us).cast(time_type)
        arrays = [pa.array(self.key), event, event, pa.array(np.arange(count))]
        arrays += [pa.array(each, kind.arrow_type()) for each, kind in zip(self.values, TYPES, strict=True)]
        columns = self.columns
        names = [*columns.keys, columns.event, str(columns.created), str(columns.sequence), *columns.features]
        self.table = pa.Table.from_arrays(arrays, names=names)

    @property
    def columns(self) -> RowColumns:
        return row_columns(self.view)

    def batches(self, *, since_us: int | None = None, until_us: int | None = None) -> Iterator[tuple[int, object]]:
        """All rows, whatever the times."""
        del since_us, until_us
        yield 0, self.table


def logged(log: VectorLog, shape: VectorShape, pasts: list[Past], vectors: int, stale_ratio: float) -> float:
    """Serve and log `vectors` single reads, some one row behind; microseconds of processor time per read."""
    random = np.random.default_rng(7)
    keys = random.integers(0, KEYS, vectors).tolist()
    reads_us = np.sort(random.integers(SPAN_US // 2, SPAN_US, vectors)).tolist()
    behind = (random.random(vectors) < stale_ratio).tolist()
    answers = []
    for key, read_us, stale in zip(keys, reads_us, behind, strict=True):
        place = (read_us - key) // (SPAN_US // ROWS_PER_KEY) - stale
        row = min(place, ROWS_PER_KEY - 1) * KEYS + key
        values = [[column[row].item() if column.dtype != object else column[row]] for p in pasts for column in p.values]
        answers.append((read_us, [[key]], values, [[int(p.event_us[row])] for p in pasts]))
    statuses = [[1]] * (VIEWS * len(TYPES))
    begin = time.thread_time()
    for read_us, asked, values, events in answers:
        log.append(shape, read_us, asked, [], values, statuses, events)
    log.flush()
    return (time.thread_time() - begin) / vectors * 1e6


def response_us(log: VectorLog, pasts: list[Past], reads: int) -> float:
    """The same for whole responses of one row, as the store logs them."""
    store = EmbeddedOnlineStore(None)
    store.declare([past.view for past in pasts])
    first = np.arange(KEYS)
    for past in pasts:
        columns = tuple(Column(np.asarray(values)[:KEYS]) for values in past.values)
        store.write(past.view, FeatureBlock((first,), past.event_us[:KEYS], past.event_us[:KEYS], first, columns))
    plan = compile_plan([past.view[past.view.feature_names] for past in pasts])
    shape = VectorShape.of_plan(plan, service="responses")
    responses = [plan.read(store, {"user_id": [key % KEYS]}, SPAN_US) for key in range(reads)]
    begin = time.thread_time()
    for response in responses:
        log.append_response(shape, response, SPAN_US)
    log.flush()
    return (time.thread_time() - begin) / reads * 1e6


def timed_audit(log: VectorLog, pasts: list[Past]) -> tuple[float, AuditReport]:
    """Seconds, and what was found."""
    by_name = {past.view.name: past for past in pasts}
    definitions = DefinitionSet.of([FeatureService("bench", tuple(past.view for past in pasts), logging=True)])
    begin = time.perf_counter()
    report = audit(log, lambda view: by_name[view.name], definitions)  # type: ignore[arg-type, return-value]
    return time.perf_counter() - begin, report


def main() -> int:
    """Print what logging and auditing cost."""
    vectors = VECTORS // 10 if smoke_wanted() else VECTORS
    # Ten millionths of a second are the machine's as much as ours: a smoke run prints them, a full one holds to them.
    log_most_us = math.inf if smoke_wanted() else 10.0
    pasts = [Past(view, number) for number, view in enumerate(views())]
    shape = VectorShape.of(tuple(past.view[past.view.feature_names] for past in pasts), service="bench")
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for name, stale_ratio in (("clean", 0.0), ("a fifth stale", 0.2), ("all stale", 1.0)):
            log = VectorLog(Path(folder) / name.replace(" ", "-"), in_background=True)
            append_us = logged(log, shape, pasts, vectors, stale_ratio)
            audit_s, report = timed_audit(log, pasts)
            log.close()
            assert report.unexplained == 0
            assert (report.differences > 0) == (stale_ratio > 0)
            print(f"{name}: {report.vectors:,} vectors, {report.cells:,} values, {report.differences:,} differences")
            figures.append(Measured(f"log one read of 20 features, amortised ({name})", append_us, log_most_us, "us"))
            figures.append(Measured(f"audit {vectors:,} vectors ({name})", audit_s, 10.0, "s"))
        log = VectorLog(Path(folder) / "responses", in_background=True)
        figures.append(
            Measured("log one response of 20 features, amortised", response_us(log, pasts, 20_000), log_most_us, "us")
        )
        log.close()
    return conclude(figures)


if __name__ == "__main__":
    sys.exit(main())
