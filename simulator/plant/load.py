"""What pods and machines use now: processor time, estimated from the requests that passed through them, and memory."""

from __future__ import annotations

from dataclasses import dataclass

from reference_platform.roles import FALLBACK, GATEWAY, STORE
from simulator.cluster.lifecycle import memory_bytes
from simulator.cluster.objects import Node, Pod
from simulator.plant.plant import Plant

WINDOW_S = 120.0
MODEL_S, GATEWAY_S, FALLBACK_S, STORE_S = 0.006, 0.0008, 0.0004, 0.0003
"""Processor seconds per request or read."""
IDLE_CORES = 0.012
STARTING_CORES = 0.95
SYSTEM_CORES = 0.1
"""Kubelet and system of a machine."""
REACHED = ("200", "500", "504")
"""Codes of requests that a model server worked on."""


@dataclass(frozen=True, slots=True)
class Load:
    """Per second, over the last minutes: requests that reached a route's servers, requests at the gateway, responses
    with defaults, reads of the online store."""

    plant: Plant
    by_route: dict[str, float]
    requests: float
    defaults: float
    reads: float

    def cores(self, pod: Pod) -> float:
        """What the pod's process uses, at most what it may."""
        if pod.phase == "Loading":
            return STARTING_CORES
        cluster = self.plant.cluster
        spec = cluster.deployments[pod.deployment].spec
        names = (pod.deployment,) if spec.role is None else self.plant.spec.of_role(spec.role)
        ready = sum(len(cluster.ready_pods(name)) for name in names)
        work = {
            GATEWAY: GATEWAY_S * self.requests,
            FALLBACK: FALLBACK_S * self.defaults,
            STORE: STORE_S * self.reads,
            **{route: MODEL_S * rate for route, rate in self.by_route.items()},
        }
        share = work.get(spec.role or pod.deployment, 0.0) / ready if ready and pod.phase == "Ready" else 0.0
        return min(IDLE_CORES + share, spec.cpu)

    def node_cores(self, node: Node) -> float:
        """What runs on a machine uses, the system included."""
        held = [pod for pod in self.plant.cluster.pods.values() if pod.node == node.spec.name]
        running = [pod for pod in held if memory_bytes(pod, self.plant.now_s)]
        return SYSTEM_CORES + sum(self.cores(pod) for pod in running)


def load(plant: Plant) -> Load:
    """Read the counters' growth."""
    reached = {
        model.name: sum(_rate(plant, {"route": model.name, "code": code}) for code in REACHED)
        for model in plant.spec.models
    }
    return Load(
        plant,
        reached,
        _rate(plant, {}),
        _rate(plant, {"source": "default"}, "shop_responses_total"),
        _rate(plant, {}, "online_store_reads_total"),
    )


def node_memory_bytes(plant: Plant, node: Node) -> int:
    """Memory in use on a machine: its processes, and half of what the system may have."""
    held = [pod for pod in plant.cluster.pods.values() if pod.node == node.spec.name]
    return node.spec.system_memory // 2 + sum(memory_bytes(pod, plant.now_s) for pod in held)


def _rate(plant: Plant, labels: dict[str, str], name: str = "gateway_requests_total") -> float:
    total = 0.0
    for series in plant.store.select(name):
        if not labels.items() <= dict(series.labels).items():
            continue
        window = series.window(plant.now_s - WINDOW_S, plant.now_s)
        if len(window) > 1:
            total += float(window.values[-1] - window.values[0]) / float(window.times_s[-1] - window.times_s[0])
    return max(0.0, total)
