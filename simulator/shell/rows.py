"""What kubectl prints of the cluster, one row per object, and which rows would catch an eye."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reference_platform.durations import format_duration, format_gib
from simulator.cluster.cluster import pod_name
from simulator.cluster.lifecycle import memory_bytes
from simulator.cluster.objects import ClusterEvent, Deployment, Node, Pod
from simulator.shell.calendar import age
from simulator.shell.components import distinct
from simulator.shell.context import Operator
from simulator.shell.network import address_of, service_address, service_port, services

OOM_SHOWN_S = 10.0
"""A killed container shows its reason this long before the status turns to CrashLoopBackOff."""
PROGRESS_DEADLINE_S = 600.0
"""Source: Kubernetes, Deployment progressDeadlineSeconds, default 600."""
EVENTS_KEPT_S = 3600.0
"""Source: Kubernetes, kube-apiserver --event-ttl, default 1h."""
SUBJECTS_MAX = 3
VERSION = "v1.32.3"
PLATFORM_AGE_S = 180 * 86400.0
NODE_AGE_S = 210 * 86400.0
NAMESPACES = ("default", "kube-system", "monitoring", "shop")


@dataclass(frozen=True, slots=True)
class Row:
    """One object. `cells` begin with its name unless the kind has none; `wide` follow them with -o wide."""

    name: str
    cells: tuple[str, ...]
    wide: tuple[str, ...] = ()
    component: str = ""
    odd: bool = False
    created_s: float = 0.0
    restarts: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects of a kind, under their headers."""

    kind: str
    headers: tuple[str, ...]
    wide: tuple[str, ...]
    rows: tuple[Row, ...]


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


def abnormal(pod: Pod) -> bool:
    """Whether something about the pod would catch the eye."""
    return pod.phase != "Ready" or pod.restarts > 0


def pods(op: Operator) -> Listing:
    """`kubectl get pods`."""
    return Listing(
        "pods",
        ("NAME", "READY", "STATUS", "RESTARTS", "AGE"),
        ("IP", "NODE", "NOMINATED NODE", "READINESS GATES"),
        tuple(_pod(op, pod) for pod in sorted(op.plant.cluster.pods.values(), key=lambda pod: pod.name)),
    )


def _pod(op: Operator, pod: Pod) -> Row:
    shown = status(pod, op.now_s)
    api_phase = "Pending" if pod.phase in ("Pending", "ContainerCreating") else "Running"
    ready = "1/1" if pod.phase == "Ready" else "0/1"
    return Row(
        pod.name,
        (pod.name, ready, shown, restarts(pod, op.now_s), age(op, pod.created_s)),
        (address_of(op, pod.name) if pod.node else "<none>", pod.node or "<none>", "<none>", "<none>"),
        op.plant.cluster.component_of(pod.deployment),
        abnormal(pod),
        pod.created_s,
        pod.restarts,
        {"app": pod.deployment, "pool": pod.template.node_pool},
        {"metadata.name": pod.name, "spec.nodeName": pod.node, "status.phase": api_phase},
    )


def created_s(item: Deployment) -> float:
    """When a workload was created; what the platform began with is older than the simulation."""
    first = item.history[0]
    return first.created_at_s if first.by != "platform" else -PLATFORM_AGE_S


def living(op: Operator, spec_kind: str) -> list[Deployment]:
    """Workloads of a kind that have not been deleted, by name."""
    found = [item for item in op.plant.cluster.deployments.values() if not item.deleted and item.spec.kind == spec_kind]
    return sorted(found, key=lambda item: item.spec.name)


def counts(op: Operator, item: Deployment) -> tuple[int, int, int]:
    """Pods of a workload that are not terminating: all, of the current template, ready."""
    alive = [pod for pod in op.plant.cluster.pods_of(item.spec.name) if pod.phase != "Terminating"]
    fresh = sum(pod.template.revision == item.template.revision for pod in alive)
    return len(alive), fresh, sum(pod.phase == "Ready" for pod in alive)


