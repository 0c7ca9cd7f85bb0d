"""The cluster as Kubernetes API objects: what `-o json`, paths, selectors and describe read.

The objects validate against the Kubernetes schemas. Names, uids and versions follow from the cluster alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from reference_platform.durations import format_gib
from reference_platform.errors import CommandError
from reference_platform.roles import MATERIALIZER, STORE
from simulator.cluster.naming import template_hash
from simulator.cluster.objects import Deployment, Pod, Template
from simulator.shell.calendar import MONDAY, moment
from simulator.shell.context import Operator
from simulator.shell.network import CONTAINER_PORT, PORTS, address_of, service_address
from simulator.shell.tools.kubectl.admission import admitted

Json = dict[str, Any]
NAMESPACE = "shop"
SINCE_S, NODE_SINCE_S = -180 * 86400.0, -210 * 86400.0
VERSION = "v1.32.3"
PROGRESS_DEADLINE_S = 600.0
"""Source: Kubernetes, Deployment progressDeadlineSeconds, default 600."""
API = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "EndpointSlice": "discovery.k8s.io/v1",
}
"""API group and version of kinds that are not in the core group."""


def stamp(op: Operator, t_s: float) -> str:
    """A simulation second as the API server writes times."""
    return f"{MONDAY + timedelta(seconds=int(op.drill.calendar_offset_s + t_s)):%Y-%m-%dT%H:%M:%SZ}"


def precise_stamp(op: Operator, t_s: float) -> str:
    """The same to the nanosecond, as container runtimes write it before a line."""
    return f"{moment(op, t_s):%Y-%m-%dT%H:%M:%S.%f}000Z"


def second_of(op: Operator, text: str) -> float:
    """The simulation second of a time in RFC 3339. Raises CommandError."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        what = f'error: invalid value "{text[:40]}" for --since-time: not a time in RFC3339'
        raise CommandError(what, fix=f"such as {stamp(op, op.now_s)}")
    return (time - MONDAY).total_seconds() - op.drill.calendar_offset_s


def uid(kind: str, name: str) -> str:
    """The uid of an object."""
    digits = blake2b(f"{kind}/{name}".encode(), digest_size=16).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def made(op: Operator, kind: str, name: str, since_s: float, *, labels: Json | None = None, **more: Any) -> Json:
    """The head of an object of namespace shop."""
    metadata: Json = {"name": name, "namespace": NAMESPACE, "uid": uid(kind, name)}
    metadata |= {"resourceVersion": str(80_000_000 + int(since_s)), "creationTimestamp": stamp(op, since_s)}
    metadata |= {"labels": labels} if labels else {}
    return {"apiVersion": API.get(kind, "v1"), "kind": kind, "metadata": metadata | more}


def owned_by(kind: str, name: str) -> list[Json]:
    """The reference to the object that keeps another one alive."""
    owner = {"apiVersion": API[kind], "kind": kind, "name": name, "uid": uid(kind, name)}
    return [owner | {"controller": True, "blockOwnerDeletion": True}]


def image(item: Deployment, release: str = "") -> str:
    """The image reference of a workload, or of a pod of it that runs `release`."""
    program = "model-server" if item.spec.model else item.spec.name
    return f"registry.shop.internal/{program}:{release or item.template.release or 'stable'}"


def port_of(item: Deployment) -> int:
    """Where its container listens."""
    return PORTS.get(item.spec.role, CONTAINER_PORT)


def environment(op: Operator, item: Deployment, template: Template) -> list[tuple[str, str]]:
    """Environment variables of a workload's container."""
    pairs: list[tuple[str, str]] = []
    if template.model_version:
        pairs.append(("MODEL_VERSION", str(template.model_version)))
        pairs.append(("MODEL_URI", f"models:/{item.spec.model}/{template.model_version}"))
    if template.model_version or item.spec.role == MATERIALIZER or item.spec.name in op.plant.pool.held():
        pairs.append(("ONLINE_STORE", f"{op.plant.spec.name_of(STORE)}:{PORTS[STORE]}"))
    return pairs


def cores(count: float) -> str:
    """An amount of processor as the API server writes it: whole cores, or thousandths of one."""
    return f"{count:g}" if count == int(count) else f"{count * 1000:g}m"


