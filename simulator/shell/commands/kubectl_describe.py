"""`kubectl describe` and `kubectl logs`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

from reference_platform.durations import format_gib, parse_duration_s
from reference_platform.errors import CommandError
from simulator.cluster.lifecycle import gpu_memory_bytes, memory_bytes
from simulator.cluster.objects import ClusterEvent, Deployment, Node, Pod
from simulator.shell.calendar import age, clock
from simulator.shell.components import distinct, mentioned
from simulator.shell.context import Effect, Operator
from simulator.shell.kinds import (
    WORKLOADS,
    common_flags,
    in_namespace,
    kind_of,
    node_named,
    not_found,
    target_of,
    workload_named,
)
from simulator.shell.registry import Arguments, command
from simulator.shell.rows import limit, mebibytes, node_use, status

UPSTREAM = ("online-store", "materializer", "mlflow")
LINES_MAX = 200
PODS_SHOWN_MAX = 3


def _names(op: Operator) -> Iterable[str]:
    return [*op.plant.cluster.pods, *op.plant.cluster.deployments, *op.plant.cluster.nodes]


def _flags(parser: Arguments) -> None:
    parser.add_argument("words", nargs="*")
    common_flags(parser)
    parser.add_argument("-l", "--selector")


@command("kubectl describe", "kubectl describe KIND NAME", takes_s=1.5, configure=_flags, complete=_names)
def describe(op: Operator, args: argparse.Namespace) -> Effect:
    """Everything about a pod, node, deployment or job."""
    return _describe(op, [*args.words], args)


def _register(kind: str, *others: str) -> None:
    def handler(op: Operator, args: argparse.Namespace) -> Effect:
        return _describe(op, [kind, *args.words], args)

    handler.__doc__ = f"Everything about a {kind}: state, limits, history, events."
    aliases = [f"kubectl describe {word}" for word in others]
    command(f"kubectl describe {kind}", f"kubectl describe {kind} NAME", takes_s=1.5, configure=_flags,
            complete=_names, aliases=aliases)(handler)  # fmt: skip


_register("pod", "pods", "po")
_register("node", "nodes", "no")
_register("deployment", "deployments", "deploy")
_register("job", "jobs")


def _describe(op: Operator, words: list[str], args: argparse.Namespace) -> Effect:
    in_namespace(args.namespace)
    if args.selector and len(words) == 1:
        words = [*words, args.selector.partition("=")[2]]
    target = target_of(words)
    if not target.names:
        raise CommandError(f"error: name of a {target.kind[:-1]} is needed", fix=f"kubectl get {target.kind}")
    if target.kind == "pods":
        return _pods(op, target.names)
    if target.kind == "nodes":
        texts = [_node(op, node_named(op, name)) for name in target.names]
        return Effect("\n\n".join(texts), looked=("nodes",), subjects=target.names)
    if target.kind in WORKLOADS:
        items = [workload_named(op, name, target.kind) for name in target.names]
        looked = ("jobs", "changes") if any(item.spec.kind == "Job" for item in items) else ("rollout",)
        subjects = tuple(op.plant.cluster.component_of(item.spec.name) for item in items)
        return Effect("\n\n".join(_workload(op, item) for item in items), looked=looked, subjects=subjects)
    raise not_found(target.kind, target.names[0], "pods, nodes, deployments and jobs can be described")


def _pods(op: Operator, names: Sequence[str]) -> Effect:
    """A name may be a pod or the beginning of several, as kubectl allows."""
    cluster = op.plant.cluster
    pods = [pod for pod in cluster.pods.values() if any(pod.name.startswith(name) for name in names)]
    if not pods:
        raise not_found("pods", names[0], "kubectl get pods")
    pods.sort(key=lambda pod: (pod.phase == "Ready", pod.name))
    texts = [_pod(op, pod) for pod in pods[:PODS_SHOWN_MAX]]
    if len(pods) > PODS_SHOWN_MAX:
        texts.append(f"... {len(pods) - PODS_SHOWN_MAX} more pods match; give a full name")
    subjects = distinct(cluster.component_of(pod.deployment) for pod in pods)
    upstream = ("upstream",) if any(name in UPSTREAM for name in subjects) else ()
    return Effect("\n\n".join(texts), looked=("pods", "events", *upstream), subjects=subjects)


def _pod(op: Operator, pod: Pod) -> str:
    now_s = op.now_s
    lines = [
        f"Name:             {pod.name}",
        "Namespace:        shop",
        f"Node:             {pod.node or '<none>'}",
        f"Labels:           app={pod.deployment}",
        f"Controlled By:    {pod.deployment} (revision {pod.template.revision})",
        f"Status:           {status(pod, now_s)}",
        "Containers:",
        f"  {pod.deployment}:",
    ]
    if pod.template.model_version:
        lines.append(f"    Environment:    MODEL_URI=models:/{pod.deployment}/{pod.template.model_version}")
    lines += _state_lines(op, pod)
    lines += [
        f"    Ready:          {pod.phase == 'Ready'}",
        f"    Restart Count:  {pod.restarts}",
        f"    Limits:         memory: {limit(pod.template.memory_limit_bytes)}",
        f"    Requests:       memory: {limit(pod.template.memory_limit_bytes)}",
        f"    In use:         memory: {mebibytes(memory_bytes(pod, now_s))}",
        f"Node-Selectors:   pool={pod.template.node_pool}",
        "Events:",
    ]
    return "\n".join([*lines, *_event_lines(op, [e for e in op.plant.cluster.events if e.object == f"pod/{pod.name}"])])


def _state_lines(op: Operator, pod: Pod) -> list[str]:
    lines: list[str] = []
    if pod.phase in ("Loading", "Ready"):
        lines += ["    State:          Running", f"      Started:      {clock(op, pod.started_s)}"]
    elif pod.phase == "CrashLoopBackOff":
        lines += ["    State:          Waiting", "      Reason:       CrashLoopBackOff"]
    else:
        lines += ["    State:          Waiting", f"      Reason:       {pod.phase}"]
    if pod.last is not None:
        lines += [
            "    Last State:     Terminated",
            f"      Reason:       {pod.last.reason}",
            f"      Exit Code:    {pod.last.exit_code}",
            f"      Started:      {clock(op, pod.last.started_s)}",
            f"      Finished:     {clock(op, pod.last.finished_s)}",
        ]
    return lines


def _event_lines(op: Operator, events: Sequence[ClusterEvent]) -> list[str]:
    """The last events, repeated ones counted."""
    counted: dict[tuple[str, str], tuple[int, ClusterEvent]] = {}
    for event in events:
        count, _ = counted.pop((event.reason, event.message), (0, event))
        counted[event.reason, event.message] = (count + 1, event)
    lines = []
    for count, event in list(counted.values())[-8:]:
        times = f" (x{count})" if count > 1 else ""
        lines.append(f"  {event.type:<8} {event.reason:<17} {age(op, event.t_s)}{times}  {event.message}")
    return lines or ["  <none>"]


def _node(op: Operator, node: Node) -> str:
    promised, used = node_use(op, node)
    spec, cluster = node.spec, op.plant.cluster
    lines = [
        f"Name:               {spec.name}",
        f"Labels:             pool={spec.pool}",
        f"Taints:             {'node.kubernetes.io/unschedulable:NoSchedule' if node.cordoned else '<none>'}",
        f"Unschedulable:      {str(node.cordoned).lower()}",
        f"Capacity:           cpu: {spec.cpu_cores:g}, memory: {format_gib(spec.memory)}",
        f"Allocatable:        memory: {format_gib(node.allocatable_bytes)}",
    ]
    if spec.gpu_memory:
        gpu_used = cluster.gpu_used_bytes(spec.name, op.now_s)
        lines.append(
            f"GPU:                {spec.gpu_name}, {mebibytes(gpu_used)} of {mebibytes(spec.gpu_memory)} in use"
        )
    lines.append("Non-terminated Pods:")
    for pod in cluster.pods.values():
        if pod.node == spec.name:
            gpu = f", gpu {mebibytes(gpu_memory_bytes(pod, op.now_s))}" if pod.footprint.gpu_memory_bytes else ""
            lines.append(f"  {pod.name:<44} memory {limit(pod.template.memory_limit_bytes)}{gpu}")
    share = promised / node.allocatable_bytes
    lines += ["Allocated resources:", f"  memory  {mebibytes(promised)} ({share:.0%}), used {mebibytes(used)}"]
    return "\n".join(lines)


def _workload(op: Operator, item: Deployment) -> str:
    cluster, template = op.plant.cluster, item.template
    pods = [pod for pod in cluster.pods_of(item.spec.name) if pod.phase != "Terminating"]
    ready = sum(pod.phase == "Ready" for pod in pods)
    lines = [
        f"Name:               {item.spec.name}",
        f"Kind:               {item.spec.kind}",
        f"Annotations:        revision: {template.revision}, change-cause: {template.cause}, by: {template.by}",
        f"Replicas:           {item.replicas} desired | {len(pods)} total | {ready} available",
        f"StrategyType:       RollingUpdate, {item.spec.max_unavailable} max unavailable, 0 max surge",
        "Pod Template:",
        f"  Limits:           memory: {limit(template.memory_limit_bytes)}",
        f"  Node-Selectors:   pool={template.node_pool}",
    ]
    if template.model_version:
        lines.append(f"  Environment:      MODEL_URI=models:/{item.spec.model}/{template.model_version}")
    events = [e for e in cluster.events if e.object.startswith(f"pod/{item.spec.name}-")]
    return "\n".join([*lines, "Events:", *_event_lines(op, events)])


def _log_flags(parser: Arguments) -> None:
    parser.add_argument("words", nargs="+")
    common_flags(parser)
    parser.add_argument("-p", "--previous", action="store_true")
    parser.add_argument("-f", "--follow", action="store_true")
    parser.add_argument("--tail", type=int, default=40)
    parser.add_argument("--since", default="6h")
    parser.add_argument("-c", "--container")
    parser.add_argument("--timestamps", action="store_true")


@command("kubectl logs", "kubectl logs POD|deployment/NAME [-p] [--tail N] [--since 10m]", takes_s=1.5,
         configure=_log_flags, complete=_names, aliases=["kubectl log"])  # fmt: skip
def logs(op: Operator, args: argparse.Namespace) -> Effect:
    """What a pod wrote; -p is the container that died before this one."""
    in_namespace(args.namespace)
    pod, service = _log_source(op, args)
    try:
        since_s = op.now_s - parse_duration_s(args.since)
    except ValueError as error:
        raise CommandError(f"invalid --since: {error}", fix="--since 10m") from None
    lines = list(pod.previous_logs if args.previous else pod.logs)
    if args.previous and pod.last is None:
        what = f'Error: previous terminated container "{pod.deployment}" in pod "{pod.name}" not found'
        raise CommandError(what, fix="it has not died; leave -p out")
    if not args.previous:
        known = {(t_s, text) for t_s, _, text in lines}
        for line in op.plant.book.lines:
            if line.source == service and (line.t_s, line.text) not in known:
                lines.append((line.t_s, line.level, line.text))
        lines += _job_lines(op, service)
    shown = sorted(item for item in lines if item[0] >= since_s)[-max(0, min(args.tail, LINES_MAX)) or LINES_MAX :]
    text = "\n".join(f"{clock(op, t_s)} {level:<5} {line}" for t_s, level, line in shown)
    if args.previous and pod.last is not None:
        text += f"\n(container ended: {pod.last.reason}, exit code {pod.last.exit_code})"
    component = op.plant.cluster.component_of(service)
    loud = [line for _, level, line in shown if level != "INFO"]
    looked = ["logs", *(["logs_previous"] if args.previous else []), *(["upstream"] if component in UPSTREAM else [])]
    more = "\n(following is not simulated; run it again for newer lines)" if args.follow else ""
    return Effect(
        (text or "(no lines)") + more, looked=tuple(looked), subjects=distinct([component, *mentioned(op, loud)])
    )


def _log_source(op: Operator, args: argparse.Namespace) -> tuple[Pod, str]:
    """The pod to read. Of a deployment: the one in most trouble, as a person would pick."""
    cluster, word = op.plant.cluster, args.words[0]
    kind, _, name = word.rpartition("/")
    if kind and kind_of(kind) in WORKLOADS:
        name = workload_named(op, name).spec.name
    elif name in cluster.pods:
        return cluster.pods[name], cluster.pods[name].deployment
    elif name not in cluster.deployments:
        raise not_found("pods", name, "kubectl get pods, or kubectl logs deployment/NAME")
    pods = sorted(cluster.pods_of(name), key=lambda pod: (pod.last is None, pod.phase == "Ready", pod.name))
    if not pods:
        raise CommandError(f"error: no pods of {name}", fix=f"kubectl describe deployment {name}")
    return pods[0], name


def _job_lines(op: Operator, service: str) -> list[tuple[float, str, str]]:
    """A client of the online store says what it holds."""
    held = op.plant.pool.held().get(service)
    if held is None or not op.plant.client_running(service):
        return []
    return [(op.now_s, "INFO", f"export running, page {held + 1} in progress, {held} cursors open on online-store")]
