"""`kubectl describe`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence

from reference_platform.errors import CommandError
from simulator.cluster.lifecycle import gpu_memory_bytes, memory_bytes
from simulator.cluster.objects import ClusterEvent, Deployment, Node, Pod, Template
from simulator.shell.calendar import age, clock
from simulator.shell.components import distinct
from simulator.shell.context import Effect, Operator
from simulator.shell.network import address_of
from simulator.shell.registry import Arguments, command
from simulator.shell.table import table
from simulator.shell.tools.kubectl.kinds import (
    WORKLOADS,
    common_flags,
    in_namespace,
    node_named,
    not_found,
    target_of,
    workload_named,
)
from simulator.shell.tools.kubectl.objects import environment, image
from simulator.shell.tools.kubectl.rows import (
    NODE_AGE_S,
    VERSION,
    abnormal,
    counted,
    counts,
    created_s,
    limit,
    mebibytes,
    node_use,
    overdue,
    replica_set,
    source_of,
    status,
)

UPSTREAM = ("online-store", "materializer", "mlflow", "feature-pipeline", "clicks-producer", "payments-producer")
PODS_SHOWN_MAX = 3
EVENTS_SHOWN_MAX = 12

Pairs = Sequence[tuple[str, str]]


def _pods_and_workloads(op: Operator) -> Iterable[str]:
    return [*op.plant.cluster.pods, *op.plant.cluster.deployments, *op.plant.cluster.nodes]


def _flags(parser: Arguments) -> None:
    parser.add_argument("words", nargs="*")
    common_flags(parser)
    parser.add_argument("-l", "--selector", default="")


@command("kubectl describe", "kubectl describe KIND NAME", takes_s=1.5, configure=_flags, complete=_pods_and_workloads)
def describe(op: Operator, args: argparse.Namespace) -> Effect:
    """Everything about a pod, node, deployment or job."""
    return _describe(op, [*args.words], args)


def _register(kind: str, complete: Callable[[Operator], Iterable[str]], *others: str) -> None:
    def handler(op: Operator, args: argparse.Namespace) -> Effect:
        return _describe(op, [kind, *(word.rpartition("/")[2] for word in args.words)], args)

    handler.__doc__ = f"Everything about a {kind}: state, limits, history, events."
    aliases = [f"kubectl describe {word}" for word in others]
    command(f"kubectl describe {kind}", f"kubectl describe {kind} NAME", takes_s=1.5, configure=_flags,
            complete=complete, aliases=aliases)(handler)  # fmt: skip


def _living(*kinds: str) -> Callable[[Operator], Iterable[str]]:
    def names(op: Operator) -> Iterable[str]:
        items = op.plant.cluster.deployments.values()
        return [item.spec.name for item in items if item.spec.kind in kinds and not item.deleted]

    return names


_register("pod", lambda op: op.plant.cluster.pods, "pods", "po")
_register("node", lambda op: op.plant.cluster.nodes, "nodes", "no")
_register("deployment", _living("Deployment"), "deployments", "deploy", "deployment.apps", "deployments.apps")
_register("statefulset", _living("StatefulSet"), "statefulsets", "sts")
_register("job", _living("Job"), "jobs")


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
        return _nodes(op, target.names)
    if target.kind not in WORKLOADS:
        raise CommandError(
            f"error: describing {target.kind} is not simulated", fix="describe pod|node|deployment|job NAME"
        )
    items = [workload_named(op, name, target.kind) for name in target.names]
    has_job = any(item.spec.kind == "Job" for item in items)
    subjects = distinct(op.plant.cluster.component_of(item.spec.name) for item in items)
    looked = [*(("jobs", "changes") if has_job else ("rollout", "pods")), "events"]
    looked += ["upstream"] if any(name in UPSTREAM for name in subjects) else []
    texts = [_job(op, item) if item.spec.kind == "Job" else _deployment(op, item) for item in items]
    return Effect("\n\n\n".join(texts), looked=tuple(looked), subjects=subjects)


def _fields(pairs: Pairs, indent: int = 0) -> list[str]:
    """`Name:  value` lines with their values aligned; a pair without a name goes on with the one before."""
    width = max(len(name) for name, _ in pairs) + 3
    labels = [f"{name}:" if name else "" for name, _ in pairs]
    return [f"{' ' * indent}{label:<{width}}{value}".rstrip() for label, (_, value) in zip(labels, pairs, strict=True)]


def _events(op: Operator, events: Iterable[ClusterEvent]) -> list[str]:
    kept = counted(op, events)[-EVENTS_SHOWN_MAX:]
    if not kept:
        return ["Events:  <none>"]
    rows = [(item.last.type, item.last.reason, item.seen(op), source_of(item.last), item.last.message) for item in kept]
    dashes = tuple("-" * len(name) for name in ("Type", "Reason", "Age", "From", "Message"))
    text = table(("Type", "Reason", "Age", "From", "Message"), [dashes, *rows])
    return ["Events:", *(f"  {line}" for line in text.split("\n"))]


# -- pods ----------------------------------------


def _pods(op: Operator, names: Sequence[str]) -> Effect:
    """A name may be a pod or the beginning of several, as kubectl allows; those in trouble come first."""
    cluster = op.plant.cluster
    for name in names:
        if not any(pod.startswith(name) for pod in cluster.pods):
            raise not_found("pods", name, cluster.pods)
    pods = [pod for pod in cluster.pods.values() if any(pod.name.startswith(name) for name in names)]
    pods.sort(key=lambda pod: (pod.phase == "Ready", pod.name))
    texts = [_pod(op, pod) for pod in pods[:PODS_SHOWN_MAX]]
    if len(pods) > PODS_SHOWN_MAX:
        texts.append(f"... {len(pods) - PODS_SHOWN_MAX} more pods match; give a full name")
    subjects = distinct(cluster.component_of(pod.deployment) for pod in pods[:PODS_SHOWN_MAX])
    upstream = ("upstream",) if any(name in UPSTREAM for name in subjects) else ()
    return Effect("\n\n\n".join(texts), looked=("pods", "events", *upstream), subjects=subjects)


def _pod(op: Operator, pod: Pod) -> str:
    item = op.plant.cluster.deployments[pod.deployment]
    node = f"{pod.node}/{address_of(op, pod.node)}" if pod.node else "<none>"
    by = {"Deployment": f"ReplicaSet/{pod.name.rpartition('-')[0]}"}.get(
        item.spec.kind, f"{item.spec.kind}/{item.spec.name}"
    )
    shown = status(pod, op.now_s)
    phase = "Running" if pod.phase == "CrashLoopBackOff" else "Pending" if pod.phase == "ContainerCreating" else shown
    lines = _fields(
        [
            ("Name", pod.name),
            ("Namespace", "shop"),
            ("Node", node),
            ("Start Time", clock(op, pod.created_s)),
            ("Labels", f"app={pod.deployment}"),
            ("Status", phase),
            ("IP", address_of(op, pod.name) if pod.node else ""),
            ("Controlled By", by),
        ]
    )
    lines += ["Containers:", f"  {pod.deployment}:"]
    lines += _fields([("Image", image(item, pod.template.release)), *_state(op, pod), *_last_state(op, pod)], 4)
    lines += _fields([("Ready", str(pod.phase == "Ready")), ("Restart Count", str(pod.restarts))], 4)
    lines += _resources(item, pod.template, 4)
    lines += _environment(op, item, pod.template, 4)
    used = mebibytes(memory_bytes(pod, op.now_s))
    lines += _fields([("Memory in use", f"{used} of {limit(pod.template.memory_limit_bytes)}")], 4)
    lines += ["Conditions:", "  Type              Status"]
    lines += [f"  {name:<17} {value}" for name, value in _conditions(pod)]
    lines += _fields([("QoS Class", "Guaranteed"), ("Node-Selectors", f"pool={pod.template.node_pool}")])
    own = (event for event in op.plant.cluster.events if event.object == f"pod/{pod.name}")
    return "\n".join([*lines, *_events(op, own)])


def _state(op: Operator, pod: Pod) -> Pairs:
    if pod.phase in ("Loading", "Ready", "Terminating") and pod.started_s:
        return [("State", "Running"), ("  Started", clock(op, pod.started_s))]
    return [("State", "Waiting"), ("  Reason", pod.phase)]


def _last_state(op: Operator, pod: Pod) -> Pairs:
    if pod.last is None:
        return []
    return [
        ("Last State", "Terminated"),
        ("  Reason", pod.last.reason),
        ("  Exit Code", str(pod.last.exit_code)),
        ("  Started", clock(op, pod.last.started_s)),
        ("  Finished", clock(op, pod.last.finished_s)),
    ]


def _conditions(pod: Pod) -> Pairs:
    ready = str(pod.phase == "Ready")
    return [
        ("Initialized", "True"),
        ("Ready", ready),
        ("ContainersReady", ready),
        ("PodScheduled", str(bool(pod.node))),
    ]


def _resources(item: Deployment, template: Template, indent: int) -> list[str]:
    amounts = [("cpu", f"{item.spec.cpu:g}"), ("memory", limit(template.memory_limit_bytes))]
    pad = " " * indent
    return [f"{pad}Limits:", *_fields(amounts, indent + 2), f"{pad}Requests:", *_fields(amounts, indent + 2)]


def _environment(op: Operator, item: Deployment, template: Template, indent: int) -> list[str]:
    pairs = environment(op, item, template)
    pad = " " * indent
    return [f"{pad}Environment:", *_fields(pairs, indent + 2)] if pairs else [f"{pad}Environment:  <none>"]


# -- nodes ----------------------------------------


def _nodes(op: Operator, names: Sequence[str]) -> Effect:
    nodes = [node_named(op, name) for name in names]
    cluster = op.plant.cluster
    held = [pod for pod in cluster.pods.values() if pod.node in names]
    odd = [cluster.component_of(pod.deployment) for pod in held if abnormal(pod)]
    subjects = distinct([*names, *(["gpu-pool"] if any(node.spec.gpu_memory for node in nodes) else []), *odd])
    return Effect("\n\n\n".join(_node(op, node) for node in nodes), looked=("nodes",), subjects=subjects)


def _node(op: Operator, node: Node) -> str:
    spec, cluster = node.spec, op.plant.cluster
    taint = "node.kubernetes.io/unschedulable:NoSchedule" if node.cordoned else "<none>"
    gpus = [("nvidia.com/gpu.shared", "8")] if spec.gpu_memory else []
    lines = _fields(
        [
            ("Name", spec.name),
            ("Roles", spec.pool),
            ("Labels", f"pool={spec.pool},kubernetes.io/hostname={spec.name}"),
            ("CreationTimestamp", f"{age(op, -NODE_AGE_S)} ago"),
            ("Taints", taint),
            ("Unschedulable", str(node.cordoned).lower()),
        ]
    )
    lines += ["Conditions:"]
    conditions = [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID"),
        ("Ready", "True", "KubeletReady"),
    ]
    lines += [f"  {line}" for line in table(("Type", "Status", "Reason"), conditions).split("\n")]
    lines += ["Capacity:", *_fields([("cpu", f"{spec.cpu_cores:g}"), ("memory", limit(spec.memory)), *gpus], 2)]
    allocatable = [("cpu", f"{spec.cpu_cores:g}"), ("memory", limit(node.allocatable_bytes)), *gpus]
    lines += ["Allocatable:", *_fields(allocatable, 2)]
    lines += _fields([("Kubelet Version", VERSION)])
    if spec.gpu_memory:
        used = mebibytes(cluster.gpu_used_bytes(spec.name, op.now_s))
        lines += _fields([("GPU", f"{spec.gpu_name}, {used} of {mebibytes(spec.gpu_memory)} in use")])
    return "\n".join([*lines, *_allocated(op, node)])


def _allocated(op: Operator, node: Node) -> list[str]:
    held = sorted((p for p in op.plant.cluster.pods.values() if p.node == node.spec.name), key=lambda p: p.name)
    rows = []
    cpu_total = 0.0
    for pod in held:
        cpu = op.plant.cluster.deployments[pod.deployment].spec.cpu
        cpu_total += cpu
        size = pod.template.memory_limit_bytes
        gpu = mebibytes(gpu_memory_bytes(pod, op.now_s)) if pod.footprint.gpu_memory_bytes else "-"
        share = f"{limit(size)} ({size / node.allocatable_bytes:.0%})"
        rows.append(("shop", pod.name, f"{cpu:g}", share, gpu, age(op, pod.created_s)))
    lines = [f"Non-terminated Pods:  ({len(held)} in total)"]
    if rows:
        headers = ("Namespace", "Name", "CPU Limits", "Memory Limits", "GPU memory in use", "Age")
        lines += [f"  {line}" for line in table(headers, rows).split("\n")]
    promised, used = node_use(op, node)
    amounts = [
        ("cpu", f"{cpu_total:g} ({cpu_total / node.spec.cpu_cores:.0%})", ""),
        ("memory", f"{limit(promised)} ({promised / node.allocatable_bytes:.0%})", mebibytes(used)),
    ]
    text = table(("Resource", "Requests = Limits", "In use"), amounts)
    return [*lines, "Allocated resources:", *(f"  {line}" for line in text.split("\n"))]


# -- workloads ----------------------------------------


def _template(op: Operator, item: Deployment) -> list[str]:
    template, name = item.template, item.spec.name
    lines = ["Pod Template:", f"  Labels:  app={name}", "  Containers:", f"   {name}:"]
    lines += _fields([("Image", image(item))], 4)
    lines += [*_resources(item, template, 4), *_environment(op, item, template, 4)]
    return [*lines, f"  Node-Selectors:  pool={template.node_pool}"]


def _pod_events(op: Operator, item: Deployment) -> list[str]:
    names = {f"pod/{pod.name}" for pod in op.plant.cluster.pods_of(item.spec.name)}
    prefix = f"pod/{item.spec.name}-"
    mine = (e for e in op.plant.cluster.events if e.object in names or e.object.startswith(prefix))
    return _events(op, mine)


def _deployment(op: Operator, item: Deployment) -> str:
    template, name = item.template, item.spec.name
    total, fresh, ready = counts(op, item)
    missing = max(0, item.replicas - ready)
    replicas = f"{item.replicas} desired | {fresh} updated | {total} total | {ready} available | {missing} unavailable"
    lines = _fields(
        [
            ("Name", name),
            ("Kind", item.spec.kind),
            ("Namespace", "shop"),
            ("CreationTimestamp", f"{clock(op, created_s(item))} ({age(op, created_s(item))} ago)"),
            ("Labels", f"app={name}"),
            ("Annotations", f"deployment.kubernetes.io/revision: {template.revision}"),
            ("", f"kubernetes.io/change-cause: {template.cause} (by {template.by})"),
            ("Selector", f"app={name}"),
            ("Replicas", replicas),
            ("StrategyType", "RollingUpdate"),
            ("RollingUpdateStrategy", f"{item.spec.max_unavailable} max unavailable, 0 max surge"),
        ]
    )
    lines += [*_template(op, item), *_progress(op, item)]
    return "\n".join([*lines, *_pod_events(op, item)])


def _progress(op: Operator, item: Deployment) -> list[str]:
    _, fresh, ready = counts(op, item)
    enough = ready >= max(0, item.replicas - item.spec.max_unavailable)
    done = fresh >= item.replicas and ready >= item.replicas
    late = overdue(op, item)
    reason = "NewReplicaSetAvailable" if done else "ProgressDeadlineExceeded" if late else "ReplicaSetUpdated"
    rows = [
        ("Available", str(enough), "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable"),
        ("Progressing", str(done or not late), reason),
    ]
    lines = ["Conditions:", *(f"  {line}" for line in table(("Type", "Status", "Reason"), rows).split("\n"))]
    if item.spec.kind == "Deployment":
        new = replica_set(item, item.template)
        lines.append(f"NewReplicaSet:   {new} ({fresh}/{item.replicas} replicas created)")
    return lines


def _job(op: Operator, item: Deployment) -> str:
    template, name = item.template, item.spec.name
    total, _, ready = counts(op, item)
    since = clock(op, created_s(item))
    lines = _fields(
        [
            ("Name", name),
            ("Namespace", "shop"),
            ("Selector", f"app={name}"),
            ("Annotations", f"kubernetes.io/change-cause: {template.cause} (by {template.by})"),
            ("Parallelism", str(item.replicas)),
            ("Completions", "1"),
            ("Suspend", str(item.replicas == 0).lower()),
            ("Start Time", f"{since} ({age(op, created_s(item))} ago)"),
            ("Pods Statuses", f"{total} Active ({ready} Ready) / 0 Succeeded / 0 Failed"),
        ]
    )
    return "\n".join([*lines, *_template(op, item), *_pod_events(op, item)])