def container(op: Operator, item: Deployment, template: Template) -> Json:
    """The one container of a workload's pods."""
    amounts = {"cpu": cores(item.spec.cpu), "memory": format_gib(template.memory_limit_bytes)}
    found: Json = {"name": item.spec.name, "image": image(item, template.release), "imagePullPolicy": "IfNotPresent"}
    found |= {"resources": {"limits": amounts, "requests": dict(amounts)}}
    pairs = environment(op, item, template)
    found |= {"env": [{"name": name, "value": value} for name, value in pairs]} if pairs else {}
    if item.spec.kind != "Job":
        found["ports"] = [{"containerPort": port_of(item), "protocol": "TCP"}]
    if item.spec.model:
        probe = {
            "httpGet": {"path": "/ready", "port": 8080, "scheme": "HTTP"},
            "periodSeconds": 10,
            "timeoutSeconds": 1,
        }
        found["readinessProbe"] = probe | {"successThreshold": 1, "failureThreshold": 3}
    return found


def pod_spec(op: Operator, item: Deployment, template: Template) -> Json:
    """What a workload's pods have in common."""
    restart = "OnFailure" if item.spec.kind == "Job" else "Always"
    return {
        "containers": [container(op, item, template)],
        "restartPolicy": restart,
        "nodeSelector": {"pool": template.node_pool},
        "serviceAccountName": "default",
        "schedulerName": "default-scheduler",
        "dnsPolicy": "ClusterFirst",
        "terminationGracePeriodSeconds": 30,
    }


def pod_labels(item: Deployment, template: Template, pod_name: str = "") -> Json:
    """Labels of a workload's pods."""
    name = item.spec.name
    common = {"app": name, "pool": template.node_pool}
    if item.spec.kind == "Job":
        mine = {"batch.kubernetes.io/job-name": name, "controller-uid": uid("Job", name), "job-name": name}
        return common | {"batch.kubernetes.io/controller-uid": uid("Job", name), **mine}
    number = template_hash(name, template.set_number)
    if item.spec.kind == "StatefulSet":
        index = {"apps.kubernetes.io/pod-index": pod_name.rpartition("-")[2]} if pod_name else {}
        set_name = {"statefulset.kubernetes.io/pod-name": pod_name} if pod_name else {}
        return common | {**index, "controller-revision-hash": f"{name}-{number}", **set_name}
    return common | {"pod-template-hash": number}


def pod(op: Operator, item: Pod) -> Json:
    """A pod."""
    owner = op.plant.cluster.deployments[item.deployment]
    kind, by = owner.spec.kind, item.deployment
    if kind == "Deployment":
        kind, by = "ReplicaSet", f"{by}-{template_hash(by, item.template.set_number)}"  # type: ignore[assignment]
    labels = pod_labels(owner, item.template, item.name)
    document = made(op, "Pod", item.name, item.created_s, labels=labels, ownerReferences=owned_by(kind, by))
    document["spec"] = admitted(pod_spec(op, owner, item.template), item.name)
    document["spec"] |= {"nodeName": item.node} if item.node else {}
    document["status"] = _pod_status(op, item, owner)
    if item.phase == "Terminating":
        document["metadata"] |= {"deletionTimestamp": stamp(op, op.now_s), "deletionGracePeriodSeconds": 30}
    return document


def phase_of(item: Pod) -> str:
    """`status.phase`."""
    return "Pending" if item.phase in ("Pending", "ContainerCreating") else "Running"


def _pod_status(op: Operator, item: Pod, owner: Deployment) -> Json:
    is_ready = item.phase == "Ready"
    since = stamp(op, item.ready_s if is_ready else item.started_s or item.created_s)
    conditions: list[Json] = []
    for kind, holds in (
        ("PodReadyToStartContainers", bool(item.started_s)),
        ("Initialized", True),
        ("Ready", is_ready),
        ("ContainersReady", is_ready),
        ("PodScheduled", bool(item.node)),
    ):
        conditions.append({"type": kind, "status": str(holds), "lastTransitionTime": since})
    if not item.node:
        conditions[-1] |= {"reason": "Unschedulable", "message": item.message}
    status: Json = {"phase": phase_of(item), "conditions": conditions, "qosClass": "Guaranteed"}
    if not item.node:
        return status
    address = address_of(op, item.name)
    where = {"hostIP": address_of(op, item.node), "podIP": address, "podIPs": [{"ip": address}]}
    status |= where | {"startTime": stamp(op, item.created_s)}
    status["containerStatuses"] = [_container_status(op, item, owner, is_ready)]
    return status


