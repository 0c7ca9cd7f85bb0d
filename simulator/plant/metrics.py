"""What the platform exports at every scrape, read from its own counters."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from reference_platform.models.catalogue import CARDS, card_of
from reference_platform.monitoring.series import Series, SeriesStore, is_stale
from reference_platform.serving.connections import ConnectionPool
from reference_platform.serving.records import ERROR, FALLBACK, OK, RETRIED
from reference_platform.serving.served_log import STATUSES, latency_quantile_s
from reference_platform.shop.consumer import DEAD_KINDS
from reference_platform.shop.ingest import Ingest
from reference_platform.shop.materializer import Materializer
from reference_platform.spec import PlatformSpec
from simulator.cluster.cluster import Cluster
from simulator.cluster.lifecycle import memory_bytes
from simulator.plant.quality import RouteQuality
from simulator.traffic.plane import UNUSED, DataPlane, ServerUse

_SOURCES = ((OK, "model"), (FALLBACK, "default"), (ERROR, "error"))


TRAFFIC_COUNTERS = frozenset(
    {
        "feature_client_pool_timeouts_total",
        "gateway_requests_total",
        "gateway_retries_total",
        "model_requests_total",
        "online_store_reads_total",
        "shop_responses_total",
    }
)
"""Counters that only requests move."""
TRAFFIC_GAUGES = frozenset(
    {
        "DCGM_FI_DEV_GPU_UTIL",
        "feature_cache_hit_ratio",
        "gateway_request_duration_seconds",
        "model_batch_size_mean",
        "model_queue_length",
        "online_store_wait_seconds",
    }
)
"""Gauges over the requests since the last scrape."""
QUALITY = frozenset(
    {
        "feature_read_age_seconds",
        "model_prediction_mean",
        "online_store_miss_ratio",
        "online_store_outside_max_age_ratio",
        *(card.business.name for card in CARDS.values()),
    }
)
"""Gauges over the requests since the last report."""


class Metrics:
    """Writes every series of the platform into the store. Names follow Prometheus: base units, `_total`."""

    def __init__(
        self,
        store: SeriesStore,
        spec: PlatformSpec,
        plane: DataPlane,
        cluster: Cluster,
        pool: ConnectionPool,
        materializer: Materializer,
        ingest: Ingest,
    ) -> None:
        self._store = store
        self._spec = spec
        self._plane = plane
        self._cluster = cluster
        self._pool = pool
        self._materializer = materializer
        self._ingest = ingest
        self._handles: dict[tuple[str, tuple[tuple[str, str], ...]], Series] = {}
        self._last_s = 0.0
        self._last_totals = plane.totals.copy()
        self._last_store = plane.store_use()
        self._last_use: dict[int, ServerUse] = {}

    def put(self, now_s: float, name: str, value: float, **labels: str) -> None:
        """Append one point."""
        key = (name, tuple(labels.items()))
        handle = self._handles.get(key)
        if handle is None:
            handle = self._handles[key] = self._store.series(name, labels)
        handle.append(now_s, value)

    def _gone(self, now_s: float, name: str, **labels: str) -> None:
        """What was measured is not there any more: the series ends, once, instead of standing at its last value."""
        handle = self._handles.get((name, tuple(labels.items())))
        if handle is not None and not is_stale(handle.last_value):
            handle.mark_stale(now_s)

    def scrape(self, now_s: float) -> None:
        """Read everything once."""
        elapsed = now_s - self._last_s
        if elapsed <= 0:
            return
        self._gateway(now_s)
        self._online_store(now_s)
        self._feeds(now_s)
        self._servers(now_s, elapsed)
        self._kubernetes(now_s)
        self._last_s = now_s

    def quality(self, now_s: float, quality: Mapping[str, RouteQuality]) -> None:
        """Business metrics of the last interval."""
        for route, item in quality.items():
            business = card_of(route).business
            self.put(now_s, business.name, item.business_ratio, **business.labels(route))
            if not math.isnan(item.score_mean):
                self.put(now_s, "model_prediction_mean", item.score_mean, model=route)
            for read in item.reads:
                labels = {"model": route, "view": read.view}
                self.put(now_s, "online_store_miss_ratio", read.miss_ratio, **labels)
                self.put(now_s, "online_store_outside_max_age_ratio", read.outside_max_age_ratio, **labels)
                if not math.isnan(read.age_s):
                    self.put(now_s, "feature_read_age_seconds", read.age_s, **labels)

    def _gateway(self, now_s: float) -> None:
        totals = self._plane.totals
        grown = totals.since(self._last_totals)
        for row, route in enumerate(self._plane.routes):
            for status in STATUSES:
                count = float(totals.of_status(row, status))
                self.put(now_s, "gateway_requests_total", count, route=route, code=str(status))
            for column, source in _SOURCES:
                count = float(totals.outcomes[row, column])
                self.put(now_s, "shop_responses_total", count, route=route, source=source)
            self.put(now_s, "gateway_retries_total", float(totals.outcomes[row, RETRIED]), route=route)
            timeouts = float(self._plane.store_timeouts(route))
            self.put(now_s, "feature_client_pool_timeouts_total", timeouts, route=route)
            misses, hits = grown.lookups[row].tolist()
            if misses + hits:
                self.put(now_s, "feature_cache_hit_ratio", hits / (misses + hits), route=route)
            for quantile in ("0.5", "0.99"):
                value = latency_quantile_s(grown.latency[row], float(quantile))
                self.put(now_s, "gateway_request_duration_seconds", value, route=route, quantile=quantile)
        for reply, count in self._plane.replies.items():
            arm = self._plane.arms[reply.arm]
            labels = {"model": self._plane.routes[arm.route], "arm": arm.name, "version": str(reply.version)}
            self.put(now_s, "model_requests_total", float(count), **labels, code=str(reply.status))
        self._last_totals = totals.copy()

    def _online_store(self, now_s: float) -> None:
        use, last = self._plane.store_use(), self._last_store
        reads = use.reads - last.reads
        self.put(now_s, "online_store_reads_total", float(use.reads))
        if reads:
            self.put(now_s, "online_store_wait_seconds", (use.waited_s - last.waited_s) / reads)
        self._last_store = use
        self.put(now_s, "online_store_read_seconds", self._pool.read_s())
        held = self._pool.held()
        self.put(now_s, "online_store_connections_max", float(self._pool.connections_max))
        self.put(
            now_s, "online_store_connections_in_use", float(self._pool.serving_connections()), client="model-servers"
        )
        for client, count in held.items():
            self.put(now_s, "online_store_connections_in_use", float(count), client=client)
        for job in self._materializer.jobs():
            self.put(now_s, "feature_age_seconds", job.age_s(now_s), view=job.job)
            self.put(now_s, "materializer_rows_per_second", job.status(now_s).rows_per_s, view=job.job)

    def _feeds(self, now_s: float) -> None:
        for source, feed in self._ingest.feeds.items():
            consumer, counts, last = feed.consumer, feed.consumer.counts, feed.consumer.last
            self.put(now_s, "ingest_events_total", float(counts.accepted), source=source)
            self.put(now_s, "ingest_late_events_total", float(counts.late), source=source)
            self.put(now_s, "ingest_repeats_removed_total", float(counts.repeats), source=source)
            for kind in DEAD_KINDS:
                self.put(now_s, "ingest_dead_letters_total", float(counts.dead[kind]), source=source, reason=kind)
            for partition, lag in enumerate(consumer.lag().tolist()):
                self.put(now_s, "ingest_lag_records", float(lag), source=source, partition=str(partition))
            self.put(now_s, "ingest_unsent_records", float(feed.outstanding), source=source)
            if not math.isfinite(last.at_s):
                continue
            newest_s = float(consumer.watermark_s.max())
            self.put(now_s, "ingest_event_delay_seconds", last.delay_s, source=source)
            if math.isfinite(newest_s):
                self.put(now_s, "ingest_event_age_seconds", now_s - newest_s, source=source)
            for column, ratio in last.null_ratio.items():
                self.put(now_s, "ingest_null_ratio", ratio, source=source, column=column)
            for column, mean in last.mean.items():
                self.put(now_s, "ingest_value_mean", mean, source=source, column=column)

    def _servers(self, now_s: float, elapsed: float) -> None:
        gpu_busy: dict[str, float] = {node.name: 0.0 for node in self._spec.nodes if node.gpu_memory}
        seen: dict[int, ServerUse] = {}
        for model in self._spec.models:
            batches = items = waiting = 0
            pods = [pod for name in model.deployments() for pod in self._cluster.ready_pods(name)]
            for pod in pods:
                if pod.path_index < 0:
                    continue
                serial, use = self._plane.serial_of(pod.path_index), self._plane.use_of(pod.path_index)
                last = self._last_use.get(serial, UNUSED)
                seen[serial] = use
                gpu_busy[pod.node] = gpu_busy.get(pod.node, 0.0) + use.busy_s - last.busy_s
                batches += use.batches - last.batches
                items += use.items - last.items
                waiting += use.waiting
            if batches:
                self.put(now_s, "model_batch_size_mean", items / batches, model=model.name)
            self.put(now_s, "model_queue_length", float(waiting), model=model.name)
        for node, seconds in gpu_busy.items():
            self.put(now_s, "DCGM_FI_DEV_GPU_UTIL", min(100.0, 100.0 * seconds / elapsed), node=node)
            used = self._cluster.gpu_used_bytes(node, now_s)
            self.put(now_s, "DCGM_FI_DEV_FB_USED", used / (1 << 20), node=node)
        self._last_use = seen

    def _kubernetes(self, now_s: float) -> None:
        for name, deployment in self._cluster.deployments.items():
            pods = self._cluster.pods_of(name)
            ready = sum(pod.phase == "Ready" for pod in pods)
            restarts = sum(pod.restarts for pod in pods)
            wanted = 0 if deployment.deleted else deployment.replicas
            self.put(now_s, "kube_deployment_spec_replicas", float(wanted), deployment=name)
            self.put(now_s, "kube_deployment_status_replicas_ready", float(ready), deployment=name)
            if not pods:
                self._gone(now_s, "kube_pod_container_status_restarts_total", deployment=name)
                self._gone(now_s, "container_memory_working_set_bytes", deployment=name)
                continue
            self.put(now_s, "kube_pod_container_status_restarts_total", float(restarts), deployment=name)
            used = max(memory_bytes(pod, now_s) for pod in pods)
            self.put(now_s, "container_memory_working_set_bytes", float(used), deployment=name)

    def backfill_history(self, route: str, times_s: np.ndarray, counts: np.ndarray) -> None:
        """Load request counts from before t=0, so that this night can be compared with last week's."""
        handle = self._store.series("shop_responses_total", {"route": route, "source": "model"})
        total = np.cumsum(counts) - counts.sum()
        for t_s, value in zip(times_s.tolist(), total.tolist(), strict=True):
            handle.append(t_s, value)
