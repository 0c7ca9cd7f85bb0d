"""The plant: platform, cluster and world wired together and moved along by parts that are told the time.

It owns no clock. `parts()` lists everything that has a next wake-up; a driver advances the data plane to that instant
and ticks the part. Faults and responders turn the same knobs, which are methods here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from reference_platform.monitoring.drift import PsiMonitor
from reference_platform.monitoring.series import SeriesStore
from reference_platform.monitoring.slo import SloTracker
from reference_platform.roles import FALLBACK, GATEWAY, MATERIALIZER, PIPELINE, STORE, Role
from reference_platform.serving.connections import ConnectionPool
from reference_platform.serving.records import OK
from reference_platform.shop.ingest import Ingest
from reference_platform.shop.materializer import JobLine, Materializer
from reference_platform.shop.producers import Releases, Sender
from simulator.cluster.cluster import Cluster
from simulator.cluster.objects import Footprint, Pod
from simulator.drill.spec import DrillSpec
from simulator.engine.streams import Streams, stream_seed
from simulator.image.image import Image
from simulator.plant.logs import LogBook, ServiceLogs
from simulator.plant.metrics import Metrics
from simulator.plant.panel import Panel
from simulator.plant.past_reads import PastReads
from simulator.plant.quality import QualityJudge, RouteQuality
from simulator.plant.yardstick import Yardstick
from simulator.traffic.arrivals import Arrivals, history_counts
from simulator.traffic.plane import DataPlane, Endpoint
from simulator.world.world import STEP_S

HISTORY_S = 8 * 86400.0
HISTORY_STEP_S = 300.0
SERIES_POINTS_MAX = 16_000


Emit = Callable[[str, str, Mapping[str, object]], None]
"""emit(source, kind, data): a visible event at the current time."""


class Plant:
    """One platform, one world. `now_s` is the time that everything has reached."""

    def __init__(self, drill: DrillSpec, image: Image, seed: int, emit: Emit) -> None:
        self.spec = drill.platform
        self.now_s = 0.0
        self._emit = emit
        self.following: list[tuple[str, str, Mapping[str, object]]] | None = None
        """Events that follow from the knob that is being turned."""
        self.streams = Streams(seed)
        self.image = image
        self.world = image.world(self.streams, drill.calendar_offset_s)
        self.registry = image.registry().only({model.name for model in self.spec.models})
        features = image.features()
        self.views = features.views
        self.offline = features.offline
        self.online = features.online
        self.ingest = Ingest(features.pipeline, 0.0)
        self.releases = Releases([feed.contract.producer for feed in self.ingest.feeds.values()])
        self.yardstick = Yardstick(features.views, features.online, image.empty_transforms)
        self.materializer = Materializer(features.views, self.offline, self.online, now_s=0.0)
        self.champions = {model.name: self.registry.alias(model.name, "champion").version for model in self.spec.models}
        self.cluster = Cluster(self.spec, self._first_versions(), self._footprint)
        self.pool = ConnectionPool(self.spec.online_store)
        shares = np.array([model.route_share for model in self.spec.models])
        self.arrivals = Arrivals(
            self.world.rhythm,
            self.spec.traffic.requests_per_s,
            shares,
            self.world.customer_weights,
            self.streams.get("traffic/arrivals"),
            self.streams.get("traffic/surges"),
        )
        self.panel = Panel(self.arrivals, self.world, [model.name for model in self.spec.models], seed)
        self.plane = DataPlane(
            self.spec, self.panel, len(self.world.customer_weights), stream_seed(seed, "traffic/service") >> 1
        )
        self.store = SeriesStore(retention_s=HISTORY_S + 86400.0, points_max=SERIES_POINTS_MAX)
        self.book = LogBook()
        self.service_logs = ServiceLogs(self.book, self.spec, self.plane, self.cluster, self.pool)
        references = image.reference_stats(self.champions)
        self.drift = PsiMonitor({name: references[name] for name in sorted(self.champions)})
        self.slo = SloTracker(self.store, {model.name: self.spec.slo.availability for model in self.spec.models})
        self.metrics = Metrics(
            self.store, self.spec, self.plane, self.cluster, self.pool, self.materializer, self.ingest
        )
        self.judge = QualityJudge(
            image,
            self.world,
            self.views,
            PastReads(self.online, self.plane.now_us),
            PastReads(self.yardstick.store, self.plane.now_us),
            self.panel,
            self.champions,
            self.drift,
        )
        self._refused_for_room = 0
        self._load_history()
        self.sync()

    def _first_versions(self) -> dict[str, int]:
        """By deployment, what its alias points at."""
        served = [item for item in self.spec.deployments if item.model]
        return {item.name: self.registry.alias(item.model, item.model_alias).version for item in served}

    def _footprint(self, model: str, version: int) -> Footprint:
        tags = self.registry.get(model, version).tags
        return Footprint(int(tags["host_memory_bytes"]), int(tags["gpu_memory_bytes"]), float(tags["load_s"]))

    def _load_history(self) -> None:
        times = np.arange(-HISTORY_S + HISTORY_STEP_S, 1.0, HISTORY_STEP_S)
        rng = self.streams.get("traffic/history")
        total = sum(model.route_share for model in self.spec.models)
        for model in self.spec.models:
            share = model.route_share / total
            rate = self.spec.traffic.requests_per_s
            counts = history_counts(self.world.rhythm, rate, share, times, HISTORY_STEP_S, rng)
            self.metrics.backfill_history(model.name, times, counts)

    # -- time ------------------------------------------------------------

    def advance(self, now_s: float) -> None:
        """Let requests flow to `now_s`."""
        self.plane.advance(now_s)
        self.now_s = now_s

    def tick_cluster(self, now_s: float) -> None:
        """Run the cluster's due work and let everything that depends on pods follow."""
        self.cluster.tick(now_s)
        self.sync()

    def step_world(self, now_s: float) -> None:
        """Five minutes of shop life become rows of the offline store, as far as they are sent and read."""
        before_s = self.world.now_s
        events = self.world.advance(now_s)
        deliveries = self.ingest.collect(events, {source: self.senders(source) for source in events}, now_s)
        self.yardstick.before(self.ingest.pipeline.transforms, deliveries)
        for line in self.ingest.process(deliveries, now_s):
            self.book.add(line.t_s, self.spec.name_of(PIPELINE), line.level, line.text)
        self.yardstick.after(events, self.offline, before_s, now_s)

    def next_world_step_s(self) -> float:
        return self.world.now_s + STEP_S

    def scrape(self, now_s: float) -> None:
        """Read metrics and let services write their logs."""
        self.pool.tick(now_s)
        self._sync_store()
        self.metrics.scrape(now_s)
        totals = self.plane.totals
        for row, route in enumerate(self.plane.routes):
            self.slo.observe(route, float(totals.outcomes[row, OK]), float(totals.ended(row)), now_s)
        self._tell_limits()
        self.drift.scrape(self.store, now_s)
        self.service_logs.write(now_s)

    def _tell_limits(self) -> None:
        """Running out of room is an event and a log line, never silence."""
        refused = self.plane.refused_for_room()
        if refused > self._refused_for_room:
            count = refused - self._refused_for_room
            text = f"no room for more attempts: {count} refused (limit {self.plane.attempts_max})"
            self.book.add(self.now_s, self.spec.name_of(GATEWAY), "ERROR", text)
            self.emit(GATEWAY, "limit.reached", {"limit": "attempts", "max": self.plane.attempts_max, "count": count})
            self._refused_for_room = refused

    def judge_quality(self, now_s: float) -> dict[str, RouteQuality]:
        """Judge what was served since the last call."""
        quality = self.judge.judge(self.plane.drain(), self.plane.routes, now_s)
        self.metrics.quality(now_s, quality)
        return quality

    # -- reading ------------------------------------------------------------

    def serving_versions(self) -> dict[str, int]:
        """The model version that most ready servers of each route run; the champion when none is ready."""
        versions: dict[str, int] = {}
        for model in self.spec.models:
            ready = [
                pod.template.model_version for arm in model.routed() for pod in self.cluster.ready_pods(arm.deployment)
            ]
            versions[model.name] = max(sorted(set(ready)), key=ready.count) if ready else self.champions[model.name]
        return versions

    def client_running(self, deployment: str) -> bool:
        """Whether any process of the deployment is up."""
        return any(pod.phase in ("Loading", "Ready") for pod in self.cluster.pods_of(deployment))

    def up(self, deployment: str) -> bool:
        return bool(self.cluster.ready_pods(deployment))

    def role_up(self, role: Role) -> bool:
        """Whether any deployment of that role has a ready pod."""
        return any(map(self.up, self.spec.of_role(role)))

    def senders(self, source: str) -> list[Sender]:
        """The running processes of a source's producer, each with its release and its machine's clock."""
        producer = self.ingest.feed(source).contract.producer
        return [
            Sender(self.releases.get(producer, pod.template.release), self.cluster.nodes[pod.node].clock_ahead_s)
            for pod in self.cluster.ready_pods(producer)
        ]

    # -- knobs ------------------------------------------------------------

    def emit(self, source: str, kind: str, data: Mapping[str, object]) -> None:
        """A visible event, now."""
        if self.following is not None:
            self.following.append((source, kind, data))
        self._emit(source, kind, data)

    def log_lines(self, lines: Iterable[JobLine]) -> None:
        """Keep what the materialiser's jobs wrote."""
        source = self.spec.name_of(MATERIALIZER)
        for line in lines:
            self.book.add(line.t_s, source, line.level, f"[{line.job}] {line.text}")

    def sync(self) -> None:
        """Make the data plane see the cluster as it is now."""
        for event in self.cluster.fresh_events:
            data = {
                "reason": event.reason,
                "object": event.object,
                "component": event.component,
                "message": event.message,
                "type": event.type,
            }
            self.emit("cluster", "k8s", data)
        self.cluster.fresh_events.clear()
        for pod in self.cluster.killed:
            self._pod_gone(pod)
        self.cluster.killed.clear()
        for arm in self.plane.arms:
            ready = self.cluster.ready_pods(arm.deployment)
            for pod in ready:
                if pod.path_index < 0:
                    pod.path_index = self.plane.claim(self.spec.models[arm.route], pod.template.model_version)
            self.plane.set_endpoints(arm.deployment, [self._endpoint(pod) for pod in ready])
        self.plane.set_fronts(self.role_up(GATEWAY), self.role_up(FALLBACK))
        self._sync_clients()
        self._sync_store()

    def _endpoint(self, pod: Pod) -> Endpoint:
        return Endpoint(pod.path_index, self.cluster.slowdown(pod), self.cluster.fail_ratio(pod, self.now_s))

    def _pod_gone(self, pod: Pod) -> None:
        if pod.path_index >= 0:
            self.plane.release(pod.path_index)
            pod.path_index = -1

    def _sync_clients(self) -> None:
        pipelines = self.spec.of_role(PIPELINE)
        self.ingest.set_members([pod.name for name in pipelines for pod in self.cluster.ready_pods(name)])
        for name in self.pool.held():
            if self.client_running(name):
                self.pool.client_started(name, self.now_s)
            else:
                self.pool.client_stopped(name, self.now_s)
        store_up = self.role_up(STORE)
        if store_up != self.pool.up:
            self.pool.restart(store_up, self.now_s)
        running = self.role_up(MATERIALIZER)
        if running != self._materializer_runs():
            lines = self.materializer.restart(self.now_s) if running else self.materializer.stop(self.now_s)
            self.log_lines(lines)

    def _materializer_runs(self) -> bool:
        return any(job.status(self.now_s).state != "STOPPED" for job in self.materializer.jobs())

    def _sync_store(self) -> None:
        self.plane.set_store(self.pool.serving_connections(), self.pool.read_s())
