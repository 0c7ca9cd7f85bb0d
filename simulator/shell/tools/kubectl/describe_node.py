"""A node as `kubectl describe` prints it.

Source: k8s.io/kubectl, pkg/describe, describeNode and describeNodeResource.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from reference_platform.durations import format_gib
from simulator.shell.tools.kubectl.describe_pod import Json
from simulator.shell.tools.kubectl.layout import NONE, Page, rfc1123

ROLE = "node-role.kubernetes.io/"
_AMOUNT = re.compile(r"([\d.]+)(m|Ki|Mi|Gi)?")
_SCALE = {None: 1.0, "m": 1e-3, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30}
INFO = (
    ("Machine ID", "machineID"),
    ("System UUID", "systemUUID"),
    ("Boot ID", "bootID"),
    ("Kernel Version", "kernelVersion"),
    ("OS Image", "osImage"),
    ("Operating System", "operatingSystem"),
    ("Architecture", "architecture"),
    ("Container Runtime Version", "containerRuntimeVersion"),
    ("Kubelet Version", "kubeletVersion"),
    ("Kube-Proxy Version", "kubeProxyVersion"),
)
Aged = Sequence[tuple[Json, str]]
"""Pods and their ages."""


def amount(text: str) -> float:
    """A quantity in cores or bytes."""
    found = _AMOUNT.fullmatch(text)
    assert found is not None, f"a quantity of ours: {text}"
    return float(found[1]) * _SCALE[found[2]]


def describe_node(page: Page, document: Json, pods: Aged) -> None:
    """All of a node but its events; `pods` are those that it runs."""
    metadata, spec, status = document["metadata"], document["spec"], document["status"]
    name = metadata["name"]
    page.put(0, "Name:", name)
    roles = sorted(key.removeprefix(ROLE) for key in metadata["labels"] if key.startswith(ROLE))
    page.put(0, "Roles:", ",".join(roles) or NONE)
    page.labels("Labels", metadata["labels"])
    page.annotations(metadata.get("annotations"))
    page.put(0, "CreationTimestamp:", rfc1123(metadata["creationTimestamp"]))
    page.several("Taints", [f"{taint['key']}:{taint['effect']}" for taint in spec.get("taints", ())])
    page.put(0, "Unschedulable:", str(spec.get("unschedulable", False)).lower())
    page.put(0, "Lease:")
    beat = status["conditions"][0]["lastHeartbeatTime"]
    page.pairs(1, [("HolderIdentity", name), ("AcquireTime", "<unset>"), ("RenewTime", rfc1123(beat))])
    _conditions(page, status["conditions"])
    page.put(0, "Addresses:")
    page.pairs(1, [(item["type"], item["address"]) for item in status["addresses"]])
    for title in ("Capacity", "Allocatable"):
        page.put(0, f"{title}:")
        page.pairs(1, sorted(status[title.lower()].items()))
    page.put(0, "System Info:")
    page.pairs(1, [(title, status["nodeInfo"][key]) for title, key in INFO])
    _pods(page, status["allocatable"], pods)


def _conditions(page: Page, conditions: Sequence[Json]) -> None:
    titles = ("Type", "Status", "LastHeartbeatTime", "LastTransitionTime", "Reason", "Message")
    page.put(0, "Conditions:")
    page.put(1, *titles)
    page.put(1, *("-" * len(title) for title in titles))
    for item in conditions:
        times = (f"{rfc1123(item['lastHeartbeatTime'])} ", f"{rfc1123(item['lastTransitionTime'])} ")
        page.put(1, f"{item['type']} ", f"{item['status']} ", *times, f"{item['reason']} ", item["message"])


def _of(pod: Json, kind: str, resource: str) -> float:
    """What the containers of a pod ask for."""
    containers = pod["spec"]["containers"]
    return sum(amount(item.get("resources", {}).get(kind, {}).get(resource, "0")) for item in containers)


def _shown(value: float, whole: float, resource: str) -> str:
    if resource == "cpu":
        text = f"{value:g}" if value == int(value) else f"{value * 1000:.0f}m"
    else:
        text = format_gib(int(value)) if value else "0"
    return f"{text} ({int(value / whole * 100)}%)"


def _pods(page: Page, allocatable: dict[str, Any], pods: Aged) -> None:
    page.put(0, "Non-terminated Pods:", f"({len(pods)} in total)")
    titles = ("Namespace", "Name", "", "CPU Requests", "CPU Limits", "Memory Requests", "Memory Limits", "Age")
    page.put(1, *titles)
    page.put(1, *("-" * len(title) for title in titles))
    asked = [("cpu", "requests"), ("cpu", "limits"), ("memory", "requests"), ("memory", "limits")]
    sums = dict.fromkeys(asked, 0.0)
    for pod, age in pods:
        cells = []
        for resource, kind in asked:
            value = _of(pod, kind, resource)
            sums[resource, kind] += value
            cells.append(_shown(value, amount(allocatable[resource]), resource))
        page.put(1, pod["metadata"]["namespace"], pod["metadata"]["name"], "", *cells, age)
    page.put(0, "Allocated resources:")
    page.put(1, "(Total limits may be over 100 percent, i.e., overcommitted.)")
    page.put(1, "Resource", "Requests", "Limits")
    page.put(1, "--------", "--------", "------")
    for resource in ("cpu", "memory"):
        whole = amount(allocatable[resource])
        page.put(1, resource, *(_shown(sums[resource, kind], whole, resource) for kind in ("requests", "limits")))
    page.put(1, "ephemeral-storage", "0 (0%)", "0 (0%)")
    if "nvidia.com/gpu" in allocatable:
        page.put(1, "nvidia.com/gpu", "0", "0")
