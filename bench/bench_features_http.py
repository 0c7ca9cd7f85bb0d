"""Online features over HTTP on the loopback interface: server and load in processes of their own, connections kept.

Beside it, where `make peers` was run, `feast serve` on SQLite with the same features and the same load.
"""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.http_load import Latency, Line, processor_s, requests_for, resident_mib
from bench.report import Measured, conclude, smoke_wanted

KEYS, VIEWS, FEATURES = 1_000, 5, 10
NAMES = [f"view{view}:f{view}_{index}" for view in range(VIEWS) for index in range(FEATURES)]
SMALL, LARGE = (1, 10), (100, 50)
ROUNDS, SMALL_CALLS, LARGE_CALLS, FEAST_CALLS = 5, 3_000, 1_000, 300
GROWTH_CALLS, PACED_S, RATE_PER_S = 200_000, 10.0, 200.0
WARM_UP = 300
ECHO_WORK_S = 0.00025
START_MAX_S = 60.0
P99_SMALL_MS, P99_LARGE_MS, P99_PACED_MS = 2.0, 5.0, 5.0
GROWTH_RATIO, GROWTH_MIB = 1.15, 1.0


def _serve(folder: Path) -> None:
    """The server's process: prints its address and serves until ended."""
    import numpy as np

    from reference_platform.features.definitions import Entity, FeatureView, Field
    from reference_platform.features.sources import PushSource
    from reference_platform.features.types import Float64
    from reference_platform.live.opening import open_store
    from reference_platform.live.serve import serve

    driver = Entity(name="driver", join_keys=("driver_id",))
    views = [
        FeatureView(
            name=f"view{view}",
            entities=(driver,),
            ttl=timedelta(days=1),
            schema=tuple(Field(name=f"f{view}_{index}", dtype=Float64) for index in range(FEATURES)),
            source=PushSource(name=f"push{view}"),
        )
        for view in range(VIEWS)
    ]
    rng = np.random.default_rng(0)
    now = datetime.now(UTC)
    store = open_store(folder)
    store.apply(views)
    for view in views:
        # Every row has an event time of its own, to the microsecond.
        times = [now - timedelta(microseconds=int(age)) for age in rng.integers(0, 10**9, KEYS)]
        values = {name: rng.normal(size=KEYS) for name in view.feature_names}
        store.write_to_online_store(view.name, {"driver_id": np.arange(KEYS), "event_timestamp": times, **values})
    serve(store, port=0, ready=lambda address: print(address, flush=True))


