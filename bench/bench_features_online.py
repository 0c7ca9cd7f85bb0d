"""Online reads in memory, in a file and in Redis; beside a bare GET, and beside Feast on the same Redis and on SQLite.

Rounds take turns on one machine. Feast runs in the virtual environment that `make peers` prepares; without it, or
without redis-server, those lines are left out. `--json`: one object per line.
"""

from __future__ import annotations

import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from bench.features_online_feast import ENTITIES, FEATURES, asked, rows
from bench.features_rows import Row, json_wanted, median_s, show_rows, skipped
from bench.report import Measured, conclude, smoke_wanted
from reference_platform.features.columns import Column, FeatureBlock
from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.online_store.codec import key_bytes
from reference_platform.features.online_store.compiler import compile_plan
from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.online_store.port import OnlineStore
from reference_platform.features.online_store.redis import RedisOnlineStore
from reference_platform.features.sources import PushSource
from reference_platform.features.types import Float32

ROOT = Path(__file__).parent.parent
PEERS_PYTHON = ROOT / ".make" / "peers" / "bin" / "python"
NOW_US = 1_780_000_000_000_000
SMOKE = smoke_wanted()
ROUNDS = 3 if SMOKE else 7
DRIFT_CALLS = 40_000 if SMOKE else 200_000
PER = 1000
"""Reads per line of the table, so that milliseconds there are microseconds per read."""


def _view(features: int) -> FeatureView:
    return FeatureView(
        name="v",
        entities=(Entity("entity"),),
        schema=tuple(Field(name=f"f{number}", dtype=Float32) for number in range(features)),
        source=PushSource(name="pushed"),
        ttl=timedelta(days=1),
    )


def _fill(store: OnlineStore, view: FeatureView, entities: int) -> float:
    """Write every entity once; rows per second."""
    matrix = rows(entities, view.width)
    times = np.full(entities, NOW_US)
    columns = tuple(Column(np.ascontiguousarray(matrix[:, number])) for number in range(view.width))
    store.declare([view])
    begin = time.perf_counter()
    store.write(view, FeatureBlock((np.arange(entities),), times, times, np.zeros(entities, np.int64), columns))
    return entities / (time.perf_counter() - begin)


