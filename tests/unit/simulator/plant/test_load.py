"""What pods, machines and GPUs use, in exact numbers at both sides of every border."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from reference_platform.monitoring.series import SeriesStore
from reference_platform.spec import NodeSpec
from simulator.cluster.objects import Node, Pod
from simulator.plant.gpu import Gpu, gpu_holders, gpu_of
from simulator.plant.load import IDLE_CORES, STARTING_CORES, SYSTEM_CORES, load, node_memory_bytes

MIB = 1 << 20
NOW_S = 600.0


def _pod(name: str, deployment: str, phase: str = "Ready", gpu_mib: int = 0) -> Pod:
    """A pod that has loaded all it needs: 1 MiB, and some of the GPU."""
    holds = SimpleNamespace(host_memory_bytes=MIB, gpu_memory_bytes=gpu_mib * MIB)
    return cast(
        "Pod",
        SimpleNamespace(name=name, deployment=deployment, phase=phase, node="gpu-1", footprint=holds,
                        template=SimpleNamespace(model_version=0), loading_ratio=lambda now_s: 1.0),
    )  # fmt: skip


_ROLE_OF = {"gateway": "gateway", "edge": "gateway", "defaults": "fallback", "redis-a": "online-store"}


def _spec(deployment: str, cpu: float) -> Any:
    return SimpleNamespace(cpu=cpu, role=_ROLE_OF.get(deployment))


def _plant(*pods: Pod, cpu: float = 2.0, busy_percent: float | None = None) -> Any:
    """Counters that grew by ten a second within the last two minutes, and much faster before."""
    store = SeriesStore(retention_s=3600.0, points_max=100)
    series = [
        ("gateway_requests_total", {"route": "recommendation", "code": "200"}),
        ("gateway_requests_total", {"route": "recommendation", "code": "503"}),
        ("shop_responses_total", {"route": "recommendation", "source": "default"}),
        ("shop_responses_total", {"route": "recommendation", "source": "model"}),
        ("online_store_reads_total", {}),
    ]
    for name, labels in series:
        handle = store.series(name, labels)
        for t_s, value in ((NOW_S - 120.0, 0.0), (NOW_S - 100.0, 1.2e6), (NOW_S, 1.2e6 + 1000.0)):
            handle.append(t_s, value)
    if busy_percent is not None:
        store.series("DCGM_FI_DEV_GPU_UTIL", {"node": "gpu-2"}).append(NOW_S, 99.0)
        store.series("DCGM_FI_DEV_GPU_UTIL", {"node": "gpu-1"}).append(NOW_S, busy_percent)
    cluster = SimpleNamespace(
        pods={pod.name: pod for pod in pods},
        deployments={pod.deployment: SimpleNamespace(spec=_spec(pod.deployment, cpu)) for pod in pods},
        ready_pods=lambda name: [pod for pod in pods if pod.deployment == name and pod.phase == "Ready"],
        gpu_used_bytes=lambda node, now_s: sum(pod.footprint.gpu_memory_bytes for pod in pods),
    )
    spec = SimpleNamespace(
        models=[SimpleNamespace(name="recommendation")],
        of_role=lambda role: tuple(
            dict.fromkeys(pod.deployment for pod in pods if _ROLE_OF.get(pod.deployment) == role)
        ),
    )
    return SimpleNamespace(spec=spec, store=store, now_s=NOW_S, cluster=cluster)


NODE = Node(
    NodeSpec.model_validate(
        {"name": "gpu-1", "pool": "gpu", "cpu_cores": 8, "memory": "16Gi", "gpu_memory": "80Gi"}
        | {"gpu_name": "NVIDIA A100-SXM4-80GB"}
    )
)


@pytest.mark.parametrize(
    ("deployment", "cores"),
    [
        ("recommendation", 0.006 * 10.0),
        ("gateway", 0.0008 * 20.0),
        ("edge", 0.0008 * 20.0),
        ("defaults", 0.0004 * 10.0),
        ("redis-a", 0.0003 * 10.0),
        ("mlflow", 0.0),
    ],
)
def test_work_is_shared_by_the_pods_that_are_ready(deployment: str, cores: float) -> None:
    one, two = _pod("a", deployment), _pod("b", deployment)
    assert load(_plant(one)).cores(one) == pytest.approx(IDLE_CORES + cores)
    assert load(_plant(one, two)).cores(two) == pytest.approx(IDLE_CORES + cores / 2)


def test_deployments_of_one_role_share_its_work() -> None:
    one, two = _pod("a", "gateway"), _pod("b", "edge")
    assert load(_plant(one, two)).cores(two) == pytest.approx(IDLE_CORES + 0.0008 * 20.0 / 2)


def test_a_pod_uses_no_more_than_it_may_and_works_only_when_it_is_ready() -> None:
    ready, loading, ending = _pod("a", "gateway"), _pod("b", "gateway", "Loading"), _pod("c", "gateway", "Terminating")
    found = load(_plant(ready, loading, ending, cpu=0.02))
    assert [found.cores(pod) for pod in (ready, loading, ending)] == [0.02, STARTING_CORES, IDLE_CORES]


def test_a_machine_uses_what_its_processes_use_and_the_system() -> None:
    plant = _plant(_pod("a", "mlflow"), _pod("b", "mlflow", "Pending"))
    assert load(plant).node_cores(NODE) == pytest.approx(SYSTEM_CORES + IDLE_CORES)
    assert node_memory_bytes(plant, NODE) == NODE.spec.system_memory // 2 + MIB


def test_a_gpu_is_as_busy_as_it_was_last_seen_and_holds_no_more_than_it_has() -> None:
    pods = [_pod("a", "recommendation", gpu_mib=2048), _pod("b", "recommendation")]
    assert gpu_of(_plant(*pods, busy_percent=50.0), NODE) == Gpu(NODE.spec.gpu_name, 2048, 80 << 10, 50.0)
    assert gpu_of(_plant(*pods), NODE).busy_percent == 0.0
    assert gpu_of(_plant(*pods, busy_percent=float("nan")), NODE).busy_percent == 0.0
    assert gpu_of(_plant(_pod("a", "recommendation", gpu_mib=81 << 10)), NODE).used_mib == 80 << 10
    assert gpu_holders(_plant(*pods), NODE) == [(pods[0], 2048)]


@pytest.mark.parametrize(
    ("name", "busy_percent", "power_w", "cap_w", "heat_c", "clocks_mhz"),
    [
        ("NVIDIA A100-SXM4-80GB", 0.0, 24.0, 400.0, 34.0, (1593, 1410)),
        ("NVIDIA A100-SXM4-80GB", 100.0, 400.0, 400.0, 74.0, (1593, 1410)),
        ("NVIDIA RTX A4500", 50.0, 112.0, 200.0, 54.0, (8001, 2100)),
        ("another", 50.0, 162.0, 300.0, 54.0, (8001, 1800)),
    ],
)
def test_heat_and_power_follow_how_busy_it_is(
    name: str, busy_percent: float, power_w: float, cap_w: float, heat_c: float, clocks_mhz: tuple[int, int]
) -> None:
    gpu = Gpu(name, 0, 1024, busy_percent)
    assert (gpu.power_w, gpu.cap_w, gpu.heat_c) == pytest.approx((power_w, cap_w, heat_c))
    assert gpu.memory_heat_c == pytest.approx(heat_c + 8.0)
    assert gpu.memory_busy_percent == pytest.approx(0.6 * busy_percent)
    assert (gpu.memory_clock_mhz, gpu.graphics_clock_mhz) == clocks_mhz
