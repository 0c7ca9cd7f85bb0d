"""Log lines of the platform's services, written from what happened to them since they last wrote."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

import numpy as np

from reference_platform.serving.connections import ConnectionPool
from simulator.cluster.cluster import Cluster
from simulator.traffic.layout import C_500, C_503, C_504, C_OK, C_POOL_TIMEOUTS, COUNTERS, PC_FAILED_ITEMS
from simulator.traffic.plane import DataPlane

LINES_MAX = 4_000
POOL_FULL_RATIO = 0.9
"""The store warns from this use of its connections on."""
SLOW_SYNC_S = 0.02
SYNC_LOG_EVERY_S = 300.0

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

    def __init__(self, book: LogBook, plane: DataPlane, cluster: Cluster, pool: ConnectionPool) -> None:
        self._book = book
        self._plane = plane
        self._cluster = cluster
        self._pool = pool
        self._last = plane.path.counters.copy()
        self._last_failed = plane.path.pod_counters[:, PC_FAILED_ITEMS].copy()
        self._last_held = 0
        self._last_store_s = 0.0
        self._sync_logged_s = -SYNC_LOG_EVERY_S

    def write(self, now_s: float) -> None:
        """Turn the counters' growth into lines."""
        counters = self._plane.path.counters
        for row, route in enumerate(self._plane.routes):
            self._route(now_s, route, counters[row] - self._last[row])
        self._last = counters.copy()
        self._gpu(now_s)
        self._store(now_s)

    def _route(self, now_s: float, route: str, delta: np.ndarray) -> None:
        assert delta.shape == (COUNTERS,)
        if delta[C_504]:
            text = f'"POST /v1/{route}" 504 UT upstream request timeout (x{delta[C_504]}, 200: x{delta[C_OK]})'
            self._book.add(now_s, "gateway", "WARN", text)
        if delta[C_503]:
            self._book.add(
                now_s, "gateway", "WARN", f'"POST /v1/{route}" 503 UH no healthy upstream or rejected (x{delta[C_503]})'
            )
        if delta[C_500]:
            self._book.add(now_s, "gateway", "WARN", f'"POST /v1/{route}" 500 (x{delta[C_500]})')
        if delta[C_POOL_TIMEOUTS]:
            text = f"feature read failed: no connection to online-store:6379 in time (x{delta[C_POOL_TIMEOUTS]})"
            self._pod_line(now_s, route, "ERROR", text)
        elif delta[C_504]:
            text = f"request finished after its deadline, slowest phase: get_features (x{delta[C_504]})"
            if self._plane.path.scalars[3] == 0:
                text = f"request finished after its deadline, slowest phase: batch queue (x{delta[C_504]})"
            self._pod_line(now_s, route, "WARN", text)

    def _gpu(self, now_s: float) -> None:
        failed = self._plane.path.pod_counters[:, PC_FAILED_ITEMS]
        grown = failed - self._last_failed
        for pod in self._cluster.pods.values():
            if pod.path_index >= 0 and grown[pod.path_index] > 0:
                count = grown[pod.path_index]
                text = f"torch.OutOfMemoryError: CUDA out of memory in forward pass, batch failed (x{count})"
                pod.logs.append((now_s, "ERROR", text))
        self._last_failed = failed.copy()

    def _store(self, now_s: float) -> None:
        held = sum(self._pool.held().values())
        if held and held >= POOL_FULL_RATIO * self._pool.connections_max and held != self._last_held:
            shares = ", ".join(f"{name}={count}" for name, count in self._pool.held().items())
            limit = self._pool.connections_max
            text = f"max number of clients nearly reached: {held}/{limit} in use besides model servers ({shares})"
            self._book.add(now_s, "online-store", "WARN", text)
        self._last_held = held
        for name, count in self._pool.held().items():
            if count and self._last_store_s < self._pool.reopened_s(name) <= now_s:
                text = f"{name} reconnected and opened the cursors of its unfinished work again: {count}"
                self._book.add(now_s, "online-store", "WARN", text)
        self._last_store_s = now_s
        sync_s = self._pool.sync_s()
        if sync_s >= SLOW_SYNC_S and now_s >= self._sync_logged_s + SYNC_LOG_EVERY_S:
            self._sync_logged_s = now_s
            text = f"AOF fsync takes {sync_s * 1000:.0f} ms on average (disk is busy?) and every command waits for it"
            self._book.add(now_s, "online-store", "WARN", text)

    def _pod_line(self, now_s: float, deployment: str, level: Level, text: str) -> None:
        self._book.add(now_s, deployment, level, text)
        for pod in self._cluster.ready_pods(deployment):
            pod.logs.append((now_s, level, text))
