"""The request path as a tutorial would write it: one SimPy process per attempt. Slow, plain, and independent.

Own random numbers, SimPy's own resources; it shares nothing with the compiled kernel but the description of the system.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import numpy as np
import simpy

Process = Generator[simpy.Event, object, None]


@dataclass(frozen=True)
class Route:
    """One route and its model servers."""

    deadline_s: float
    pods: int
    batch_max: int
    delay_s: float
    launch_s: float
    base_s: float
    item_s: float
    sigma: float = 0.0
    queue_max: int = 2048
    rate_per_s: float = 50.0


@dataclass(frozen=True)
class System:
    """Everything both models are told."""

    routes: tuple[Route, ...]
    connections: int
    read_s: float
    acquire_timeout_s: float = 2.0
    cache_ttl_s: float = 0.0
    attempts_max: int = 1
    backoff_s: float = 0.2
    in_flight_max: int = 32_768
    entities: int = 500
    lost_pod_at_s: float | None = None
    """When the first pod of the first route dies, with everything it holds."""


@dataclass
class Tally:
    """What came out. Attempts are timed as the gateway answered them, visits from the first attempt on."""

    served: int = 0
    fallback: int = 0
    attempts: int = 0
    timeouts_504: int = 0
    attempts_s: list[float] = field(default_factory=list)
    visits_s: list[float] = field(default_factory=list)


class _Pod:
    def __init__(self, env: simpy.Environment, route: Route, rng: np.random.Generator) -> None:
        self.env, self.route, self.rng = env, route, rng
        self.waiting: list[tuple[float, simpy.Event]] = []
        self.bell = env.event()
        self.cache: dict[int, float] = {}
        self.lost = env.event()
        env.process(self.serve())

    def put(self) -> simpy.Event | None:
        if len(self.waiting) >= self.route.queue_max:
            return None
        done = self.env.event()
        self.waiting.append((self.env.now, done))
        if not self.bell.triggered:
            self.bell.succeed()
        return done

    def serve(self) -> Process:
        route = self.route
        while True:
            while not self.waiting:
                self.bell = self.env.event()
                yield self.bell
            while len(self.waiting) < route.batch_max:
                left = self.waiting[0][0] + route.delay_s - self.env.now
                if left <= 1e-12:
                    break
                self.bell = self.env.event()
                yield self.bell | self.env.timeout(left)
            batch = [done for _, done in self.waiting[: route.batch_max]]
            del self.waiting[: route.batch_max]
            seconds = max(route.launch_s, route.base_s + route.item_s * len(batch))
            if route.sigma:
                seconds *= float(np.exp(route.sigma * self.rng.standard_normal()))
            yield self.env.timeout(seconds)
            for done in batch:
                done.succeed()


class Oracle:
    """Runs given arrivals to their end."""

    def __init__(self, system: System, seed: int) -> None:
        self.system = system
        self.rng = np.random.default_rng(seed)
        self.env = simpy.Environment()
        self.store = simpy.Resource(self.env, max(1, system.connections))
        self.pods = [[_Pod(self.env, route, self.rng) for _ in range(route.pods)] for route in system.routes]
        self.turns = [0] * len(system.routes)
        self.in_flight = 0
        self.tallies = [Tally() for _ in system.routes]

    def run(
        self, times: Sequence[float], routes: Sequence[int], entities: Sequence[int], until_s: float
    ) -> list[Tally]:
        """Tallies by route at `until_s`."""
        self.env.process(self._arrive(times, routes, entities))
        if self.system.lost_pod_at_s is not None:
            self.env.process(self._lose_pod(self.system.lost_pod_at_s))
        self.env.run(until=until_s)
        return self.tallies

    def _arrive(self, times: Sequence[float], routes: Sequence[int], entities: Sequence[int]) -> Process:
        for time_s, route, entity in zip(times, routes, entities, strict=True):
            yield self.env.timeout(time_s - self.env.now)
            self.env.process(self._shopper(int(route), int(entity)))

    def _lose_pod(self, at_s: float) -> Process:
        yield self.env.timeout(at_s)
        self.pods[0].pop(0).lost.succeed()

    def _shopper(self, route: int, entity: int) -> Process:
        """Attempts with pauses until the model has answered or patience ends."""
        tally = self.tallies[route]
        first = self.env.now
        for attempt in range(1, self.system.attempts_max + 1):
            begin = self.env.now
            tally.attempts += 1
            self.in_flight += 1
            answered = yield from self._through_gateway(route, entity)
            self.in_flight -= 1
            tally.attempts_s.append(self.env.now - begin)
            if answered:
                tally.served += 1
                tally.visits_s.append(self.env.now - first)
                return
            if attempt < self.system.attempts_max:
                yield self.env.timeout(self.rng.exponential(self.system.backoff_s))
        tally.fallback += 1

    def _through_gateway(self, route: int, entity: int) -> Generator[simpy.Event, object, bool]:
        """One attempt as the gateway sees it: answer, refusal, lost pod or deadline, whichever is first."""
        pods = self.pods[route]
        if self.in_flight > self.system.in_flight_max or not pods:
            return False
        pod = pods[self.turns[route] % len(pods)]
        self.turns[route] += 1
        work = self.env.process(self._work(pod, entity))
        yield work | pod.lost | self.env.timeout(self.system.routes[route].deadline_s)
        if not work.triggered and not pod.lost.triggered:
            self.tallies[route].timeouts_504 += 1
        return bool(work.triggered and work.value)

    def _work(self, pod: _Pod, entity: int) -> Generator[simpy.Event, object, bool]:
        """Read features, then wait for the model. Nobody cancels it when the gateway gives up."""
        if self.env.now - pod.cache.get(entity, -math.inf) >= self.system.cache_ttl_s:
            with self.store.request() as claim:
                yield claim | self.env.timeout(self.system.acquire_timeout_s)
                if not claim.triggered:
                    return False
                yield self.env.timeout(self.rng.exponential(self.system.read_s))
            pod.cache[entity] = self.env.now
        done = pod.put()
        if done is None:
            return False
        yield done
        return True
