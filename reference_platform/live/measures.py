"""What the feature server counts, in the names that dashboards for feature servers already use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily

from reference_platform.live.wire import STATUS_NAMES, Run

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

_LATENCY_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_DURATION_S = (1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
_ENTITIES = (1, 5, 10, 25, 50, 100, 250, 500, 1000)


@dataclass(frozen=True, slots=True)
class ViewAge:
    """How far a view's last materialisation lies back."""

    view: str
    lag_s: float


class Measures:
    """Counters of one server, and the ages of its views, which `ages` reads when somebody looks."""

    def __init__(self, ages: Callable[[], Sequence[ViewAge]], now_us: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self._now_us = now_us
        self._ages = ages
        self._requests = self._counter("feast_feature_server_request", "Requests", "endpoint", "status")
        self._latency = Histogram(
            "feast_feature_server_request_latency_seconds",
            "Seconds from the first byte of a request to the last of its reply",
            ["endpoint"],
            buckets=_LATENCY_S,
            registry=self._registry,
        )
        self._reads = self._counter("feast_online_features_request", "Requests for features that were answered")
        self._entities = Histogram(
            "feast_online_features_entity_count", "Entities per request", buckets=_ENTITIES, registry=self._registry
        )
        self._statuses = self._counter(
            "feast_online_features_status", "Values served, by status", "feature_view", "status"
        )
        self._by_view: dict[str, list[Counter]] = {}
        self._newest_us: dict[str, int] = {}
        self._pushes = self._counter("feast_push_request", "Pushes", "push_source", "mode")
        self._runs = self._counter("feast_materialization_result", "Materialisations", "feature_view", "status")
        self._run_seconds = Histogram(
            "feast_materialization_duration_seconds",
            "Seconds a materialisation took",
            ["feature_view"],
            buckets=_DURATION_S,
            registry=self._registry,
        )
        self._children: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._registry.register(self)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(name, what, list(labels), registry=self._registry)

    def observe(self, path: str, status: int, seconds: float) -> None:
        """One request was answered."""
        held = self._children.get((path, status))
        if held is None:
            held = (self._requests.labels(path, _word(status)), self._latency.labels(path))
            self._children[path, status] = held
        held[0].inc()
        held[1].observe(seconds)

    def served(self, rows: int, runs: Sequence[Run]) -> None:
        """One answer with features went out."""
        self._reads.inc()
        self._entities.observe(rows)
        for run in runs:
            children = self._by_view.get(run.view)
            if children is None:
                children = [self._statuses.labels(run.view, name) for name in STATUS_NAMES]
                self._by_view[run.view] = children
            for child, count in zip(children, run.status_counts, strict=True):
                if count:
                    child.inc(count * run.columns)
            if run.newest_us > self._newest_us.get(run.view, 0):
                self._newest_us[run.view] = run.newest_us

    def pushed(self, source: str, mode: str) -> None:
        """One push was taken; `source` is a declared name, so that nobody can invent labels."""
        self._pushes.labels(source, mode).inc()

    def materialized(self, views: Sequence[str], seconds: float, *, good: bool) -> None:
        """One run over `views` ended."""
        for view in views:
            self._runs.labels(view, "success" if good else "failure").inc()
            self._run_seconds.labels(view).observe(seconds)

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """The ages of the views, as the registry asks for them."""
        lag = GaugeMetricFamily(
            "feast_materialization_lag_seconds",
            "Seconds since the end of the last materialisation",
            labels=["feature_view"],
        )
        freshness = GaugeMetricFamily(
            "feast_feature_freshness_seconds",
            "Seconds since the newest event that was served",
            labels=["feature_view"],
        )
        for age in self._ages():
            lag.add_metric([age.view], age.lag_s)
        now_us = self._now_us()
        for view, newest_us in self._newest_us.copy().items():
            freshness.add_metric([view], (now_us - newest_us) / 1e6)
        yield from (lag, freshness)


def _word(status: int) -> str:
    return "success" if status < 400 else "error"