@contextmanager
def _ours(folder: Path) -> Iterator[tuple[str, int]]:
    """Address and process of our server."""
    command = [sys.executable, "-m", "bench.bench_features_http", "--serve", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process.pid
        finally:
            process.terminate()


def _measured(line: Line, shape: tuple[int, int], calls: int, rounds: int) -> Latency:
    """Medians of the rounds' percentiles."""
    entities, features = shape
    requests = requests_for(NAMES[:features], entities, keys=KEYS)
    line.one_after_the_other(requests, min(WARM_UP, calls))
    found = [Latency.of(line.one_after_the_other(requests, calls)) for _ in range(rounds)]
    return Latency(*(statistics.median(values) for values in zip(*map(_figures, found), strict=True)))


def _figures(latency: Latency) -> tuple[float, float, float]:
    return latency.p50_ms, latency.p99_ms, latency.p999_ms


def _show(who: str, shape: tuple[int, int], latency: Latency) -> None:
    what = f"{who}: {shape[0]} x {shape[1]}"
    print(f"{what:<40} p50 {latency.p50_ms:7.2f} ms  p99 {latency.p99_ms:7.2f} ms  p99.9 {latency.p999_ms:7.2f} ms")


def _with_processor_time(line: Line, pid: int, shape: tuple[int, int], calls: int, rounds: int) -> Latency:
    """As `_measured`; also shows what the server's processor did, which a busy machine does not change."""
    before = processor_s(pid)
    found = _measured(line, shape, calls, rounds)
    used_ms = (processor_s(pid) - before) * 1e3 / (calls * rounds + min(WARM_UP, calls))
    _show("ours, SQLite", shape, found)
    print(f"{'':<40} processor time of the server {used_ms:.2f} ms a request")
    return found


def _echo() -> None:
    """A process that answers after as much work as a small read takes: what the machine itself adds just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while connection.recv(4096):
            done = time.perf_counter() + ECHO_WORK_S
            while time.perf_counter() < done:
                pass
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


def _floor(calls: int, rounds: int) -> None:
    command = [sys.executable, "-m", "bench.bench_features_http", "--echo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = Line(process.stdout.readline().strip())
        _show("an echo that works 0.25 ms", SMALL, _measured(line, SMALL, calls, rounds))
        line.close()


def _growth(line: Line, pid: int, calls: int) -> list[Measured]:
    """What the last tenth of many calls takes, beside the second; and memory kept by all but the first."""
    requests = requests_for(NAMES[:FEATURES], 1, keys=KEYS, seed=2)
    medians, held = [], []
    for _ in range(10):
        medians.append(Latency.of(line.one_after_the_other(requests, calls // 10)).p50_ms)
        held.append(resident_mib(pid))
    print(f"p50 by tenths of {calls:,} calls, ms: {' '.join(f'{value:.3f}' for value in medians)}")
    first, last = statistics.median(medians[:3]), statistics.median(medians[-3:])
    return [
        Measured(f"p50 of the last of {calls:,} calls beside the first", last / first, GROWTH_RATIO, "x"),
        Measured("memory kept meanwhile", held[-1] - held[0], GROWTH_MIB, "MiB"),
    ]


def _beside_feast(folder: Path, rounds: int) -> None:
    from tests.compat.peers import PYTHON, REASON, feast_is_here, serving_process

    if not feast_is_here():
        print(f"beside feast serve: not measured, {REASON}")
        return
    script = Path(__file__).with_name("feast_http_server.py")
    command = [str(PYTHON), str(script), str(folder), "{port}", str(VIEWS), str(FEATURES), str(KEYS)]
    with serving_process(command, folder / "serve.log") as url:
        line = Line(url)
        for shape in (SMALL, LARGE):
            _show("feast serve, SQLite", shape, _measured(line, shape, FEAST_CALLS, rounds))
        line.close()


def main() -> int:
    """Measure; 1 when a bound was not kept."""
    if "--serve" in sys.argv:
        _serve(Path(sys.argv[-1]))
        return 0
    if "--echo" in sys.argv:
        _echo()
        return 0
    smoke = smoke_wanted()
    rounds = 2 if smoke else ROUNDS
    with tempfile.TemporaryDirectory() as folder, _ours(Path(folder)) as (url, pid):
        line = Line(url)
        small, large = (
            _with_processor_time(line, pid, shape, calls // (3 if smoke else 1), rounds)
            for shape, calls in ((SMALL, SMALL_CALLS), (LARGE, LARGE_CALLS))
        )
        _floor(SMALL_CALLS // (3 if smoke else 1), rounds)
        paced_s = 2.0 if smoke else PACED_S
        requests = requests_for(NAMES[:FEATURES], 1, keys=KEYS)
        paced = Latency.of(line.on_schedule(requests, round(paced_s * RATE_PER_S), RATE_PER_S))
        _show(f"ours, {RATE_PER_S:g} a second on schedule", SMALL, paced)
        figures = _growth(line, pid, 10_000 if smoke else GROWTH_CALLS)
        line.close()
    with tempfile.TemporaryDirectory() as folder:
        _beside_feast(Path(folder), 1 if smoke else 3)
    return conclude(
        [
            Measured("1 entity x 10 features: p99", small.p99_ms, P99_SMALL_MS, "ms"),
            Measured("100 entities x 50 features: p99", large.p99_ms, P99_LARGE_MS, "ms"),
            Measured(f"1 x 10 at {RATE_PER_S:g} a second, from when due: p99", paced.p99_ms, P99_PACED_MS, "ms"),
            *figures,
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
