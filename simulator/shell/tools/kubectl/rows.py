"""What kubectl prints of the cluster, one row per object, and which rows would catch an eye."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reference_platform.durations import format_gib
from simulator.cluster.naming import template_hash
from simulator.cluster.objects import PLATFORM_SINCE_S, ClusterEvent, Deployment, Pod, Template
from simulator.shell.calendar import age, human_duration
from simulator.shell.components import distinct
from simulator.shell.context import Operator
from simulator.shell.network import address_of, service_address, service_port, services
from simulator.shell.tools.kubectl import objects
from simulator.shell.tools.kubectl.node_objects import node as node_object
from simulator.shell.tools.kubectl.objects import Json, image

SYNC_S = 12.0
"""How often a kubelet says again that it waits."""
ADDRESSES_MAX = 3
OOM_SHOWN_S = 10.0
"""A killed container shows its reason this long before the status turns to CrashLoopBackOff."""
EVENTS_KEPT_S = 3600.0
"""Source: Kubernetes, kube-apiserver --event-ttl, default 1h."""
SUBJECTS_MAX = 3
VERSION = "v1.32.3"
PLATFORM_AGE_S = -PLATFORM_SINCE_S
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
    document: Json = field(default_factory=dict)
    """The API object."""

    @property
    def labels(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.document.get("metadata", {}).get("labels", {})
        return found

    @property
    def namespace(self) -> str:
        return str(self.document.get("metadata", {}).get("namespace", ""))


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
        return f"{pod.restarts} ({human_duration(now_s - pod.last.finished_s)} ago)"
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
    ready = "1/1" if pod.phase == "Ready" else "0/1"
    return Row(
        pod.name,
        (pod.name, ready, status(pod, op.now_s), restarts(pod, op.now_s), age(op, pod.created_s)),
        (address_of(op, pod.name) if pod.node else "<none>", pod.node or "<none>", "<none>", "<none>"),
        op.plant.cluster.component_of(pod.deployment),
        abnormal(pod),
        objects.pod(op, pod),
    )


def created_s(item: Deployment) -> float:
    """When a workload was created; what the platform began with is older than the simulation."""
    return item.created_at_s


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
    return objects.overdue(op, item, counts(op, item)[2])


def _workload(op: Operator, item: Deployment, cells: Sequence[str]) -> Row:
    name, (_, fresh, ready) = item.spec.name, counts(op, item)
    return Row(
        name,
        (name, *cells, age(op, created_s(item))),
        (name, image(item), f"app={name}"),
        op.plant.cluster.component_of(name),
        ready < item.replicas or fresh < item.replicas or not item.replicas,
        objects.workload(op, item),
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


def replica_set(item: Deployment, template: Template) -> str:
    """The replica set that keeps pods of the template."""
    return f"{item.spec.name}-{template_hash(item.spec.name, template.set_number)}"


def replicasets(op: Operator) -> Listing:
    """`kubectl get replicasets`."""
    rows = []
    for item in living(op, "Deployment"):
        for template in item.revisions:
            document = objects.replica_set(op, item, template)
            name, labels = document["metadata"]["name"], document["spec"]["selector"]["matchLabels"]
            wanted, found = document["spec"]["replicas"], document["status"]
            counted_pods = (str(wanted), str(found["replicas"]), str(found["readyReplicas"]))
            wide = (item.spec.name, objects.image(item, template.release), _pairs(labels))
            component, odd = op.plant.cluster.component_of(item.spec.name), found["readyReplicas"] < wanted
            rows.append(Row(name, (name, *counted_pods, age(op, template.set_since_s)), wide, component, odd, document))
    rows.sort(key=lambda row: row.name)
    return Listing("replicasets", ("NAME", "DESIRED", "CURRENT", "READY", "AGE"), WIDE_WORKLOAD, tuple(rows))


def _pairs(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in labels.items())


def service_rows(op: Operator) -> Listing:
    """`kubectl get services`."""
    rows = []
    for name in sorted(services(op)):
        port = service_port(op, name)
        cells = (name, "ClusterIP", service_address(name), "<none>", f"{port}/TCP", age(op, -PLATFORM_AGE_S))
        rows.append(Row(name, cells, (f"app={name}",), document=objects.service(op, name, port)))
    headers = ("NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE")
    return Listing("services", headers, ("SELECTOR",), tuple(rows))


def endpoint_rows(op: Operator) -> Listing:
    """`kubectl get endpoints`."""
    rows = []
    for name in sorted(services(op)):
        document = objects.endpoints(op, name)
        held = [
            (e["ip"], p["port"])
            for s in document.get("subsets", ())
            for e in s.get("addresses", ())
            for p in s["ports"]
        ]
        component = op.plant.cluster.component_of(name)
        rows.append(Row(name, (name, _few(f"{ip}:{at}" for ip, at in held), age(op, -PLATFORM_AGE_S)), (), component,
                        not held, document))  # fmt: skip
    return Listing("endpoints", ("NAME", "ENDPOINTS", "AGE"), (), tuple(rows))


def slice_rows(op: Operator) -> Listing:
    """`kubectl get endpointslices`."""
    rows = []
    for name in sorted(services(op)):
        document = objects.endpoint_slice(op, name)
        title, addresses = document["metadata"]["name"], (e["addresses"][0] for e in document["endpoints"])
        shown = _few(addresses, "<unset>")
        cells = (title, "IPv4", str(document["ports"][0]["port"]), shown, age(op, -PLATFORM_AGE_S))
        rows.append(Row(title, cells, (), op.plant.cluster.component_of(name), shown == "<unset>", document))
    return Listing("endpointslices", ("NAME", "ADDRESSTYPE", "PORTS", "ENDPOINTS", "AGE"), (), tuple(rows))


def _few(texts: Iterable[str], none: str = "<none>") -> str:
    found = list(texts)
    more = f" + {len(found) - ADDRESSES_MAX} more..." if len(found) > ADDRESSES_MAX else ""
    return (",".join(found[:ADDRESSES_MAX]) or none) + more


def nodes(op: Operator) -> Listing:
    """`kubectl get nodes`; the pool is the node's role."""
    rows = []
    for node in sorted(op.plant.cluster.nodes.values(), key=lambda node: node.spec.name):
        name, state = node.spec.name, "Ready,SchedulingDisabled" if node.cordoned else "Ready"
        cells = (name, state, node.spec.pool, age(op, -NODE_AGE_S), VERSION)
        wide = (address_of(op, name), "<none>", "Ubuntu 22.04.5 LTS", "5.15.0-143-generic", "containerd://1.7.27")
        rows.append(Row(name, cells, wide, name, node.cordoned, node_object(op, node)))
    wide = ("INTERNAL-IP", "EXTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME")
    return Listing("nodes", ("NAME", "STATUS", "ROLES", "AGE", "VERSION"), wide, tuple(rows))


