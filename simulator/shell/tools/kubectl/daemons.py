"""What runs once on every node whatever else does: pods of daemon sets, in namespaces that are not the shop's."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from simulator.cluster.naming import LETTERS
from simulator.shell.calendar import age
from simulator.shell.context import Operator
from simulator.shell.network import address_of
from simulator.shell.tools.kubectl import objects
from simulator.shell.tools.kubectl.rows import NODE_AGE_S, Listing, Row

DAEMONS = {"kube-proxy": "kube-system", "dcgm-exporter": "monitoring", "node-exporter": "monitoring"}
"""Daemon sets and their namespaces."""
IMAGES = {
    "kube-proxy": "registry.k8s.io/kube-proxy:v1.32.3",
    "dcgm-exporter": "nvcr.io/nvidia/k8s/dcgm-exporter:4.1.1-4.0.4-ubuntu22.04",
    "node-exporter": "quay.io/prometheus/node-exporter:v1.9.0",
}


def pod_name(name: str, node: str) -> str:
    """The pod of a daemon set on a node."""
    return f"{name}-{''.join(LETTERS[b % 27] for b in blake2b(f'{name}/{node}'.encode(), digest_size=5).digest())}"


def nodes_of(op: Operator, name: str) -> list[str]:
    """Where a daemon set runs."""
    nodes = op.plant.cluster.nodes.values()
    return sorted(node.spec.name for node in nodes if name != "dcgm-exporter" or node.spec.gpu_memory)


def daemons_on(op: Operator, node: str) -> list[str]:
    """`namespace/pod` of the daemon sets on a node."""
    return sorted(f"{space}/{pod_name(name, node)}" for name, space in DAEMONS.items() if node in nodes_of(op, name))


def pods(op: Operator) -> list[Row]:
    """Their pods."""
    since, rows = age(op, -NODE_AGE_S), []
    for name in DAEMONS:
        for node in nodes_of(op, name):
            title, ip = pod_name(name, node), address_of(op, node)
            document = _pod(op, name, node)
            rows.append(
                Row(title, (title, "1/1", "Running", "0", since), (ip, node, "<none>", "<none>"), document=document)
            )
    return rows


def _pod(op: Operator, name: str, node: str) -> objects.Json:
    title, since = pod_name(name, node), objects.stamp(op, -NODE_AGE_S)
    document = _made(op, "Pod", name, title)
    document["metadata"]["ownerReferences"] = objects.owned_by("DaemonSet", name)
    document["spec"] = _spec(name) | {"nodeName": node}
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": since}
        for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
    ]
    ip = address_of(op, node)
    document["status"] = {"phase": "Running", "hostIP": ip, "podIP": ip, "conditions": conditions, "startTime": since}
    return document


def _made(op: Operator, kind: str, name: str, title: str) -> objects.Json:
    document = objects.made(op, kind, title, -NODE_AGE_S, labels={"app.kubernetes.io/name": name})
    document["metadata"]["namespace"] = DAEMONS[name]
    return document


def _spec(name: str) -> dict[str, Any]:
    return {"hostNetwork": True, "containers": [{"name": name, "image": IMAGES[name]}]}


def sets(op: Operator) -> Listing:
    """`kubectl get daemonsets`."""
    rows = []
    for name in sorted(DAEMONS):
        count = len(nodes_of(op, name))
        labels = {"app.kubernetes.io/name": name}
        document = _made(op, "DaemonSet", name, name)
        template = {"metadata": {"labels": labels}, "spec": _spec(name)}
        document["spec"] = {"selector": {"matchLabels": labels}, "template": template}
        scheduled = {
            "desiredNumberScheduled": count,
            "currentNumberScheduled": count,
            "numberMisscheduled": 0,
            "updatedNumberScheduled": count,
        }
        document["status"] = {**scheduled, "numberReady": count, "numberAvailable": count}
        cells = (name, *[str(count)] * 5, "<none>", age(op, -NODE_AGE_S))
        wide = (name, IMAGES[name], f"app.kubernetes.io/name={name}")
        rows.append(Row(name, cells, wide, document=document))
    headers = ("NAME", "DESIRED", "CURRENT", "READY", "UP-TO-DATE", "AVAILABLE", "NODE SELECTOR", "AGE")
    return Listing("daemonsets", headers, ("CONTAINERS", "IMAGES", "SELECTOR"), tuple(rows))
