"""GPU over-commit, neighbours that load, and how many pods a pool has room for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.cluster.cluster import GPU_PRESSURE_FAIL_RATIO, Cluster
from simulator.cluster.objects import Footprint, Pod
from tests.unit.simulator.cluster.small_cluster import GIB, HUGE, LOAD_S, deployment_spec, settle, small_cluster


def _on(cluster: Cluster, node: str, deployment: str) -> Pod:
    (pod,) = [pod for pod in cluster.pods_of(deployment) if pod.node == node]
    return pod


def _takes(pod: Pod, gpu_bytes: int) -> None:
    pod.footprint = Footprint(pod.footprint.host_memory_bytes, gpu_bytes, pod.footprint.load_s)


@pytest.mark.parametrize(("spare_bytes", "expected"), [(1, 0.0), (0, 0.0), (-1, 0.3)])
def test_batches_fail_once_a_device_holds_more_than_it_has(spare_bytes: int, expected: float) -> None:
    cluster = small_cluster()
    ranker, fraud = _on(cluster, "gpu-1", "ranker"), _on(cluster, "gpu-1", "fraud")
    _takes(ranker, 18 * GIB - 5 * GIB - spare_bytes)
    assert cluster.gpu_used_bytes("gpu-1", 0.0) == 18 * GIB - spare_bytes
    assert cluster.fail_ratio(ranker, 0.0) == expected
    assert cluster.fail_ratio(fraud, 0.0) == expected
    assert cluster.fail_ratio(_on(cluster, "gpu-2", "ranker"), 0.0) == 0.0
    assert GPU_PRESSURE_FAIL_RATIO == 0.3


def test_a_model_that_loads_presses_as_its_weights_arrive() -> None:
    """14 GiB beside 5 and 5 on a device of 18: too much from four sevenths of the way on."""
    cluster = small_cluster()
    near = _on(cluster, "gpu-1", "fraud")
    loading = _on(cluster, "gpu-1", "ranker")
    _takes(loading, 14 * GIB)
    loading.phase, loading.started_s, loading.ready_s = "Loading", 100.0, 0.0
    for share, expected in ((0.0, 0.0), (0.5, 0.0), (0.92, 0.0), (0.94, 0.3), (1.0, 0.3)):
        assert cluster.fail_ratio(near, 100.0 + share * LOAD_S) == expected


def test_a_machine_without_a_device_has_no_pressure() -> None:
    cluster = small_cluster()
    gateway = cluster.ready_pods("gateway")[0]
    _takes(gateway, 5 * GIB)
    assert cluster.gpu_used_bytes("cpu-1", 0.0) == 5 * GIB
    assert cluster.fail_ratio(gateway, 0.0) == 0.0


def test_each_model_that_loads_on_the_device_slows_its_neighbours() -> None:
    cluster = small_cluster()
    ranker, fraud = _on(cluster, "gpu-1", "ranker"), _on(cluster, "gpu-1", "fraud")
    assert cluster.slowdown(ranker) == 1.0
    fraud.phase = "Loading"
    assert cluster.slowdown(ranker) == pytest.approx(1.8)
    ranker.phase = "Loading"
    assert cluster.slowdown(ranker) == pytest.approx(2.6)
    assert cluster.slowdown(_on(cluster, "gpu-2", "ranker")) == 1.0
    _takes(fraud, 1)
    assert cluster.slowdown(ranker) == pytest.approx(2.6)
    _takes(fraud, 0)
    assert cluster.slowdown(ranker) == pytest.approx(1.8), "a program without a model loads nothing"


def test_a_model_that_fills_the_device_to_the_last_byte_runs() -> None:
    for spare_bytes, phase in ((0, "Ready"), (-1, "CrashLoopBackOff")):
        cluster = small_cluster()
        cluster.delete_pod(_on(cluster, "gpu-1", "fraud").name, 0.0)
        settle(cluster, 0.0, 8.0)
        (fresh,) = [pod for pod in cluster.pods_of("fraud") if pod.phase == "Loading"]
        neighbours = (
            cluster.gpu_used_bytes(fresh.node, 8.0) - fresh.loading_ratio(8.0) * fresh.footprint.gpu_memory_bytes
        )
        _takes(fresh, 18 * GIB - int(neighbours) - spare_bytes)
        cluster.tick(fresh.wake_s)
        assert fresh.phase == phase
    text = next(line for _, level, line in fresh.previous_logs if level == "ERROR")
    assert text == (
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 13.00 GiB."
        " GPU 0 has a total capacity of 18.00 GiB of which 13.00 GiB is free."
    )


@pytest.mark.parametrize(
    ("changes", "room"),
    [
        ({}, 7),
        ({"memory_limit_bytes": 7 * GIB}, 4),
        ({"memory_limit_bytes": 4 * GIB}, 7),
        ({"memory_limit_bytes": 4 * GIB - 1}, 0),
        ({"node_pool": "large"}, 10),
        ({"node_pool": "cpu"}, 0),
        ({"node_pool": "nowhere"}, 0),
        ({"model_version": HUGE}, 0),
        ({"model_version": HUGE, "memory_limit_bytes": 11 * GIB}, 1),
        ({"model_version": HUGE, "memory_limit_bytes": 11 * GIB - 1, "node_pool": "large"}, 0),
        ({"model_version": HUGE, "memory_limit_bytes": 11 * GIB, "node_pool": "large"}, 5),
        ({"model_version": HUGE, "memory_limit_bytes": 13 * GIB, "node_pool": "large"}, 4),
    ],
)
def test_room_is_what_memory_and_device_leave_beside_everything_else(changes: dict[str, object], room: int) -> None:
    """Own pods take no room from themselves: three run, and seven could."""
    cluster = small_cluster()
    template = replace(cluster.deployments["ranker"].template, **changes)  # type: ignore[arg-type]
    assert cluster.room_for("ranker", template) == room


def test_a_program_without_a_model_needs_memory_alone() -> None:
    cluster = small_cluster()
    assert cluster.room_for("gateway", cluster.deployments["gateway"].template) == 10
    assert cluster.room_for("store", cluster.deployments["store"].template) == 3


def test_a_cordoned_node_has_room_for_what_is_ready_on_it() -> None:
    cluster = small_cluster()
    template = cluster.deployments["ranker"].template
    cluster.cordon("gpu-3", cordoned=True)
    assert cluster.room_for("ranker", template) == 5
    cluster.cordon("gpu-1", cordoned=True)
    assert cluster.room_for("ranker", template) == 4
    _on(cluster, "gpu-1", "ranker").phase = "Loading"
    assert cluster.room_for("ranker", template) == 3
    assert cluster.room_for("ranker", replace(template, revision=2)) == 2, "pods of another revision keep no place"
    cluster.cordon("gpu-3", cordoned=False)
    assert cluster.room_for("ranker", replace(template, revision=2)) == 5


def test_a_job_beside_it_takes_room() -> None:
    cluster = small_cluster()
    template = replace(cluster.deployments["ranker"].template, node_pool="large")
    cluster.add_deployment(deployment_spec("job", replicas=2, node_pool="large", memory_limit="8Gi"), 0.0, "me", "new")
    assert cluster.room_for("ranker", template) == 7