def namespaces(op: Operator) -> Listing:
    """`kubectl get namespaces`."""
    since = age(op, -NODE_AGE_S)
    rows = tuple(Row(name, (name, "Active", since), document=objects.namespace(op, name)) for name in NAMESPACES)
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
    """Events that the API server still keeps, repeated ones once, by when they were last seen."""
    found: dict[tuple[str, str, str], Counted] = {}
    for event in events:
        again = max(0, int((min(op.now_s, event.repeated_until_s) - event.t_s) // SYNC_S))
        seen = replace(event, t_s=event.t_s + again * SYNC_S)
        if op.now_s - seen.t_s <= EVENTS_KEPT_S:
            key = (event.object, event.reason, event.message)
            earlier = found.pop(key, None)
            first_s, count = (earlier.first_s, earlier.count) if earlier else (event.t_s, 0)
            found[key] = Counted(seen, first_s, count + 1 + again)
    return sorted(found.values(), key=lambda item: item.last.t_s)


def events(op: Operator) -> Listing:
    """`kubectl get events`, oldest first."""
    rows = []
    for item in counted(op, op.plant.cluster.events):
        event = item.last
        cells = (age(op, event.t_s), event.type, event.reason, event.object, event.message)
        wide = ("", source_of(event), age(op, item.first_s), str(item.count))
        rows.append(Row(event.object, cells, wide, event.component, event.type == "Warning", event_object(op, item)))
    headers = ("LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE")
    return Listing("events", headers, ("SUBOBJECT", "SOURCE", "FIRST SEEN", "COUNT"), tuple(rows))


SOURCES = {
    "Scheduled": "default-scheduler",
    "FailedScheduling": "default-scheduler",
    "ScalingReplicaSet": "deployment-controller",
}


def source_of(event: ClusterEvent) -> str:
    """Who reported an event."""
    return SOURCES.get(event.reason, "kubelet")


def _uid_in_events(kind: str, name: str) -> str:
    """What an event calls its object: the kubelet knows its own node by name. Source: pkg/kubelet, nodeRef."""
    return name if kind == "Node" else objects.uid(kind, name)


def event_object(op: Operator, item: Counted) -> Json:
    """An event as an API object."""
    event = item.last
    kind, _, name = event.object.partition("/")
    kinds = {"pod": "Pod", "node": "Node", "deployment": "Deployment"}
    title = f"{name}.{objects.uid(event.reason, f'{event.object}/{event.message}')[:8]}{int(item.first_s):08x}"
    document = objects.made(op, "Event", title, item.first_s)
    about = {"kind": kinds[kind], "name": name, "namespace": "shop", "uid": _uid_in_events(kinds[kind], name)}
    document |= {"involvedObject": about, "reason": event.reason, "message": event.message, "type": event.type}
    document |= {"source": {"component": source_of(event)}, "reportingComponent": source_of(event), "count": item.count}
    times = {"firstTimestamp": objects.stamp(op, item.first_s), "lastTimestamp": objects.stamp(op, event.t_s)}
    return document | times | {"reportingInstance": ""}


def subjects_of(rows: Iterable[Row], asked: bool) -> tuple[str, ...]:
    """Components that rows say something about: all that were asked for by name or filter, else the odd ones.

    When nothing is odd, a short list speaks for each component in it and a long one for none.
    """
    rows = list(rows)
    named = distinct(row.component for row in rows)
    odd = distinct(row.component for row in rows if row.odd)
    return named if asked else odd or (named if len(named) <= SUBJECTS_MAX else ())


def mebibytes(size_bytes: float) -> str:
    """`512Mi`."""
    return f"{size_bytes / (1 << 20):.0f}Mi"


def limit(size_bytes: int) -> str:
    """A quantity as manifests write it."""
    return format_gib(size_bytes)
