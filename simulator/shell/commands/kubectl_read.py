"""`kubectl get`, `top` and friends."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence

from reference_platform.errors import CommandError
from simulator.cluster.lifecycle import memory_bytes
from simulator.cluster.objects import Deployment
from simulator.shell.calendar import age
from simulator.shell.context import Effect, Operator
from simulator.shell.kinds import (
    SPELLINGS,
    Target,
    common_flags,
    in_namespace,
    node_named,
    pod_named,
    target_of,
    workload_named,
)
from simulator.shell.registry import Arguments, command
from simulator.shell.rows import deployment_row, mebibytes, node_row, node_use, pod_row, pods_matching, subjects_of
from simulator.shell.table import table

ROWS_MAX = 100
POD_HEADERS = ("NAME", "READY", "STATUS", "RESTARTS", "AGE")


def _get_flags(parser: Arguments) -> None:
    parser.add_argument("words", nargs="*")
    common_flags(parser)
    parser.add_argument("-o", "--output", choices=("wide", "json", "yaml", "name"), default="")
    parser.add_argument("-l", "--selector")
    parser.add_argument("-w", "--watch", action="store_true")
    parser.add_argument("--sort-by")


def _names(op: Operator) -> Iterable[str]:
    return [*op.plant.cluster.pods, *op.plant.cluster.deployments, *op.plant.cluster.nodes]


def _printed(headers: Sequence[str], rows: Sequence[Sequence[str]], output: str, kind: str) -> str:
    if not rows:
        return "No resources found in shop namespace."
    if output == "name":
        singular = SPELLINGS[kind][0]
        return "\n".join(f"{singular}/{row[0]}" for row in rows)
    if output in ("json", "yaml"):
        items = [dict(zip([h.lower() for h in headers], row, strict=True)) for row in rows]
        return json.dumps({"kind": "List", "items": items}, indent=2)
    more = [] if len(rows) <= ROWS_MAX else [f"... {len(rows) - ROWS_MAX} more"]
    return "\n".join([table(headers, rows[:ROWS_MAX]), *more])


def _pods(op: Operator, target: Target, args: argparse.Namespace) -> Effect:
    pods = [pod_named(op, name) for name in target.names] or pods_matching(op, args.selector)
    wide = args.output == "wide"
    headers = (*POD_HEADERS, "NODE") if wide else POD_HEADERS
    rows = [pod_row(op, pod, wide) for pod in pods]
    return Effect(_printed(headers, rows, args.output, "pods"), looked=("pods",), subjects=subjects_of(op, pods))


def _workloads(op: Operator, target: Target, args: argparse.Namespace) -> Effect:
    kinds = {"deployments": "Deployment", "jobs": "Job", "statefulsets": "StatefulSet"}
    items = [workload_named(op, name, target.kind) for name in target.names]
    if not items:
        every = op.plant.cluster.deployments.values()
        items = [item for item in every if item.spec.kind == kinds[target.kind] and not item.deleted]
    rows = [deployment_row(op, item) for item in items]
    headers = ("NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE")
    looked = ("jobs", "changes") if target.kind == "jobs" else ("rollout",)
    return Effect(_printed(headers, rows, args.output, target.kind), looked=looked, subjects=_short(op, items))


def _short(op: Operator, items: Sequence[Deployment]) -> tuple[str, ...]:
    cluster = op.plant.cluster
    odd = [item for item in items if len(cluster.ready_pods(item.spec.name)) < item.replicas]
    chosen = odd or (items if len(items) <= 3 else [])
    return tuple(dict.fromkeys(cluster.component_of(item.spec.name) for item in chosen))


def _nodes(op: Operator, target: Target, args: argparse.Namespace) -> Effect:
    nodes = [node_named(op, name) for name in target.names] or list(op.plant.cluster.nodes.values())
    rows = [node_row(op, node) for node in nodes]
    text = _printed(("NAME", "STATUS", "POOL", "AGE", "VERSION"), rows, args.output, "nodes")
    subjects = tuple(node.spec.name for node in nodes if node.cordoned or target.names)
    return Effect(text, looked=("nodes",), subjects=subjects)


def _events(op: Operator, target: Target, args: argparse.Namespace) -> Effect:
    events = list(op.plant.cluster.events)[-60:]
    rows = [[age(op, e.t_s), e.type, e.reason, e.object, e.message] for e in events]
    subjects = tuple(dict.fromkeys(e.component for e in events if e.type == "Warning"))
    text = _printed(("LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"), rows, args.output, "events")
    return Effect(text, looked=("events",), subjects=subjects)


def _replicasets(op: Operator, target: Target, args: argparse.Namespace) -> Effect:
    rows: list[list[str]] = []
    for item in op.plant.cluster.deployments.values():
        if item.spec.kind != "Deployment" or item.deleted:
            continue
        for template in item.history[-3:]:
            pods = [p for p in op.plant.cluster.pods_of(item.spec.name) if p.template.revision == template.revision]
            ready = sum(p.phase == "Ready" for p in pods)
            name = f"{item.spec.name} (revision {template.revision})"
            rows.append([name, str(len(pods)), str(len(pods)), str(ready)])
    text = _printed(("NAME", "DESIRED", "CURRENT", "READY"), rows, args.output, "replicasets")
    return Effect(text, looked=("rollout",))


def _services(op: Operator, target: Target, args: argparse.Namespace) -> Effect:
    rows = [
        [name, "ClusterIP", f"10.96.{index}.10", "<none>", "6379/TCP" if name == "online-store" else "80/TCP"]
        for index, (name, item) in enumerate(op.plant.cluster.deployments.items(), 1)
        if item.spec.kind != "Job" and not item.deleted
    ]
    text = _printed(("NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)"), rows, args.output, "services")
    return Effect(text)


def _fixed(text: str) -> Effect:
    return Effect(text)


def _get(op: Operator, target: Target, args: argparse.Namespace) -> Effect:
    in_namespace(args.namespace)
    shown = {
        "pods": _pods,
        "deployments": _workloads,
        "jobs": _workloads,
        "statefulsets": _workloads,
        "nodes": _nodes,
        "events": _events,
        "replicasets": _replicasets,
        "services": _services,
    }
    if target.kind == "namespaces":
        return _fixed(table(("NAME", "STATUS", "AGE"), [["shop", "Active", "210d"]]))
    if target.kind == "secrets":
        raise CommandError('Error from server (Forbidden): secrets is forbidden: User "on-call" cannot list resource')
    if target.kind not in shown:
        return _fixed("No resources found in shop namespace.")
    return shown[target.kind](op, target, args)


@command(
    "kubectl get",
    "kubectl get KIND[/NAME] [NAME...] [-o wide|name|json] [-l app=X]",
    configure=_get_flags,
    complete=_names,
)
def get_any(op: Operator, args: argparse.Namespace) -> Effect:
    """List any kind by its long, short or slashed name."""
    return _get(op, target_of(args.words), args)


def _register(kind: str) -> None:
    usage = f"kubectl get {kind} [NAME...] [-o wide|name|json] [-l app=X]"
    short = [f"kubectl get {word}" for word in SPELLINGS[kind]]

    def handler(op: Operator, args: argparse.Namespace) -> Effect:
        return _get(op, Target(kind, tuple(args.words)), args)

    handler.__doc__ = f"List {kind}."
    command(f"kubectl get {kind}", usage, configure=_get_flags, complete=_names, aliases=short)(handler)


for _kind in (
    "pods",
    "nodes",
    "deployments",
    "jobs",
    "statefulsets",
    "services",
    "replicasets",
    "events",
    "namespaces",
):
    _register(_kind)


@command("kubectl get all", "kubectl get all", takes_s=1.5, configure=_get_flags)
def get_all(op: Operator, args: argparse.Namespace) -> Effect:
    """Pods, deployments, stateful sets and jobs in one list."""
    parts = [_get(op, Target(kind, ()), args) for kind in ("pods", "deployments", "statefulsets", "jobs")]
    text = "\n\n".join(part.text for part in parts)
    looked = tuple(dict.fromkeys(tag for part in parts for tag in part.looked))
    return Effect(text, looked=looked, subjects=tuple(dict.fromkeys(s for part in parts for s in part.subjects)))


def _top_flags(parser: Arguments) -> None:
    parser.add_argument("names", nargs="*")
    common_flags(parser)
    parser.add_argument("-l", "--selector")
    parser.add_argument("--sort-by")


@command("kubectl top pods", "kubectl top pods [NAME...] [-l app=X]", takes_s=1.5, configure=_top_flags,
         complete=_names, aliases=["kubectl top pod", "kubectl top po"])  # fmt: skip
def top_pods(op: Operator, args: argparse.Namespace) -> Effect:
    """Memory that the pods' processes use now, beside their limits."""
    pods = [pod_named(op, name) for name in args.names] or pods_matching(op, args.selector)
    rows = [
        [pod.name, mebibytes(memory_bytes(pod, op.now_s)), mebibytes(pod.template.memory_limit_bytes)] for pod in pods
    ]
    text = table(("NAME", "MEMORY(bytes)", "LIMIT"), rows)
    return Effect(text, looked=("pods", "metrics"), subjects=subjects_of(op, pods))


@command("kubectl top nodes", "kubectl top nodes", takes_s=1.5, configure=_top_flags,
         aliases=["kubectl top node", "kubectl top no"])  # fmt: skip
def top_nodes(op: Operator, args: argparse.Namespace) -> Effect:
    """Memory of the nodes: used by processes, promised to pods, free to promise."""
    nodes = [node_named(op, name) for name in args.names] or list(op.plant.cluster.nodes.values())
    rows: list[list[str]] = []
    full: list[str] = []
    for node in nodes:
        promised, used = node_use(op, node)
        share = promised / node.allocatable_bytes
        rows.append(
            [node.spec.name, mebibytes(used), mebibytes(promised), f"{share:.0%}", mebibytes(node.allocatable_bytes)]
        )
        full += [node.spec.name] if share > 0.9 else []
    text = table(("NAME", "MEMORY USED", "REQUESTED", "REQUESTED%", "ALLOCATABLE"), rows)
    return Effect(text, looked=("nodes",), subjects=tuple(full))
