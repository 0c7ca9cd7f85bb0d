"""The GPUs as they are now: who holds their memory, how busy they are, and what that does to heat and power."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.cluster.lifecycle import gpu_memory_bytes
from simulator.cluster.objects import Node, Pod
from simulator.cluster.power import clocks_mhz, heat_c, memory_busy_percent, memory_heat_c, power_limit_w, power_w
from simulator.plant.plant import Plant


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU at one instant."""

    name: str
    used_mib: int
    total_mib: int
    busy_percent: float

    @property
    def memory_busy_percent(self) -> float:
        return memory_busy_percent(self.busy_percent)

    @property
    def power_w(self) -> float:
        return power_w(self.name, self.busy_percent)

    @property
    def cap_w(self) -> float:
        return power_limit_w(self.name)

    @property
    def heat_c(self) -> float:
        return heat_c(self.busy_percent)

    @property
    def memory_heat_c(self) -> float:
        return memory_heat_c(self.busy_percent)

    @property
    def memory_clock_mhz(self) -> int:
        return clocks_mhz(self.name)[0]

    @property
    def graphics_clock_mhz(self) -> int:
        return clocks_mhz(self.name)[1]


def gpu_of(plant: Plant, node: Node) -> Gpu:
    """The GPU of a machine that has one. How busy it is, is as of the last scrape."""
    spec = node.spec
    busy = [s.last_value for s in plant.store.select("DCGM_FI_DEV_GPU_UTIL") if ("node", spec.name) in s.labels]
    total_mib = spec.gpu_memory >> 20
    return Gpu(
        name=spec.gpu_name,
        used_mib=min(total_mib, plant.cluster.gpu_used_bytes(spec.name, plant.now_s) >> 20),
        total_mib=total_mib,
        busy_percent=busy[0] if busy and busy[0] >= 0.0 else 0.0,
    )


def gpu_holders(plant: Plant, node: Node) -> list[tuple[Pod, int]]:
    """Pods whose processes hold memory of the machine's GPU, each with how many MiB."""
    held = [pod for pod in plant.cluster.pods.values() if pod.node == node.spec.name]
    sizes_mib = [(pod, gpu_memory_bytes(pod, plant.now_s) >> 20) for pod in held]
    return [(pod, size_mib) for pod, size_mib in sizes_mib if size_mib]
