"""On-demand features per row, and windows from tiles against a recount of the raw events."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np

from bench.report import Measured, conclude, smoke_wanted
from reference_platform.features.columns import Column
from reference_platform.features.definitions import Entity, Field
from reference_platform.features.on_demand import Mode, OnDemandFeatureView, RequestSource
from reference_platform.features.sources import KafkaSource
from reference_platform.features.stream_views import Aggregation, Function, StreamFeatureView
from reference_platform.features.transformations import run_on_demand
from reference_platform.features.types import Float64, Int64
from reference_platform.features.windows.aggregator import WindowAggregator

ROUNDS = 7
SLIDE_US = 300_000_000
TILES = 288
"""A day of five-minute slides."""
CARDS = 200
EVENTS_PER_SLIDE = 4000
FUNCTIONS: tuple[Function, ...] = ("sum", "count", "mean", "var", "min", "max", "last", "approx_distinct")


def _median_s(call: Callable[[], object], rounds: int) -> float:
    found = []
    for _ in range(rounds):
        begin = time.perf_counter()
        call()
        found.append(time.perf_counter() - begin)
    return statistics.median(found)


def _ratios(c: Any) -> Any:
    return {
        "ratio": c["amount"] / (c["mean"] + 1.0),
        "log": np.log1p(c["amount"]),
        "spread": np.sqrt(c["mean"] * c["mean"] + c["amount"]),
        "next": c["rides"] + 1,
    }


def _listed(c: Any) -> Any:
    return {
        "ratio": [a / (m + 1.0) for a, m in zip(c["amount"], c["mean"], strict=True)],
        "log": [a * 2.0 for a in c["amount"]],
        "spread": [m * m + a for a, m in zip(c["amount"], c["mean"], strict=True)],
        "next": [n + 1 for n in c["rides"]],
    }


def _on_demand(function: Callable[[Any], Any], mode: Mode) -> OnDemandFeatureView:
    floats = ("ratio", "log", "spread")
    request = RequestSource(
        name="request",
        schema=(*(Field(name=name, dtype=Float64) for name in ("amount", "mean")), Field(name="rides", dtype=Int64)),
    )
    schema = (*(Field(name=name, dtype=Float64) for name in floats), Field(name="next", dtype=Int64))
    return OnDemandFeatureView(name="v", sources=(request,), schema=schema, function=function, mode=mode)


def _per_row_us(view: OnDemandFeatureView, rows: int, rounds: int) -> float:
    stream = np.random.default_rng(1)
    columns = {
        "amount": Column(stream.random(rows) * 100),
        "mean": Column(stream.random(rows) * 100),
        "rides": Column(stream.integers(0, 50, rows)),
    }
    calls = max(1, 2000 // rows)

    def burst() -> None:
        for _ in range(calls):
            run_on_demand(view, columns, rows)

    burst()
    return _median_s(burst, rounds) / calls / rows * 1e6


def _window_view() -> StreamFeatureView:
    slide = timedelta(microseconds=SLIDE_US)
    whole = ("count", "approx_distinct")
    return StreamFeatureView(
        name="spend",
        entities=(Entity("card"),),
        source=KafkaSource(name="payments", timestamp_field="at"),
        aggregations=tuple(
            Aggregation(column="amount", function=f, time_window=slide * TILES, slide_interval=slide) for f in FUNCTIONS
        ),
        schema=tuple(
            Field(name=f"{f}_amount_{TILES * SLIDE_US // 1_000_000}s", dtype=Int64 if f in whole else Float64)
            for f in FUNCTIONS
        ),
        allowed_lateness=timedelta(minutes=10),
    )


def _recount(card: Any, at: Any, amount: Any, end_us: int) -> int:
    """The same features of every card, straight from the events of the window."""
    inside = (at >= end_us - TILES * SLIDE_US) & (at < end_us)
    order = np.lexsort((at[inside], card[inside]))
    card, amount = card[inside][order], amount[inside][order]
    starts = np.flatnonzero(np.append(True, card[1:] != card[:-1]))
    for part in np.split(amount, starts[1:]):
        _ = part.sum(), part.mean(), part.var(), part.min(), part.max(), part[-1], len(np.unique(part))
    return len(starts)


def _windows(slides: int) -> list[Measured]:
    stream = np.random.default_rng(2)
    job = WindowAggregator(_window_view())
    batches, ingest_s, advance_s = [], [], []
    for slide in range(slides):
        card = stream.integers(0, CARDS, EVENTS_PER_SLIDE)
        at = stream.integers(0, SLIDE_US, EVENTS_PER_SLIDE) + slide * SLIDE_US
        amount = np.round(stream.random(EVENTS_PER_SLIDE) * 20, 1)
        batches.append((card, at, amount))
        begin = time.perf_counter()
        job.ingest({"card": card, "at": at, "amount": amount}, (slide + 1) * SLIDE_US)
        middle = time.perf_counter()
        rows = len(job.advance((slide + 1) * SLIDE_US))
        ingest_s.append(middle - begin)
        advance_s.append(time.perf_counter() - middle)
    card, at, amount = (np.concatenate(column) for column in zip(*batches, strict=True))
    naive_s = _median_s(lambda: _recount(card, at, amount, slides * SLIDE_US), 3)
    window_s = statistics.median(advance_s[-5:])
    codes, ends = np.arange(CARDS), np.full(CARDS, slides)
    query_s = _median_s(lambda: job._plan.answer(job._tiles.runs, codes, ends), 5)
    size = sum(array.nbytes for array in job.state().values())
    print(f"windows: {slides * EVENTS_PER_SLIDE:,} events in {job.tiles:,} tiles of {CARDS} cards, {size / 1e6:.0f} MB")
    print(f"one advance publishes {rows} rows of {len(FUNCTIONS)} features: {window_s * 1e3:.0f} ms")
    print(f"recount of the raw events, once: {naive_s * 1e3:.0f} ms; one query of the tiles: {query_s * 1e3:.0f} ms")
    return [
        Measured("window query of all cards over a recount", query_s / naive_s, 0.5, "x"),
        Measured("ingest, per event", statistics.median(ingest_s) / EVENTS_PER_SLIDE * 1e6, 10.0, "us"),
    ]


def main() -> int:
    """Print the medians."""
    smoke = smoke_wanted()
    rounds = 3 if smoke else ROUNDS
    largest = 100_000 if smoke else 1_000_000
    numpy_view, python_view = _on_demand(_ratios, "numpy"), _on_demand(_listed, "python")
    figures = [
        Measured("on demand, numpy, 1 row, per row", _per_row_us(numpy_view, 1, rounds), 400.0, "us"),
        Measured("on demand, numpy, 100 rows, per row", _per_row_us(numpy_view, 100, rounds), 5.0, "us"),
        Measured(f"on demand, numpy, {largest:,} rows, per row", _per_row_us(numpy_view, largest, 3), 5.0, "us"),
        Measured("on demand, python, 1 row, per row", _per_row_us(python_view, 1, rounds), 400.0, "us"),
        Measured("on demand, python, 100 rows, per row", _per_row_us(python_view, 100, rounds), 10.0, "us"),
    ]
    return conclude(figures + _windows(60 if smoke else TILES))


if __name__ == "__main__":
    sys.exit(main())
