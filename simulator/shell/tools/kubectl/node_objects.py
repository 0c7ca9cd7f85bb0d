"""Nodes as API objects."""

from __future__ import annotations

from reference_platform.durations import format_gib
from simulator.cluster.objects import Node
from simulator.shell.context import Operator
from simulator.shell.network import address_of
from simulator.shell.tools.kubectl.objects import NODE_SINCE_S, VERSION, Json, made, stamp, uid


def node(op: Operator, item: Node) -> Json:
    """A node."""
    name = item.spec.name
    labels = {"kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
    labels |= {f"node-role.kubernetes.io/{item.spec.pool}": "", "pool": item.spec.pool}
    document = made(op, "Node", name, NODE_SINCE_S, labels=labels)
    del document["metadata"]["namespace"]
    taint = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    document["spec"] = {"unschedulable": True, "taints": [taint]} if item.cordoned else {}
    gpus = {"nvidia.com/gpu": "8"} if item.spec.gpu_memory else {}
    cores = {"cpu": f"{item.spec.cpu_cores:g}", "pods": "110", **gpus}
    since, beat = stamp(op, NODE_SINCE_S), stamp(op, op.now_s - op.now_s % 10.0)
    conditions = []
    for kind, holds, reason, message in NODE_CONDITIONS:
        times = {"lastHeartbeatTime": beat, "lastTransitionTime": since}
        conditions.append({"type": kind, "status": holds, "reason": reason, "message": message, **times})
    document["status"] = {
        "addresses": [{"type": "InternalIP", "address": address_of(op, name)}, {"type": "Hostname", "address": name}],
        "capacity": {**cores, "memory": format_gib(item.spec.memory)},
        "allocatable": {**cores, "memory": format_gib(item.allocatable_bytes)},
        "conditions": conditions,
        "nodeInfo": _node_info(name),
    }
    return document


NODE_CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


def _node_info(name: str) -> Json:
    return {
        "machineID": uid("machine", name).replace("-", ""),
        "systemUUID": uid("system", name),
        "bootID": uid("boot", name),
        "kernelVersion": "5.15.0-143-generic",
        "osImage": "Ubuntu 22.04.5 LTS",
        "containerRuntimeVersion": "containerd://1.7.27",
        "kubeletVersion": VERSION,
        "kubeProxyVersion": VERSION,
        "operatingSystem": "linux",
        "architecture": "amd64",
    }