def _container_status(op: Operator, item: Pod, owner: Deployment, is_ready: bool) -> Json:
    running = item.phase in ("Loading", "Ready", "Terminating") and bool(item.started_s)
    state: Json = (
        {"running": {"startedAt": stamp(op, item.started_s)}} if running else {"waiting": {"reason": item.phase}}
    )
    last: Json = {}
    if item.last is not None:
        times = {"startedAt": stamp(op, item.last.started_s), "finishedAt": stamp(op, item.last.finished_s)}
        last = {"terminated": {"reason": item.last.reason, "exitCode": item.last.exit_code, **times}}
    of_image = image(owner, item.template.release)
    digest = blake2b(of_image.encode(), digest_size=32).hexdigest()
    started_in = blake2b(f"{item.name}/{item.restarts}".encode(), digest_size=32).hexdigest()
    return {
        "name": item.deployment,
        "image": of_image,
        "imageID": f"{of_image.rpartition(':')[0]}@sha256:{digest}",
        "ready": is_ready,
        "started": running,
        "restartCount": item.restarts,
        "state": state,
        "lastState": last,
    } | ({"containerID": f"containerd://{started_in}"} if item.started_s or item.last else {})


def workload(op: Operator, item: Deployment) -> Json:
    """A deployment, stateful set or job."""
    name, kind, template = item.spec.name, item.spec.kind, item.template
    notes = {"kubernetes.io/change-cause": f"{template.cause} (by {template.by})"}
    notes |= {"deployment.kubernetes.io/revision": str(template.revision)} if kind == "Deployment" else {}
    document = made(op, kind, name, item.created_at_s, labels={"app": name}, annotations=notes)
    document["metadata"]["generation"] = len(item.history)
    alive = [each for each in op.plant.cluster.pods_of(name) if each.phase != "Terminating"]
    ready = sum(each.phase == "Ready" for each in alive)
    fresh = sum(each.template.revision == template.revision for each in alive)
    labels = {"app": name, "pool": template.node_pool}
    pods: Json = {"metadata": {"labels": labels}, "spec": pod_spec(op, item, template)}
    if kind == "Job":
        since = stamp(op, item.created_at_s)
        labels = pod_labels(item, template)
        pods["metadata"] = {"labels": labels}
        chosen = {"matchLabels": {"batch.kubernetes.io/controller-uid": uid("Job", name)}}
        document["spec"] = {"parallelism": 1, "completions": 1, "completionMode": "NonIndexed", "backoffLimit": 6}
        document["spec"] |= {"suspend": not item.replicas, "selector": chosen, "template": pods}
        document["status"] = {"active": len(alive), "ready": ready, "startTime": since}
        return document
    spec: Json = {"replicas": item.replicas, "selector": {"matchLabels": {"app": name}}, "template": pods}
    status: Json = {"observedGeneration": len(item.history), "replicas": len(alive), "readyReplicas": ready}
    status |= {"updatedReplicas": fresh, "availableReplicas": ready}
    if kind == "StatefulSet":
        spec |= {"serviceName": name, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}}
        document |= {"spec": spec, "status": status}
        return document
    limits = {"maxSurge": 0, "maxUnavailable": item.spec.max_unavailable}
    spec |= {"strategy": {"type": "RollingUpdate", "rollingUpdate": limits}, "revisionHistoryLimit": 10}
    spec |= {"progressDeadlineSeconds": int(PROGRESS_DEADLINE_S)}
    status |= {"unavailableReplicas": item.replicas - ready} if ready < item.replicas else {}
    status["conditions"] = _conditions(op, item, fresh, ready)
    document |= {"spec": spec, "status": status}
    return document


def overdue(op: Operator, item: Deployment, ready: int) -> bool:
    """Whether a roll-out with so many ready pods has not finished within the progress deadline."""
    return ready < item.replicas and op.now_s - item.template.created_at_s > PROGRESS_DEADLINE_S


def _conditions(op: Operator, item: Deployment, fresh: int, ready: int) -> list[Json]:
    """What the deployment controller says of its deployment. Source: pkg/controller/deployment, reasons."""
    template = item.template
    current = f"{item.spec.name}-{template_hash(item.spec.name, template.set_number)}"
    enough = ready >= max(0, item.replicas - item.spec.max_unavailable)
    available = ("MinimumReplicasAvailable", "Deployment has minimum availability.")
    if not enough:
        available = ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    progress = ("ReplicaSetUpdated", f'ReplicaSet "{current}" is progressing.')
    late = overdue(op, item, ready)
    if fresh >= item.replicas and ready >= item.replicas:
        progress = ("NewReplicaSetAvailable", f'ReplicaSet "{current}" has successfully progressed.')
    elif late:
        progress = ("ProgressDeadlineExceeded", f'ReplicaSet "{current}" has timed out progressing.')
    since = stamp(op, template.created_at_s)
    times = {"lastUpdateTime": since, "lastTransitionTime": since}
    return [
        {"type": kind, "status": str(holds), "reason": reason, "message": message, **times}
        for kind, holds, (reason, message) in (("Available", enough, available), ("Progressing", not late, progress))
    ]


