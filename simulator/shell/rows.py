"""What kubectl prints of the cluster: statuses, restarts, rows."""

from __future__ import annotations

from collections.abc import Iterable

from reference_platform.durations import format_duration, format_gib
from simulator.cluster.lifecycle import memory_bytes
from simulator.cluster.objects import Deployment, Node, Pod
from simulator.shell.calendar import age
from simulator.shell.context import Operator

OOM_SHOWN_S = 10.0
"""A killed container shows its reason this long before the status turns to CrashLoopBackOff."""
SUBJECTS_MAX = 3


def status(pod: Pod, now_s: float) -> str:
    """The STATUS column."""
    if pod.phase in ("Loading", "Ready"):
        return "Running"
    if pod.phase == "CrashLoopBackOff" and pod.last is not None and now_s - pod.last.finished_s < OOM_SHOWN_S:
        return pod.last.reason
    return pod.phase


def restarts(pod: Pod, now_s: float) -> str:
    """The RESTARTS column, with the age of the last one."""
    if pod.restarts and pod.last is not None:
        return f"{pod.restarts} ({format_duration(now_s - pod.last.finished_s)} ago)"
    return str(pod.restarts)


def pod_row(op: Operator, pod: Pod, wide: bool) -> list[str]:
    """A row of `kubectl get pods`."""
    ready = "1/1" if pod.phase == "Ready" else "0/1"
    row = [pod.name, ready, status(pod, op.now_s), restarts(pod, op.now_s), age(op, pod.created_s)]
    return [*row, pod.node or "<none>"] if wide else row


def abnormal(pod: Pod) -> bool:
    """Whether something about the pod would catch the eye."""
    return pod.phase != "Ready" or pod.restarts > 0


def pods_matching(op: Operator, label: str | None) -> list[Pod]:
    """Pods with `app=NAME`, or all, in the order kubectl lists them."""
    app = (label or "").partition("=")[2]
    chosen = (pod for pod in op.plant.cluster.pods.values() if not label or pod.deployment == app)
    return sorted(chosen, key=lambda pod: pod.name)


def subjects_of(op: Operator, pods: Iterable[Pod]) -> tuple[str, ...]:
    """Components that a list of pods says something about: the abnormal ones, or all when they are few."""
    listed = list(pods)
    names = dict.fromkeys(op.plant.cluster.component_of(pod.deployment) for pod in listed)
    odd = dict.fromkeys(op.plant.cluster.component_of(pod.deployment) for pod in listed if abnormal(pod))
    if odd:
        return tuple(odd)
    return tuple(names) if len(names) <= SUBJECTS_MAX else ()


def deployment_row(op: Operator, item: Deployment) -> list[str]:
    """A row of `kubectl get deployments`."""
    pods = [p for p in op.plant.cluster.pods_of(item.spec.name) if p.phase != "Terminating"]
    ready = sum(p.phase == "Ready" for p in pods)
    fresh = sum(p.template.revision == item.template.revision for p in pods)
    since = item.history[0].created_at_s if item.history[0].created_at_s > 0 else -180 * 86400.0
    return [item.spec.name, f"{ready}/{item.replicas}", str(fresh), str(ready), age(op, since)]


def node_row(op: Operator, node: Node) -> list[str]:
    """A row of `kubectl get nodes`."""
    state = "Ready,SchedulingDisabled" if node.cordoned else "Ready"
    return [node.spec.name, state, node.spec.pool, age(op, -210 * 86400.0), "v1.32.3"]


def node_use(op: Operator, node: Node) -> tuple[int, int]:
    """Bytes promised to pods of the node, and bytes their processes use."""
    pods = [pod for pod in op.plant.cluster.pods.values() if pod.node == node.spec.name]
    return sum(p.template.memory_limit_bytes for p in pods), sum(memory_bytes(p, op.now_s) for p in pods)


def mebibytes(size_bytes: float) -> str:
    """`512Mi`."""
    return f"{size_bytes / (1 << 20):.0f}Mi"


def limit(size_bytes: int) -> str:
    """A quantity as manifests write it."""
    return format_gib(size_bytes)
