"""Processor time of pods, estimated from the requests that passed through them."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.cluster.objects import Pod
from simulator.shell.context import Operator

WINDOW_S = 120.0
MODEL_S, GATEWAY_S, FALLBACK_S, STORE_S = 0.006, 0.0008, 0.0004, 0.0003
"""Processor seconds per request or read."""
IDLE_CORES = 0.012
STARTING_CORES = 0.95
REACHED = ("200", "500", "504")
"""Codes of requests that a model server worked on."""


@dataclass(frozen=True, slots=True)
class Load:
    """Per second, over the last minutes: requests that reached a route's servers, requests at the gateway, responses
    with defaults, reads of the online store."""

    by_route: dict[str, float]
    requests: float
    defaults: float
    reads: float

    def cores(self, op: Operator, pod: Pod) -> float:
        """What the pod's process uses, at most what it may."""
        if pod.phase == "Loading":
            return STARTING_CORES
        ready = len(op.plant.cluster.ready_pods(pod.deployment))
        work = {
            "gateway": GATEWAY_S * self.requests,
            "fallback": FALLBACK_S * self.defaults,
            "online-store": STORE_S * self.reads,
            **{route: MODEL_S * rate for route, rate in self.by_route.items()},
        }
        share = work.get(pod.deployment, 0.0) / ready if ready and pod.phase == "Ready" else 0.0
        return min(IDLE_CORES + share, op.plant.cluster.deployments[pod.deployment].spec.cpu)


def load(op: Operator) -> Load:
    """Read the counters' growth."""
    reached = {
        model.name: sum(_rate(op, {"route": model.name, "code": code}) for code in REACHED)
        for model in op.plant.spec.models
    }
    return Load(
        reached,
        _rate(op, {}),
        _rate(op, {"source": "default"}, "shop_responses_total"),
        _rate(op, {}, "online_store_reads_total"),
    )


def _rate(op: Operator, labels: dict[str, str], name: str = "gateway_requests_total") -> float:
    total = 0.0
    for series in op.plant.store.select(name):
        if not labels.items() <= dict(series.labels).items():
            continue
        window = series.window(op.now_s - WINDOW_S, op.now_s)
        if len(window) > 1:
            total += float(window.values[-1] - window.values[0]) / float(window.times_s[-1] - window.times_s[0])
    return max(0.0, total)
