"""One pod's life: start, load, be killed for memory, back off, restart.

Source for the timing: Kubernetes documentation, "Pod Lifecycle" (restart back-off 10 s doubling to 300 s, the first
crash restarts at once, reset after 10 minutes of running).
"""

from __future__ import annotations

from collections.abc import Sequence

from reference_platform.durations import format_gib
from simulator.cluster.objects import LastState, Node, Pod

BACKOFF_FIRST_S = 10.0
BACKOFF_MAX_S = 300.0
BACKOFF_RESET_S = 600.0
BASE_PROCESS_BYTES = 600 << 20
"""Python, CUDA context and libraries of a model server before any weight is loaded."""


def backoff_s(crashes_in_row: int) -> float:
    """Pause before restart number `crashes_in_row`: 0, 10, 20, 40 ... 300 s."""
    if crashes_in_row <= 1:
        return 0.0
    return min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2.0 ** (crashes_in_row - 2))


def memory_bytes(pod: Pod, now_s: float) -> int:
    """Working set of the pod's container."""
    if pod.phase not in ("Loading", "Ready", "Terminating"):
        return 0
    if pod.template.model_version == 0:
        return pod.footprint.host_memory_bytes
    return int(BASE_PROCESS_BYTES + pod.loading_ratio(now_s) * (pod.footprint.host_memory_bytes - BASE_PROCESS_BYTES))


def gpu_memory_bytes(pod: Pod, now_s: float) -> int:
    """GPU memory the pod's process holds."""
    return int(pod.footprint.gpu_memory_bytes * pod.loading_ratio(now_s))


def start_container(pod: Pod, now_s: float) -> None:
    """The process starts; it is ready, or dead, at `wake_s`."""
    pod.phase = "Loading"
    pod.started_s = now_s
    pod.ready_s = 0.0
    need, limit = pod.footprint.host_memory_bytes, pod.template.memory_limit_bytes
    pod.wake_s = now_s + pod.footprint.load_s * min(1.0, limit / need if need else 1.0)
    if pod.template.model_version:
        version = pod.template.model_version
        pod.logs.append((now_s, "INFO", f"starting model server, MODEL_URI=models:/{pod.deployment}/{version}"))
        pod.logs.append(
            (
                now_s,
                "INFO",
                f"loading weights {format_gib(need)} host, GPU {format_gib(pod.footprint.gpu_memory_bytes)}",
            )
        )
    else:
        pod.logs.append((now_s, "INFO", "process started"))


def exceeds_limit(pod: Pod) -> bool:
    """True when loading this model cannot fit the container's memory limit."""
    return pod.footprint.host_memory_bytes > pod.template.memory_limit_bytes


def crash(pod: Pod, now_s: float, reason: str, exit_code: int) -> None:
    """The process died. The kubelet restarts it after the back-off."""
    if pod.ready_s and now_s - pod.ready_s >= BACKOFF_RESET_S:
        pod.crashes_in_row = 0
    pod.crashes_in_row += 1
    pod.last = LastState(reason, exit_code, pod.started_s, now_s)
    pod.previous_logs = tuple(pod.logs)
    pod.logs.clear()
    pod.phase = "CrashLoopBackOff"
    pod.ready_s = 0.0
    pod.wake_s = now_s + backoff_s(pod.crashes_in_row)


def unschedulable(nodes: Sequence[Node], pod: Pod) -> str:
    """What the scheduler says when no node takes the pod."""
    wrong_pool = sum(node.spec.pool != pod.template.node_pool for node in nodes)
    cordoned = sum(node.spec.pool == pod.template.node_pool and node.cordoned for node in nodes)
    full = len(nodes) - wrong_pool - cordoned
    parts = [f"{full} Insufficient memory"] if full else []
    if cordoned:
        parts.append(f"{cordoned} node(s) were unschedulable")
    if wrong_pool:
        parts.append(f"{wrong_pool} node(s) didn't match Pod's node affinity/selector")
    return f"0/{len(nodes)} nodes are available: " + ", ".join(parts) + "."
