"""Log lines of the platform's services, written from what happened to them since they last wrote."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from reference_platform.roles import GATEWAY, STORE
from reference_platform.serving import records as rec
from reference_platform.serving.connections import ConnectionPool
from reference_platform.serving.served_log import Phase, Totals, Trouble
from reference_platform.spec import PlatformSpec
from simulator.cluster.cluster import Cluster
from simulator.traffic.plane import UNUSED, DataPlane, ServerUse

LINES_MAX = 4_000
POOL_FULL_RATIO = 0.9
"""The store warns from this use of its connections on."""
SLOW_SYNC_S = 0.02
SYNC_LOG_EVERY_S = 300.0

GATEWAY_LINES = (
    ((rec.DEADLINE_PASSED,), "504 UT upstream request timeout"),
    ((rec.NO_REPLICA,), "503 UH no healthy upstream"),
    ((rec.OVERLOADED, rec.ATTEMPTS_FULL), "503 UO upstream overflow"),
    ((rec.QUEUE_FULL, rec.STORE_TIMEOUT), "503 - via_upstream"),
    ((rec.REPLICA_LOST,), "503 UC upstream connection termination"),
    ((rec.CIRCUIT_OPEN,), "503 UO circuit breaker open"),
    ((rec.BATCH_FAILED,), "500 - via_upstream"),
)
"""Causes and how the gateway's access log words them. Source: Envoy documentation, "Access logging", response flags."""
NO_CONNECTION = "feature read failed: no connection to online-store:6379 in time"
OUT_OF_MEMORY = "torch.OutOfMemoryError: CUDA out of memory in forward pass, batch failed"
PHASES = {
    Phase.STORE_WAIT: "get_features",
    Phase.FEATURE_READ: "get_features",
    Phase.BATCH_QUEUE: "batch queue",
    Phase.COMPUTE: "forward",
}

Level = Literal["INFO", "WARN", "ERROR"]


@dataclass(frozen=True, slots=True)
class Line:
    t_s: float
    source: str
    level: Level
    text: str


class LogBook:
    """The last LINES_MAX lines of all services, in order."""

    def __init__(self) -> None:
        self.lines: deque[Line] = deque(maxlen=LINES_MAX)

    def add(self, t_s: float, source: str, level: Level, text: str) -> None:
        self.lines.append(Line(t_s, source, level, text))


class ServiceLogs:
    """At every scrape, one line per service and kind of trouble, with its count."""

    def __init__(
        self, book: LogBook, spec: PlatformSpec, plane: DataPlane, cluster: Cluster, pool: ConnectionPool
    ) -> None:
        self._book = book
        self._gateway_name, self._store_name = spec.name_of(GATEWAY), spec.name_of(STORE)
        self._plane = plane
        self._cluster = cluster
        self._pool = pool
        self._last = plane.totals.copy()
        self._last_use: dict[int, ServerUse] = {}
        self._last_held = 0
        self._last_store_s = 0.0
        self._sync_logged_s = -SYNC_LOG_EVERY_S

    def write(self, now_s: float) -> None:
        """Turn what the served log gained since the last call into lines."""
        grown = self._plane.totals.since(self._last)
        self._last = self._plane.totals.copy()
        failed = self._plane.take_troubles()
        for row, route in enumerate(self._plane.routes):
            self._gateway(now_s, row, route, grown)
        self._servers(now_s, failed)
        self._store(now_s)

    def _gateway(self, now_s: float, row: int, route: str, grown: Totals) -> None:
        """One line for each way in which the gateway answered with an error, as an access log words it."""
        served = grown.of_status(row, 200)
        for causes, text in GATEWAY_LINES:
            count = int(grown.causes[row, list(causes)].sum())
            if count:
                self._book.add(
                    now_s, self._gateway_name, "WARN", f'"POST /v1/{route}" {text} (x{count}, 200: x{served})'
                )

    def _servers(self, now_s: float, failed: Mapping[Trouble, int]) -> None:
        """What each replica says of its own attempts. The service's log has the line of all of them together."""
        pods = {
            self._plane.serial_of(pod.path_index): pod for pod in self._cluster.pods.values() if pod.path_index >= 0
        }
        said: Counter[tuple[int, Level, str]] = Counter()
        for trouble, count in failed.items():
            line = _of_server(trouble)
            if line is not None:
                said[trouble.replica, *line] += count
        use = {serial: self._plane.use_of(pod.path_index) for serial, pod in pods.items()}
        for serial, now in use.items():
            before = self._last_use.get(serial, UNUSED)
            said[serial, "ERROR", NO_CONNECTION] = now.store_timeouts - before.store_timeouts
            said[serial, "ERROR", OUT_OF_MEMORY] = now.failed_items - before.failed_items
        self._last_use = use
        together: Counter[tuple[str, Level, str]] = Counter()
        # In an order that does not depend on how the time since the last call was cut.
        for (serial, level, text), count in sorted(said.items()):
            if count and serial in pods:
                pods[serial].logs.append((now_s, level, f"{text} (x{count})"))
                together[pods[serial].deployment, level, text] += count
        for (deployment, level, text), count in together.items():
            if text != OUT_OF_MEMORY:
                self._book.add(now_s, deployment, level, f"{text} (x{count})")

    def _store(self, now_s: float) -> None:
        held = sum(self._pool.held().values())
        if held and held >= POOL_FULL_RATIO * self._pool.connections_max and held != self._last_held:
            shares = ", ".join(f"{name}={count}" for name, count in self._pool.held().items())
            limit = self._pool.connections_max
            text = f"max number of clients nearly reached: {held}/{limit} in use besides model servers ({shares})"
            self._book.add(now_s, self._store_name, "WARN", text)
        self._last_held = held
        for name, count in self._pool.held().items():
            if count and self._last_store_s < self._pool.reopened_s(name) <= now_s:
                text = f"{name} reconnected and opened the cursors of its unfinished work again: {count}"
                self._book.add(now_s, self._store_name, "WARN", text)
        self._last_store_s = now_s
        sync_s = self._pool.sync_s()
        if sync_s >= SLOW_SYNC_S and now_s >= self._sync_logged_s + SYNC_LOG_EVERY_S:
            self._sync_logged_s = now_s
            text = f"AOF fsync takes {sync_s * 1000:.0f} ms on average (disk is busy?) and every command waits for it"
            self._book.add(now_s, self._store_name, "WARN", text)


def _of_server(trouble: Trouble) -> tuple[Level, str] | None:
    """What a model server logs about an attempt that it could not answer; None when it never saw it."""
    if trouble.cause == rec.QUEUE_FULL:
        return "WARN", "batch queue is full, request refused"
    if trouble.cause == rec.DEADLINE_PASSED:
        return "WARN", f"request finished after its deadline, slowest phase: {PHASES[trouble.slowest]}"
    return None
