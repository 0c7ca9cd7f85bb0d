"""The data plane: arrivals fed through the serving core, and what the control plane can change about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from reference_platform.serving import records as rec
from reference_platform.serving.served_log import Reply, Totals, Trouble, replies, troubles
from reference_platform.serving.trace import INPUT
from reference_platform.spec import ModelSpec, PlatformSpec
from simulator.traffic import kernel
from simulator.traffic.arrivals import BLOCK_S, Block
from simulator.traffic.heap import PENDING, new_heap

US = 1_000_000
ANSWERS_MAX = 65_536
"""Rows of the served log between two visits of the plane."""
ZOMBIES_PER_REQUEST = 4
"""Room for attempts, as a multiple of what the gateway lets in: those behind it go on after it has given up."""
SHADOW = "shadow"
"""The name of a shadow among the arms."""
BALANCERS = {"round_robin": rec.ROUND_ROBIN, "least_requests": rec.LEAST_REQUESTS, "two_choices": rec.TWO_CHOICES}
RARE_REPLICAS = 4
"""Free rows beyond the replicas of the document; more are made when they are claimed."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A ready model server as the request path sees it."""

    path_index: int
    slowdown: float
    fail_ratio: float


@dataclass(frozen=True, slots=True)
class Arm:
    """Who answers the visitors of a route (its row) whose bucket is below `bucket_end`. A shadow answers nobody."""

    route: int
    name: str
    deployment: str
    bucket_end: int
    is_shadow: bool = False


@dataclass(frozen=True, slots=True)
class ServerUse:
    """What a model server has done since it started, and what waits there now."""

    busy_s: float
    batches: int
    items: int
    failed_items: int
    store_timeouts: int
    waiting: int