def _latencies(
    call: Callable[[list[int]], object], ids: list[list[int]], clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    taken = []
    for each in ids:
        begin = clock()
        call(each)
        taken.append(clock() - begin)
    return taken


def _percentile_us(rounds: list[list[float]], percent: int) -> float:
    """Median over sorted rounds."""
    return statistics.median(each[len(each) * percent // 100] for each in rounds) * 1e6


def _reader(store: OnlineStore, view: FeatureView, to_dict: bool) -> Callable[[list[int]], object]:
    plan = compile_plan([view[list(view.feature_names)]])
    if to_dict:
        return lambda ids: plan.read(store, {"entity": ids}, NOW_US).to_dict()
    return lambda ids: plan.read(store, {"entity": ids}, NOW_US)


def _in_process(store: OnlineStore, where: str, bounds_us: tuple[float, float]) -> list[Measured]:
    """1 and 100 entities x 50 features, through `read` and through `to_dict`.

    The tail is promised in processor time, which is what passes on a core of one's own; on a shared one the clock's
    tail is mostly the time slices of others.
    """
    view = _view(50)
    _fill(store, view, ENTITIES)
    figures = []
    for entities, bound_us in zip((1, 100), bounds_us, strict=True):
        ids = asked(entities, 2000 if entities == 1 else 500, ENTITIES)
        for name, to_dict in (("read", False), ("read + to_dict", True)):
            call = _reader(store, view, to_dict)
            _latencies(call, ids)
            passed = [sorted(_latencies(call, ids)) for _ in range(ROUNDS)]
            own = [sorted(_latencies(call, ids, time.thread_time)) for _ in range(ROUNDS)]
            what = f"{where}, {entities} x 50, {name}"
            figures += [
                Measured(f"{what}, p50", _percentile_us(passed, 50), bound_us, "us"),
                Measured(f"{what}, p99", _percentile_us(passed, 99), float("inf"), "us"),
                Measured(f"{what}, p99 of own time", _percentile_us(own, 99), bound_us, "us"),
            ]
    return figures


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


def _drift() -> list[Measured]:
    """Whether the last tenth of many calls is slower than the first, and what they leave in memory."""
    store, view = EmbeddedOnlineStore(None), _view(50)
    _fill(store, view, ENTITIES)
    call = _reader(store, view, True)
    ids = asked(1, DRIFT_CALLS // 10, ENTITIES)
    _latencies(call, ids)
    before = _resident_mib()
    medians = [statistics.median(_latencies(call, ids)) for _ in range(10)]
    growth = _resident_mib() - before
    return [
        Measured(f"{DRIFT_CALLS:,} calls, p50 of the last tenth to the first", medians[-1] / medians[0], 1.1, "x"),
        Measured(f"{DRIFT_CALLS:,} calls, memory that stayed", max(growth, 0.0), 1.0, "MiB"),
    ]


def _writes(folder: Path) -> list[Measured]:
    """Time per million rows of 10 features into a new file."""
    count = 200_000
    rates = []
    for number in range(ROUNDS):
        store = EmbeddedOnlineStore(folder / f"writes{number}.db")
        rates.append(_fill(store, _view(10), count))
        store.close()
    return [Measured("file, a million rows of 10 features", 1e6 / statistics.median(rates), 4.0, "s")]


@contextmanager
def _redis(folder: Path) -> Iterator[int]:
    """Port of a redis-server of our own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        for line in server.stdout:
            if "ready to accept connections" in line.lower():
                break
        yield port
    finally:
        server.terminate()
        server.communicate()


def _beside_get(port: int) -> list[Measured]:
    """One entity of 20 features from Redis, beside a bare GET of the same bytes."""
    import redis

    view = _view(FEATURES)
    store = RedisOnlineStore(f"redis://127.0.0.1:{port}/0", "ours")
    print_rate = _fill(store, view, ENTITIES)
    bare = redis.Redis(port=port)
    prefix = store._stored["v"].prefix
    names = {key: prefix + (key_bytes(view, [[key]])[0] or b"") + b"}" for key in range(ENTITIES)}
    calls: dict[str, Callable[[list[int]], object]] = {
        "a bare GET": lambda each: bare.get(names[each[0]]),
        "read": _reader(store, view, False),
        "read + to_dict": _reader(store, view, True),
    }
    found: dict[str, list[float]] = {name: [] for name in calls}
    # Call by call in turn: what else the machine does then strikes all of them alike.
    for each in asked(1, 500 * ROUNDS, ENTITIES):
        for name, call in calls.items():
            found[name] += _latencies(call, [each])
    medians = {name: statistics.median(taken) * 1e6 for name, taken in found.items()}
    figures = [Measured(f"Redis, 1 x 20, {name}", value, 1000.0, "us") for name, value in medians.items()]
    ratio = medians["read"] / medians["a bare GET"]
    figures.append(Measured("Redis, 1 x 20, read, to a bare GET", ratio, 1.5, "x"))
    figures.append(Measured("Redis, a million rows of 20 features", 1e6 / print_rate, 60.0, "s"))
    store.close()
    bare.close()
    return figures


class _Feast:
    """Feast in a process of its own, asked for one round at a time."""

    def __init__(self, kind: str, folder: Path, port: int) -> None:
        folder.mkdir()
        script = str(ROOT / "bench" / "features_online_feast.py")
        self._child = subprocess.Popen(
            [str(PEERS_PYTHON), "-W", "ignore", script, kind, str(folder), str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if json_wanted() else subprocess.DEVNULL,
            text=True,
        )
        self.version = self._line()["ready"]

    def round(self, entities: int, reads: int) -> list[float]:
        """Latencies in seconds."""
        assert self._child.stdin is not None
        print(entities, reads, file=self._child.stdin, flush=True)
        taken: list[float] = self._line()
        return taken

    def close(self) -> None:
        """End it."""
        self._child.communicate()

    def _line(self) -> Any:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            if line.startswith(("{", "[")):
                return json.loads(line)
        raise SystemExit("Feast ended early")


def _beside_feast(kind: str, store: OnlineStore, folder: Path, port: int, times_min: float | None) -> list[Row]:
    """1 and 100 entities x 20 features, both sides as a dict."""
    view = _view(FEATURES)
    _fill(store, view, ENTITIES)
    call = _reader(store, view, True)
    feast = _Feast(kind, folder / f"feast-{kind}", port)
    table = []
    for entities, reads, promised in ((1, 100, None), (100, 40, times_min)):
        ids = asked(entities, 10 * reads, ENTITIES)
        _latencies(call, ids[:50])
        feast.round(entities, 20)
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(statistics.median(_latencies(call, ids)) * PER)
            theirs.append(statistics.median(feast.round(entities, reads)) * PER)
        work = f"{PER:,} reads of {entities} x {FEATURES}, {kind}"
        table.append(Row(work, median_s(ours), f"feast {feast.version}", median_s(theirs), times_min=promised))
    feast.close()
    return table


def _peers(folder: Path, port: int | None) -> list[Row]:
    if not PEERS_PYTHON.exists():
        skipped("feast", "no .make/peers; run `make peers`")
        return []
    table = []
    file = EmbeddedOnlineStore(folder / "beside.db")
    table += _beside_feast("sqlite", file, folder, 0, None)
    file.close()
    if port is not None:
        remote = RedisOnlineStore(f"redis://127.0.0.1:{port}/0", "peer")
        table += _beside_feast("redis", remote, folder, port, 15.0)
        remote.close()
    return table


def main() -> int:
    """Measure and print; 1 when a promise was broken."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = _in_process(EmbeddedOnlineStore(None), "memory", (50.0, 1000.0))
        file = EmbeddedOnlineStore(folder / "online.db")
        figures += _in_process(file, "file", (200.0, 2000.0))
        file.close()
        figures += _drift() + _writes(folder)
        if shutil.which("redis-server") is None:
            skipped("redis", "redis-server is not installed")
            table = _peers(folder, None)
        else:
            with _redis(folder) as port:
                figures += _beside_get(port)
                table = _peers(folder, port)
    if json_wanted():
        for each in figures:
            bound = None if each.bound == float("inf") else each.bound
            line = {"work": each.what, "value": round(each.value, 3), "unit": each.unit, "bound": bound}
            print(json.dumps(line | {"kept": each.kept}))
        fell_short = int(not all(each.kept for each in figures))
    else:
        fell_short = conclude(figures)
    return max(fell_short, show_rows(table))


if __name__ == "__main__":
    sys.exit(main())