def replica_set(op: Operator, item: Deployment, template: Template) -> Json:
    """The set that keeps the pods of one template of a deployment."""
    name, number = item.spec.name, template_hash(item.spec.name, template.set_number)
    labels = pod_labels(item, template)
    notes = {"deployment.kubernetes.io/desired-replicas": str(item.replicas)}
    notes |= {"deployment.kubernetes.io/max-replicas": str(item.replicas)}
    notes |= {"deployment.kubernetes.io/revision": str(template.revision)}
    notes |= {"kubernetes.io/change-cause": f"{template.cause} (by {template.by})"}
    document = made(op, "ReplicaSet", f"{name}-{number}", template.set_since_s, labels=labels, annotations=notes)
    document["metadata"]["ownerReferences"] = owned_by("Deployment", name)
    mine = [each for each in op.plant.cluster.pods_of(name) if each.phase != "Terminating"]
    mine = [each for each in mine if each.template.revision == template.revision]
    wanted = item.replicas if template is item.template else len(mine)
    pods = {"metadata": {"labels": labels}, "spec": pod_spec(op, item, template)}
    chosen = {"matchLabels": {"app": name, "pod-template-hash": number}}
    document["spec"] = {"replicas": wanted, "selector": chosen, "template": pods}
    ready = sum(each.phase == "Ready" for each in mine)
    document["status"] = {"replicas": len(mine), "readyReplicas": ready, "availableReplicas": ready}
    return document


def service(op: Operator, name: str, port: int) -> Json:
    """A service."""
    document = made(op, "Service", name, SINCE_S, labels={"app": name})
    address = service_address(name)
    ports = [{"port": port, "protocol": "TCP", "targetPort": port_of(op.plant.cluster.deployments[name])}]
    document["spec"] = {"type": "ClusterIP", "clusterIP": address, "clusterIPs": [address], "ports": ports}
    document["spec"] |= {"selector": {"app": name}, "sessionAffinity": "None", "internalTrafficPolicy": "Cluster"}
    document["spec"] |= {"ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"}
    document["status"] = {"loadBalancer": {}}
    return document


def endpoints(op: Operator, name: str) -> Json:
    """Who answers for a service: its pods that are ready, and those that are not yet."""
    document = made(op, "Endpoints", name, SINCE_S, labels={"app": name})
    port = {"port": port_of(op.plant.cluster.deployments[name]), "protocol": "TCP"}
    found: dict[bool, list[Json]] = {True: [], False: []}
    for each in sorted(op.plant.cluster.pods_of(name), key=lambda each: each.address):
        if each.node and each.phase != "Terminating":
            target = {"kind": "Pod", "name": each.name, "namespace": NAMESPACE, "uid": uid("Pod", each.name)}
            entry = {"ip": address_of(op, each.name), "nodeName": each.node, "targetRef": target}
            found[each.phase == "Ready"].append(entry)
    names = {True: "addresses", False: "notReadyAddresses"}
    subset = {names[is_ready]: entries for is_ready, entries in found.items() if entries}
    return document | ({"subsets": [subset | {"ports": [port]}]} if subset else {})


def endpoint_slice(op: Operator, name: str) -> Json:
    """The same as a slice."""
    title = f"{name}-{template_hash(f'slice/{name}', 1)[:5]}"
    document = made(op, "EndpointSlice", title, SINCE_S, labels={"kubernetes.io/service-name": name})
    port = {"port": port_of(op.plant.cluster.deployments[name]), "protocol": "TCP", "name": ""}
    entries: list[Json] = []
    for subset in endpoints(op, name).get("subsets", ()):
        for key, is_ready in (("addresses", True), ("notReadyAddresses", False)):
            for entry in subset.get(key, ()):
                states = {"ready": is_ready, "serving": is_ready, "terminating": False}
                rest = {"nodeName": entry["nodeName"], "targetRef": entry["targetRef"]}
                entries.append({"addresses": [entry["ip"]], "conditions": states, **rest})
    return document | {"addressType": "IPv4", "endpoints": entries, "ports": [port]}


def namespace(op: Operator, name: str) -> Json:
    """A namespace."""
    document = made(op, "Namespace", name, NODE_SINCE_S, labels={"kubernetes.io/metadata.name": name})
    del document["metadata"]["namespace"]
    return document | {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
