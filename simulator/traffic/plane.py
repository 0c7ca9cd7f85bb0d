"""The data plane: arrivals fed through the compiled request path, and what the control plane can change about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reference_platform.spec import ModelSpec, PlatformSpec
from simulator.traffic import kernel
from simulator.traffic.arrivals import BLOCK_S, Arrivals, Block
from simulator.traffic.layout import (
    P_ATTEMPTS_MAX,
    P_BACKOFF_S,
    P_CACHE_TTL_S,
    P_FALLBACK_UP,
    P_GATEWAY_UP,
    P_IN_FLIGHT_MAX,
    P_STORE_ACQUIRE_TIMEOUT_S,
    P_STORE_CONNECTIONS,
    P_STORE_READ_S,
    POD_FAIL_RATIO,
    POD_SLOWDOWN,
    PODS_MAX,
    S_ARRIVAL,
    SLOTS_MAX,
    Finished,
    Path,
    new_path,
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A ready model server as the request path sees it."""

    path_index: int
    slowdown: float
    fail_ratio: float


class DataPlane:
    """Moves requests to a given time. Finished requests pile up until `drain` takes them."""

    def __init__(self, spec: PlatformSpec, arrivals: Arrivals, entities: int, seed: int) -> None:
        self.path: Path = new_path(entities, seed)
        self.routes = [model.name for model in spec.models]
        self.requests = 0
        self._arrivals = arrivals
        self._block = Block(-BLOCK_S, np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64))
        self._out = _room(0)
        self._finished: list[Finished] = []
        self._free_indices = list(range(PODS_MAX - 1, -1, -1))
        params = self.path.params
        params[P_STORE_READ_S] = spec.online_store.read
        params[P_STORE_ACQUIRE_TIMEOUT_S] = spec.online_store.acquire_timeout
        params[P_STORE_CONNECTIONS] = spec.online_store.serving_connections
        params[P_CACHE_TTL_S] = spec.online_store.cache_ttl
        params[P_ATTEMPTS_MAX] = spec.gateway.retry.attempts_max
        params[P_BACKOFF_S] = spec.gateway.retry.backoff
        params[P_IN_FLIGHT_MAX] = spec.gateway.in_flight_max
        for index, model in enumerate(spec.models):
            self.path.route_deadline[index] = model.deadline

    def advance(self, to_s: float) -> None:
        """Let requests flow until `to_s`."""
        end = self._block.begin_s + BLOCK_S
        while to_s > end:
            self._run(end)
            self._load_block()
            end = self._block.begin_s + BLOCK_S
        self._run(to_s)

    def _load_block(self) -> None:
        self._block = self._arrivals.next_block()
        self.requests += len(self._block.time_s)
        self.path.scalars[S_ARRIVAL] = 0
        if len(self._out.done_s) < len(self._block.time_s) + SLOTS_MAX:
            self._out = _room(len(self._block.time_s))

    def _run(self, to_s: float) -> None:
        block = self._block
        n = kernel.advance(self.path, block.time_s, block.route, block.entity, self._out, to_s)
        self._keep(n)

    def _keep(self, n: int) -> None:
        if n:
            self._finished.append(_taken(self._out, n))

    def drain(self) -> Finished:
        """Requests finished since the last call."""
        if not self._finished:
            return _taken(self._out, 0)
        parts, self._finished = self._finished, []
        if len(parts) == 1:
            return parts[0]
        return Finished(
            np.concatenate([part.done_s for part in parts]),
            np.concatenate([part.first_s for part in parts]),
            np.concatenate([part.read_s for part in parts]),
            np.concatenate([part.route for part in parts]),
            np.concatenate([part.entity for part in parts]),
            np.concatenate([part.outcome for part in parts]),
        )

    # -- knobs ----------------------------------------------------------------------------------------------------

    def claim(self, model: ModelSpec) -> int:
        """A free row for a new model server."""
        index = self._free_indices.pop()
        gpu, batch = model.gpu, model.batch
        self.path.pods[index] = (
            batch.max_size,
            batch.max_delay,
            gpu.launch,
            gpu.base,
            gpu.per_item,
            gpu.jitter_sigma,
            1.0,
            0.0,
        )
        self.path.pod_queue_limit[index] = batch.queue_max
        return index

    def release(self, index: int) -> None:
        """The model server's process is gone: its requests fail, its cache is lost."""
        n = kernel.kill_pod(self.path, self._out, index, 0)
        self._keep(n)
        self._free_indices.append(index)

    def set_endpoints(self, route: str, endpoints: Sequence[Endpoint]) -> None:
        """Which servers the gateway sends this route's requests to, from now on."""
        row = self.routes.index(route)
        self.path.route_pod_count[row] = len(endpoints)
        for place, endpoint in enumerate(endpoints):
            self.path.route_pods[row, place] = endpoint.path_index
            self.path.pods[endpoint.path_index, POD_SLOWDOWN] = endpoint.slowdown
            self.path.pods[endpoint.path_index, POD_FAIL_RATIO] = endpoint.fail_ratio

    def set_store(self, connections: int, read_s: float) -> None:
        """Connections left for serving and the mean time of a read."""
        self.path.params[P_STORE_CONNECTIONS] = connections
        self.path.params[P_STORE_READ_S] = read_s

    def set_fronts(self, gateway_up: bool, fallback_up: bool) -> None:
        """Whether the gateway answers at all, and whether defaults can be served."""
        self.path.params[P_GATEWAY_UP] = float(gateway_up)
        self.path.params[P_FALLBACK_UP] = float(fallback_up)

    def set_retries(self, attempts_max: int) -> None:
        """How many attempts the shop's front end makes for one request."""
        self.path.params[P_ATTEMPTS_MAX] = attempts_max


def _taken(out: Finished, n: int) -> Finished:
    """The first n rows, copied."""
    return Finished(
        out.done_s[:n].copy(),
        out.first_s[:n].copy(),
        out.read_s[:n].copy(),
        out.route[:n].copy(),
        out.entity[:n].copy(),
        out.outcome[:n].copy(),
    )


def _room(arrivals: int) -> Finished:
    n = arrivals + SLOTS_MAX
    f, i = np.float64, np.int64
    return Finished(np.zeros(n, f), np.zeros(n, f), np.zeros(n, f), np.zeros(n, i), np.zeros(n, i), np.zeros(n, i))