def overdue(op: Operator, item: Deployment) -> bool:
    """Whether a roll-out has not finished within the progress deadline."""
    return counts(op, item)[2] < item.replicas and op.now_s - item.template.created_at_s > PROGRESS_DEADLINE_S


def image(item: Deployment, release: str = "") -> str:
    """The image reference of a workload, or of a pod of it that runs `release`."""
    program = "model-server" if item.spec.model else item.spec.name
    return f"registry.shop.internal/{program}:{release or item.template.release or 'stable'}"


def _workload(op: Operator, item: Deployment, cells: Sequence[str]) -> Row:
    name, (_, fresh, ready) = item.spec.name, counts(op, item)
    return Row(
        name,
        (name, *cells, age(op, created_s(item))),
        (name, image(item), f"app={name}"),
        op.plant.cluster.component_of(name),
        ready < item.replicas or fresh < item.replicas or not item.replicas,
        created_s(item),
        labels={"app": name},
        fields={"metadata.name": name},
    )


WIDE_WORKLOAD = ("CONTAINERS", "IMAGES", "SELECTOR")


def deployments(op: Operator) -> Listing:
    """`kubectl get deployments`."""
    rows = []
    for item in living(op, "Deployment"):
        _, fresh, ready = counts(op, item)
        rows.append(_workload(op, item, (f"{ready}/{item.replicas}", str(fresh), str(ready))))
    return Listing("deployments", ("NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"), WIDE_WORKLOAD, tuple(rows))


def statefulsets(op: Operator) -> Listing:
    """`kubectl get statefulsets`."""
    rows = [_workload(op, item, (f"{counts(op, item)[2]}/{item.replicas}",)) for item in living(op, "StatefulSet")]
    return Listing("statefulsets", ("NAME", "READY", "AGE"), WIDE_WORKLOAD, tuple(rows))


def jobs(op: Operator) -> Listing:
    """`kubectl get jobs`."""
    rows = []
    for item in living(op, "Job"):
        state = "Running" if item.replicas else "Suspended"
        rows.append(_workload(op, item, (state, f"0/{max(1, item.replicas)}", age(op, created_s(item)))))
    return Listing("jobs", ("NAME", "STATUS", "COMPLETIONS", "DURATION", "AGE"), WIDE_WORKLOAD, tuple(rows))


def replica_set(item: Deployment, revision: int) -> str:
    """The replica set behind a revision."""
    return pod_name(item, revision, 1).rpartition("-")[0]


def replicasets(op: Operator) -> Listing:
    """`kubectl get replicasets`."""
    rows = []
    for item in living(op, "Deployment"):
        alive = [pod for pod in op.plant.cluster.pods_of(item.spec.name) if pod.phase != "Terminating"]
        for template in item.history:
            mine = [pod for pod in alive if pod.template.revision == template.revision]
            ready = sum(pod.phase == "Ready" for pod in mine)
            wanted = item.replicas if template is item.template else len(mine)
            since_s = template.created_at_s if template.by != "platform" else -PLATFORM_AGE_S
            name = replica_set(item, template.revision)
            rows.append(
                Row(
                    name,
                    (name, str(wanted), str(len(mine)), str(ready), age(op, since_s)),
                    (item.spec.name, image(item), f"app={item.spec.name}"),
                    op.plant.cluster.component_of(item.spec.name),
                    ready < wanted,
                    since_s,
                    labels={"app": item.spec.name},
                )
            )
    return Listing("replicasets", ("NAME", "DESIRED", "CURRENT", "READY", "AGE"), WIDE_WORKLOAD, tuple(rows))


def service_rows(op: Operator) -> Listing:
    """`kubectl get services`."""
    rows = []
    for name in sorted(services(op)):
        port = f"{service_port(name)}/TCP"
        cells = (name, "ClusterIP", service_address(name), "<none>", port, age(op, -PLATFORM_AGE_S))
        rows.append(Row(name, cells, (f"app={name}",), labels={"app": name}))
    headers = ("NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE")
    return Listing("services", headers, ("SELECTOR",), tuple(rows))


