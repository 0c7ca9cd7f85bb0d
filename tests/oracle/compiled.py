"""The same system on the compiled request path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from simulator.traffic import kernel
from simulator.traffic import layout as lay
from tests.oracle.request_path import System

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


def arrivals(system: System, duration_s: float, seed: int) -> tuple[Floats, Ints, Ints]:
    """Poisson arrivals of all routes in one order: times, routes, entities."""
    rng = np.random.default_rng(seed)
    rates = np.array([route.rate_per_s for route in system.routes])
    n = rng.poisson(rates.sum() * duration_s)
    times = np.sort(rng.uniform(0.0, duration_s, n))
    return times, rng.choice(len(rates), n, p=rates / rates.sum()), rng.integers(0, system.entities, n)


def path_of(system: System, seed: int) -> lay.Path:
    """A request path configured as `system`."""
    path = lay.new_path(system.entities, seed)
    params = path.params
    params[lay.P_STORE_CONNECTIONS] = system.connections
    params[lay.P_STORE_READ_S] = system.read_s
    params[lay.P_STORE_ACQUIRE_TIMEOUT_S] = system.acquire_timeout_s
    params[lay.P_CACHE_TTL_S] = system.cache_ttl_s
    params[lay.P_ATTEMPTS_MAX] = system.attempts_max
    params[lay.P_BACKOFF_S] = system.backoff_s
    params[lay.P_IN_FLIGHT_MAX] = system.in_flight_max
    pod = 0
    for row, route in enumerate(system.routes):
        path.route_deadline[row] = route.deadline_s
        path.route_pod_count[row] = route.pods
        for place in range(route.pods):
            path.route_pods[row, place] = pod
            path.pods[pod] = (
                route.batch_max, route.delay_s, route.launch_s, route.base_s, route.item_s, route.sigma, 1.0, 0.0
            )  # fmt: skip
            path.pod_queue_limit[pod] = route.queue_max
            pod += 1
    return path


def room_for(n: int) -> lay.Finished:
    """Output columns for `n` arrivals."""
    size = n + lay.SLOTS_MAX
    f, i = np.float64, np.int64
    return lay.Finished(
        np.zeros(size, f), np.zeros(size, f), np.zeros(size, f), np.zeros(size, i), np.zeros(size, i), np.zeros(size, i)
    )


def lose_pod(path: lay.Path, out: lay.Finished, pod: int) -> int:
    """The pod dies and its route stops using it. Returns the number of requests that ended, in `out`."""
    ended = kernel.kill_pod(path, out, pod, 0)
    for row in range(lay.ROUTES_MAX):
        alive = [int(at) for at in path.route_pods[row, : path.route_pod_count[row]] if at != pod]
        path.route_pods[row, : len(alive)] = alive
        path.route_pod_count[row] = len(alive)
    return ended


@dataclass(frozen=True)
class Outcome:
    """The path at the end, and by route how long the served visits took."""

    path: lay.Path
    visits_s: list[Floats]


def run(system: System, times: Floats, routes: Ints, entities: Ints, until_s: float, seed: int) -> Outcome:
    """All arrivals to their end."""
    path, out = path_of(system, seed), room_for(len(times))
    kept: list[tuple[Floats, Ints]] = []

    def keep(n: int) -> None:
        served = out.outcome[:n] == lay.OK
        kept.append(((out.done_s[:n] - out.first_s[:n])[served], out.route[:n][served]))

    if system.lost_pod_at_s is not None:
        keep(kernel.advance(path, times, routes, entities, out, system.lost_pod_at_s))
        keep(lose_pod(path, out, 0))
    keep(kernel.advance(path, times, routes, entities, out, until_s))
    visits_s, rows = (np.concatenate(columns) for columns in zip(*kept, strict=True))
    return Outcome(path, [visits_s[rows == row] for row in range(len(system.routes))])