UNUSED = ServerUse(0.0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class StoreUse:
    """Reads of the online store so far, how long they waited for a connection, and who waits now."""

    reads: int
    waited_s: float
    waiting: int


class Visits(Protocol):
    """Where requests come from."""

    def next_block(self) -> Block:
        """Those of the following minute."""
        ...


class DataPlane:
    """Moves requests to a given time. Answered attempts pile up until `drain` takes them."""

    def __init__(self, spec: PlatformSpec, arrivals: Visits, entities: int, seed: int) -> None:
        self.routes = [model.name for model in spec.models]
        self.arms = arms_of(spec)
        self.requests = 0
        self.totals = Totals.none(len(self.routes))
        self._troubles: Counter[Trouble] = Counter()
        self.replies: Counter[Reply] = Counter()
        """How attempts that reached a server were answered, since the beginning."""
        self._arrivals = arrivals
        self._block_begin_s = -BLOCK_S
        self._inputs = rec.table(INPUT, 0)
        self._rows: list[rec.Records] = []
        self._sent = 0
        self._by_hand: dict[int, rec.Records] = {}
        self._serial = 0
        self.core, self._drive = _sized(spec, entities, seed)
        self._free_indices = list(range(len(self.core.replicas) - 1, -1, -1))
        settings, means = self.core.settings, self._drive.means
        settings[rec.STORE_TIMEOUT_US] = _us(spec.online_store.acquire_timeout)
        settings[rec.STORE_CONNECTIONS] = spec.online_store.serving_connections
        settings[rec.CACHE_TTL_US] = _us(spec.online_store.cache_ttl)
        settings[rec.ATTEMPTS_MAX] = spec.gateway.retry.attempts_max
        settings[rec.IN_FLIGHT_MAX] = spec.gateway.in_flight_max
        means[kernel.READ_US] = spec.online_store.read * US
        means[kernel.PAUSE_US] = spec.gateway.retry.backoff * US
        if spec.gateway.breaker is not None:
            settings[rec.BREAKER_FAILURES] = spec.gateway.breaker.failures
            settings[rec.BREAKER_OPEN_US] = _us(spec.gateway.breaker.open)
        for row, model in enumerate(spec.models):
            route = self.core.routes[row]
            route.deadline_us = _us(model.deadline)
            route.balancer = BALANCERS[model.balancer]
        for place, arm in enumerate(self.arms):
            route = self.core.routes[arm.route]
            if arm.is_shadow:
                route.shadow_arm = place
                continue
            first = place == 0 or self.arms[place - 1].route != arm.route
            route.arm_begin, route.arm_end = place if first else route.arm_begin, place + 1
            self.core.arms[place].bucket_end = arm.bucket_end

    def __getstate__(self) -> dict[str, Any]:
        """Without the room that nothing stands in."""
        assert not self.core.counts[rec.ANSWERS], "whoever lets the core run collects its answers"
        heap = self._drive.heap
        pending = heap.events[: heap.counts[PENDING]].copy()
        core = self.core._replace(answers=rec.table(rec.ANSWERED, 0), effects=rec.table(rec.EFFECT, 0))
        room = len(self.core.answers), len(self.core.effects), len(heap.events)
        drive = self._drive._replace(heap=heap._replace(events=pending))
        return {**vars(self), "core": core, "_drive": drive, "room": room}

    def __setstate__(self, state: dict[str, Any]) -> None:
        answers, effects, events = state.pop("room")
        vars(self).update(state)
        self.core = self.core._replace(answers=rec.table(rec.ANSWERED, answers), effects=rec.table(rec.EFFECT, effects))
        pending, heap = self._drive.heap.events, self._drive.heap
        heap = heap._replace(events=new_heap(events).events)
        heap.events[: len(pending)] = pending
        self._drive = self._drive._replace(heap=heap)

    # -- time ---------------------------------------------------------------------------------------------------------

    def advance(self, to_s: float) -> None:
        """Let requests flow until `to_s`."""
        end_s = self._block_begin_s + BLOCK_S
        while to_s > end_s:
            self._run(_us(end_s))
            self._load_block()
            end_s = self._block_begin_s + BLOCK_S
        self._run(_us(to_s))

    def _load_block(self) -> None:
        block = self._arrivals.next_block()
        n = len(block.time_s)
        inputs = rec.table(INPUT, n)
        inputs.t_us = (block.time_s * US).astype(np.int64)
        inputs.number = self.requests + np.arange(n)
        inputs.lot = 8 * inputs.number
        inputs.kind = rec.REQUEST
        inputs.index = block.route
        inputs.entity = block.entity
        self._block_begin_s = block.begin_s
        self._inputs = inputs
        self._drive.counts[kernel.NEXT_INPUT] = 0
        self.requests += n

    def _run(self, to_us: int) -> None:
        while not kernel.advance(self.core, self._drive, self._inputs, to_us):
            self._collect()
        self._collect()

    def _collect(self) -> None:
        n = int(self.core.counts[rec.ANSWERS])
        if not n:
            return
        rows = self.core.answers[:n].copy()
        self.core.counts[rec.ANSWERS] = 0
        self.totals.add(rows)
        self._troubles.update(troubles(rows))
        self.replies.update(replies(rows))
        self._rows.append(rows)
        for place in np.flatnonzero((rows.request < 0) & (rows.outcome != rec.SHADOWED)).tolist():
            self._by_hand[int(rows.request[place])] = rows[place : place + 1]

    def _now(self, kind: int, index: int, number: int = 0, entity: int = 0, of: int = 0) -> None:
        """Let one thing reach the core at this very instant."""
        inputs = rec.table(INPUT, 1)
        now_us = self.now_us()
        inputs[0] = (now_us, number, 8 * number, kind, index, entity, of)
        position = int(self._drive.counts[kernel.NEXT_INPUT])
        self._drive.counts[kernel.NEXT_INPUT] = 0
        while not kernel.advance(self.core, self._drive, inputs, now_us):
            self._collect()
        self._drive.counts[kernel.NEXT_INPUT] = position
        self._collect()

    def now_us(self) -> int:
        """The instant up to which requests have flowed."""
        return int(self._drive.counts[kernel.NOW_US])

    # -- reading ------------------------------------------------------------------------------------------------------

    def drain(self) -> rec.Records:
        """Rows of the served log since the last call, in the order of their answers."""
        rows, self._rows = self._rows, []
        return np.concatenate(rows).view(np.recarray) if rows else rec.table(rec.ANSWERED, 0)

    def take_answer(self, number: int) -> rec.Records | None:
        """The row of a request sent by hand, once; None while it has no answer."""
        rows = self._by_hand.pop(number, None)
        return None if rows is None else rows[0]

    def take_troubles(self) -> Mapping[Trouble, int]:
        """How attempts failed since the last call."""
        taken, self._troubles = self._troubles, Counter()
        return taken

    def use_of(self, index: int) -> ServerUse:
        """What the server in this row has done."""
        replica = self.core.replicas[index]
        counted = (replica.batches, replica.items, replica.failed_items, replica.store_timeouts, replica.waiting)
        return ServerUse(float(replica.busy_us / US), *map(int, counted))

    def store_timeouts(self, route: str) -> int:
        """Attempts of a route that got no connection in time, zombies included."""
        return int(self.core.routes[self.routes.index(route)].store_timeouts)

    def serial_of(self, index: int) -> int:
        """The number by which the served log knows the server in this row."""
        return int(self.core.replicas[index].serial)

    def store_use(self) -> StoreUse:
        """How the online store is used."""
        counts = self.core.counts
        return StoreUse(
            int(counts[rec.STORE_READS]), float(counts[rec.STORE_WAITED_US] / US), int(counts[rec.STORE_WAITING])
        )

    @property
    def attempts_max(self) -> int:
        """How many attempts can be under way, zombies included."""
        return len(self.core.free)

    def refused_for_room(self) -> int:
        """How often there was no room for one more attempt."""
        return int(self.core.counts[rec.LIMIT_HITS])

    # -- knobs --------------------------------------------------------------------------------------------------------

    def send(self, route: str, entity: int) -> int:
        """Send one request by hand, now, and return the number under which the served log will have it."""
        self._sent += 1
        self._now(rec.REQUEST, self.routes.index(route), -self._sent, entity, rec.TAGGED)
        return -self._sent

    def claim(self, model: ModelSpec, version: int) -> int:
        """A free row for a new server of this version."""
        if not self._free_indices:
            self._grow()
        index = self._free_indices.pop()
        replica, speed = self.core.replicas[index], self._drive.service[index]
        replica.serial, self._serial = self._serial, self._serial + 1
        replica.version = version
        replica.batch_max, replica.queue_max = model.batch.max_size, model.batch.queue_max
        replica.delay_us = _us(model.batch.max_delay)
        replica.batches = replica.items = replica.failed_items = replica.store_timeouts = replica.busy_us = 0
        speed.launch_us, speed.base_us, speed.item_us = (
            seconds * US for seconds in (model.gpu.launch, model.gpu.base, model.gpu.per_item)
        )
        speed.sigma, speed.slowdown, speed.fail_ratio = model.gpu.jitter_sigma, 1.0, 0.0
        return index

    def release(self, index: int) -> None:
        """The model server's process is gone: its requests fail, its cache is lost."""
        self._now(rec.LOST, index)
        self._free_indices.append(index)

    def set_endpoints(self, deployment: str, endpoints: Sequence[Endpoint]) -> None:
        """Which servers the gateway sends the requests of this deployment's arm to, from now on."""
        row = next(place for place, arm in enumerate(self.arms) if arm.deployment == deployment)
        self.core.arms[row].members = len(endpoints)
        for place, endpoint in enumerate(endpoints):
            self.core.members[row, place] = endpoint.path_index
            self._drive.service[endpoint.path_index].slowdown = endpoint.slowdown
            self._drive.service[endpoint.path_index].fail_ratio = endpoint.fail_ratio

    def set_store(self, connections: int, read_s: float) -> None:
        """Connections left for serving and the mean time of a read."""
        self.core.settings[rec.STORE_CONNECTIONS] = connections
        self._drive.means[kernel.READ_US] = read_s * US

    def set_fronts(self, gateway_up: bool, fallback_up: bool) -> None:
        """Whether the gateway answers at all, and whether defaults can be served."""
        self.core.settings[rec.GATEWAY_UP] = gateway_up
        self.core.settings[rec.FALLBACK_UP] = fallback_up

    def set_retries(self, attempts_max: int) -> None:
        """How many attempts the shop's front end makes for one request."""
        self.core.settings[rec.ATTEMPTS_MAX] = attempts_max

    def _grow(self) -> None:
        """Twice as many rows for servers; those there are keep theirs."""
        had = len(self.core.replicas)
        self.core, self._drive = _with_replicas(self.core, self._drive, 2 * had)
        self._free_indices = list(range(2 * had - 1, had - 1, -1))


def arms_of(spec: PlatformSpec) -> tuple[Arm, ...]:
    """All arms, route by route; a route's shadow comes after its arms."""
    arms: list[Arm] = []
    for row, model in enumerate(spec.models):
        share = 0.0
        for arm in model.routed():
            share += arm.share
            arms.append(Arm(row, arm.name, arm.deployment, round(share * rec.BUCKETS)))
        if model.shadow:
            arms.append(Arm(row, SHADOW, model.shadow, 0, is_shadow=True))
    return tuple(arms)


def _us(seconds: float) -> int:
    return round(seconds * US)


def _sized(spec: PlatformSpec, entities: int, seed: int) -> tuple[rec.State, kernel.Virtual]:
    """A core with room for what the document asks for, and its driver."""
    replicas = sum(item.replicas for item in spec.deployments if item.model)
    sizes = rec.Sizes(
        routes=len(spec.models),
        arms=len(arms_of(spec)),
        replicas=replicas + RARE_REPLICAS,
        entities=entities,
        attempts=ZOMBIES_PER_REQUEST * spec.gateway.in_flight_max,
        queue=max(model.batch.queue_max for model in spec.models),
        batch=max(model.batch.max_size for model in spec.models),
        answers=ANSWERS_MAX,
    )
    core = rec.new_state(sizes)
    core.routes.salt = np.arange(sizes.routes) << 32
    return core, kernel.new_virtual(core, seed)


def _with_replicas(core: rec.State, drive: kernel.Virtual, replicas: int) -> tuple[rec.State, kernel.Virtual]:
    had = len(core.replicas)
    sizes = rec.Sizes(
        len(core.routes), len(core.arms), replicas, core.cache.shape[1], len(core.free), core.queues.shape[1],
        core.batches.shape[1], len(core.answers) - len(core.attempts),
    )  # fmt: skip
    fresh = rec.new_state(sizes)
    fresh.members[:, :had] = core.members
    grown = core._replace(members=fresh.members)
    for name in ("replicas", "queues", "batches", "cache"):
        getattr(fresh, name)[:had] = getattr(core, name)
        grown = grown._replace(**{name: getattr(fresh, name)})
    empty = kernel.new_virtual(grown, 0)
    empty.service[:had] = drive.service
    empty.heap.events[: len(drive.heap.events)] = drive.heap.events
    heap = drive.heap._replace(events=empty.heap.events)
    return grown, drive._replace(service=empty.service, heap=heap)