def nodes(op: Operator) -> Listing:
    """`kubectl get nodes`; the pool is the node's role."""
    rows = []
    for node in op.plant.cluster.nodes.values():
        name, state = node.spec.name, "Ready,SchedulingDisabled" if node.cordoned else "Ready"
        cells = (name, state, node.spec.pool, age(op, -NODE_AGE_S), VERSION)
        wide = (address_of(op, name), "<none>", "Ubuntu 22.04.5 LTS", "5.15.0-143-generic", "containerd://1.7.27")
        labels = {"pool": node.spec.pool, "kubernetes.io/hostname": name}
        named = {"metadata.name": name}
        rows.append(Row(name, cells, wide, name, node.cordoned, -NODE_AGE_S, labels=labels, fields=named))
    wide = ("INTERNAL-IP", "EXTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME")
    return Listing("nodes", ("NAME", "STATUS", "ROLES", "AGE", "VERSION"), wide, tuple(rows))


def namespaces(op: Operator) -> Listing:
    """`kubectl get namespaces`."""
    rows = tuple(Row(name, (name, "Active", age(op, -NODE_AGE_S))) for name in NAMESPACES)
    return Listing("namespaces", ("NAME", "STATUS", "AGE"), (), rows)


@dataclass(frozen=True, slots=True)
class Counted:
    """An event that happened `count` times since `first_s`."""

    last: ClusterEvent
    first_s: float
    count: int

    def seen(self, op: Operator) -> str:
        """`12s`, or `12s (x5 over 3m)`."""
        since = age(op, self.last.t_s)
        return since if self.count == 1 else f"{since} (x{self.count} over {age(op, self.first_s)})"


def counted(op: Operator, events: Iterable[ClusterEvent]) -> list[Counted]:
    """Events that the API server still keeps, repeated ones once, oldest first."""
    found: dict[tuple[str, str, str], Counted] = {}
    for event in events:
        if op.now_s - event.t_s <= EVENTS_KEPT_S:
            key = (event.object, event.reason, event.message)
            earlier = found.pop(key, None)
            found[key] = Counted(event, earlier.first_s, earlier.count + 1) if earlier else Counted(event, event.t_s, 1)
    return list(found.values())


def events(op: Operator) -> Listing:
    """`kubectl get events`, oldest first."""
    rows = []
    for item in counted(op, op.plant.cluster.events):
        event = item.last
        kind, _, name = event.object.partition("/")
        fields = {
            "type": event.type,
            "reason": event.reason,
            "involvedObject.kind": kind.capitalize(),
            "involvedObject.name": name,
        }
        cells = (item.seen(op), event.type, event.reason, event.object, event.message)
        odd = event.type == "Warning"
        rows.append(Row(event.object, cells, (), event.component, odd, event.t_s, fields=fields))
    return Listing("events", ("LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"), (), tuple(rows))


def subjects_of(rows: Iterable[Row], asked: bool) -> tuple[str, ...]:
    """Components that rows say something about: all that were asked for by name or filter, else the odd ones.

    When nothing is odd, a short list speaks for each component in it and a long one for none.
    """
    rows = list(rows)
    named = distinct(row.component for row in rows)
    odd = distinct(row.component for row in rows if row.odd)
    return named if asked else odd or (named if len(named) <= SUBJECTS_MAX else ())


def node_use(op: Operator, node: Node) -> tuple[int, int]:
    """Bytes promised to pods of the node, and bytes their processes use."""
    held = [pod for pod in op.plant.cluster.pods.values() if pod.node == node.spec.name]
    return sum(p.template.memory_limit_bytes for p in held), sum(memory_bytes(p, op.now_s) for p in held)


def mebibytes(size_bytes: float) -> str:
    """`512Mi`."""
    return f"{size_bytes / (1 << 20):.0f}Mi"


def limit(size_bytes: int) -> str:
    """A quantity as manifests write it."""
    return format_gib(size_bytes)
