"""The same system on the serving core and its virtual driver."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reference_platform.serving import records as rec
from reference_platform.serving.served_log import Totals
from reference_platform.serving.trace import INPUT
from simulator.traffic import kernel
from tests.oracle.request_path import System

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
US = 1_000_000
ATTEMPTS = 32_768
REPLICAS = 16


def arrivals(system: System, duration_s: float, seed: int) -> tuple[Floats, Ints, Ints]:
    """Poisson arrivals of all routes in one order: times, routes, entities."""
    rng = np.random.default_rng(seed)
    rates = np.array([route.rate_per_s for route in system.routes])
    n = rng.poisson(rates.sum() * duration_s)
    times = np.sort(rng.uniform(0.0, duration_s, n))
    return times, rng.choice(len(rates), n, p=rates / rates.sum()), rng.integers(0, system.entities, n)


def inputs_of(times: Floats, routes: Ints, entities: Ints) -> rec.Records:
    """Arrivals as the core is told of them."""
    inputs = rec.table(INPUT, len(times))
    inputs.t_us = (times * US).astype(np.int64)
    inputs.number = np.arange(len(times))
    inputs.lot = 8 * inputs.number
    inputs.kind = rec.REQUEST
    inputs.index = routes
    inputs.entity = entities
    return inputs


@dataclass
class Path:
    """A core, its driver, and what they answered."""

    core: rec.State
    drive: kernel.Virtual
    totals: Totals
    kept: list[rec.Records] = field(default_factory=list)

    def advance(self, inputs: rec.Records, until_s: float) -> rec.Records:
        """Run to `until_s` and return the rows answered on the way."""
        answered = []
        done = False
        while not done:
            done = bool(kernel.advance(self.core, self.drive, inputs, round(until_s * US)))
            answered.append(self.core.answers[: self.core.counts[rec.ANSWERS]].copy())
            self.core.counts[rec.ANSWERS] = 0
        rows = np.concatenate(answered).view(np.recarray)
        self.totals.add(rows)
        self.kept.append(rows)
        return rows

    def restart_inputs(self) -> None:
        """Another block of arrivals begins."""
        self.drive.counts[kernel.NEXT_INPUT] = 0

    def lose(self, replica: int) -> rec.Records:
        """A replica dies now."""
        inputs = rec.table(INPUT, 1)
        now_us = int(self.drive.counts[kernel.NOW_US])
        inputs[0] = (now_us, 0, 0, rec.LOST, replica, 0, 0)
        position = int(self.drive.counts[kernel.NEXT_INPUT])
        self.restart_inputs()
        rows = self.advance(inputs, now_us / US)
        self.drive.counts[kernel.NEXT_INPUT] = position
        return rows

    @property
    def rows(self) -> rec.Records:
        """Everything answered so far."""
        return np.concatenate(self.kept).view(np.recarray)


def path_of(
    system: System,
    seed: int,
    *,
    attempts: int = ATTEMPTS,
    recorded: rec.Records | None = None,
    trace_rows: int = 0,
) -> Path:
    """A request path configured as `system`."""
    core = core_of(system, attempts)
    drive = kernel.new_virtual(core, seed, recorded, trace_rows)
    drive.means[kernel.READ_US] = system.read_s * US
    drive.means[kernel.PAUSE_US] = system.backoff_s * US
    replica = 0
    for route in system.routes:
        for _ in range(route.pods):
            speed = drive.service[replica]
            speed.launch_us, speed.base_us, speed.item_us = route.launch_s * US, route.base_s * US, route.item_s * US
            speed.sigma, speed.slowdown = route.sigma, 1.0
            replica += 1
    return Path(core, drive, Totals.none(len(system.routes)))


def core_of(system: System, attempts: int = ATTEMPTS) -> rec.State:
    """An idle core configured as `system`, with one arm more than it has routes."""
    routes = len(system.routes)
    longest = max(route.queue_max for route in system.routes)
    batch = max(route.batch_max for route in system.routes)
    core = rec.new_state(rec.Sizes(routes, routes + 1, REPLICAS, system.entities, attempts, longest, batch, 4_096))
    settings = core.settings
    settings[rec.STORE_CONNECTIONS] = system.connections
    settings[rec.STORE_TIMEOUT_US] = round(system.acquire_timeout_s * US)
    settings[rec.CACHE_TTL_US] = round(system.cache_ttl_s * US)
    settings[rec.ATTEMPTS_MAX] = system.attempts_max
    settings[rec.IN_FLIGHT_MAX] = system.in_flight_max
    replica = 0
    for row, route in enumerate(system.routes):
        core.routes[row].deadline_us = round(route.deadline_s * US)
        core.routes[row].arm_begin, core.routes[row].arm_end = row, row + 1
        core.arms[row].bucket_end, core.arms[row].members = rec.BUCKETS, route.pods
        for place in range(route.pods):
            core.members[row, place] = replica
            one = core.replicas[replica]
            one.serial, one.version = replica, 1
            one.batch_max, one.queue_max, one.delay_us = route.batch_max, route.queue_max, round(route.delay_s * US)
            replica += 1
    return core


@dataclass(frozen=True)
class Outcome:
    """The path at the end, and by route how long the served visits took."""

    path: Path
    visits_s: list[Floats]


def run(system: System, times: Floats, routes: Ints, entities: Ints, until_s: float, seed: int) -> Outcome:
    """All arrivals to their end."""
    path, inputs = path_of(system, seed), inputs_of(times, routes, entities)
    if system.lost_pod_at_s is not None:
        path.advance(inputs, system.lost_pod_at_s)
        path.lose(0)
    path.advance(inputs, until_s)
    served = path.rows[path.rows.outcome == rec.OK]
    visits_s = (served.answered_us - served.arrived_us) / US
    return Outcome(path, [visits_s[served.route == row] for row in range(len(system.routes))])
