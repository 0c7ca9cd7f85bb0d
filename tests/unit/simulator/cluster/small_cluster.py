"""A cluster small enough to count on fingers: three GPU nodes, a large one, a CPU node."""

from __future__ import annotations

from typing import Any

from reference_platform.spec import DeploymentSpec, PlatformSpec
from simulator.cluster.cluster import Cluster
from simulator.cluster.objects import Footprint, Pod

GIB = 1 << 30
LOAD_S = 20.0
STARTUP_S = 6.0
HUGE = 4
"""The version that needs 11 GiB of host and 14 GiB of GPU memory."""


def footprint(model: str, version: int) -> Footprint:
    """Versions below `HUGE` are modest."""
    if version >= HUGE:
        return Footprint(11 * GIB, 14 * GIB, LOAD_S)
    return Footprint(4 * GIB, 5 * GIB, LOAD_S)


def _node(name: str, pool: str, memory: str, gpu_memory: str | None) -> dict[str, Any]:
    gpu = {"gpu_name": "A", "gpu_memory": gpu_memory} if gpu_memory else {}
    return {"name": name, "pool": pool, "cpu_cores": 8, "memory": memory, **gpu}


def _deployment(name: str, **changes: Any) -> dict[str, Any]:
    base = {"name": name, "component": name, "replicas": 3, "node_pool": "gpu", "cpu": 1, "startup": f"{STARTUP_S:g}s"}
    return base | {"memory_limit": "6Gi"} | changes


def deployment_spec(name: str, **changes: Any) -> DeploymentSpec:
    """A deployment to add later."""
    return DeploymentSpec.model_validate(_deployment(name, **changes))


_REST: dict[str, Any] = {
    "name": "small",
    "description": "for tests",
    "models": [],
    "gateway": {"retry": {"attempts_max": 3, "backoff": "200ms"}, "in_flight_max": 4096},
    "online_store": {
        "connections_max": 200,
        "serving_connections": 60,
        "read": "2ms",
        "acquire_timeout": "250ms",
        "cache_ttl": "60s",
    },
    "traffic": {"requests_per_s": 10},
    "slo": {"availability": 0.99},
    "alerts": [],
    "scrape": {"active": "15s", "quiet": "60s"},
}


def small_spec() -> PlatformSpec:
    """The platform of the small cluster."""
    gpu_nodes = [_node(f"gpu-{n}", "gpu", "20Gi", "18Gi") for n in (1, 2, 3)]
    return PlatformSpec.model_validate(
        _REST
        | {
            "nodes": [*gpu_nodes, _node("large-1", "large", "64Gi", "80Gi"), _node("cpu-1", "cpu", "16Gi", None)],
            "deployments": [
                _deployment("ranker", model="ranker"),
                _deployment("fraud", model="fraud", replicas=2),
                _deployment("gateway", node_pool="cpu", memory_limit="1Gi", memory_use="500Mi", replicas=2),
                _deployment(
                    "store", node_pool="cpu", memory_limit="4Gi", memory_use="2Gi", replicas=1, kind="StatefulSet"
                ),
            ],
        }
    )


def small_cluster() -> Cluster:
    """Everything ready, for a long time."""
    return Cluster(small_spec(), {"ranker": 3, "fraud": 1}, footprint)


def settle(cluster: Cluster, now_s: float, until_s: float) -> None:
    """Tick at every wake-up until `until_s`."""
    for _ in range(100_000):
        due_s = max(now_s, cluster.next_wake_s())
        if due_s > until_s:
            return
        now_s = due_s
        cluster.tick(now_s)
    raise AssertionError("the cluster never rests")


def only(pods: list[Pod]) -> Pod:
    """The one pod of the list."""
    (pod,) = pods
    return pod
