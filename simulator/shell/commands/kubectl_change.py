"""kubectl commands that change the cluster."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable

from reference_platform.durations import parse_size_bytes
from reference_platform.errors import CommandError, nearest
from simulator.cluster.objects import Deployment
from simulator.shell.context import Effect, Operator
from simulator.shell.kinds import (
    WORKLOADS,
    Target,
    common_flags,
    in_namespace,
    kind_of,
    node_named,
    pod_named,
    target_of,
    workload_named,
)
from simulator.shell.registry import Arguments, command

REPLICAS_MAX = 20
BY = "you"


def _workloads(op: Operator) -> Iterable[str]:
    return [f"deployment/{name}" for name, item in op.plant.cluster.deployments.items() if not item.deleted]


def _flags(parser: Arguments) -> None:
    parser.add_argument("words", nargs="+")
    common_flags(parser)
    parser.add_argument("--now", "--force", dest="now", action="store_true")
    parser.add_argument("--grace-period", type=int)


def _workload(op: Operator, args: argparse.Namespace) -> Deployment:
    in_namespace(args.namespace)
    words = list(args.words)
    if len(words) == 1 and "/" not in words[0]:
        words = ["deployment", *words]
    target = target_of(words)
    if target.kind not in WORKLOADS or len(target.names) != 1:
        raise CommandError("error: one deployment is needed", fix="for example deployment/recommendation")
    return workload_named(op, target.names[0], target.kind)


def _component(op: Operator, item: Deployment) -> str:
    return op.plant.cluster.component_of(item.spec.name)


def _done(op: Operator, action: str, item: Deployment, detail: str, text: str) -> Effect:
    op.plant.sync()
    component = _component(op, item)
    op.changed(action, [component], detail)
    return Effect(text, subjects=(component,))


def _no_job(item: Deployment, verb: str) -> None:
    if item.spec.kind == "Job":
        what = f"error: jobs.batch {item.spec.name} cannot be {verb}"
        raise CommandError(what, fix=f"kubectl delete job {item.spec.name}, or delete its pod")


@command("kubectl rollout status", "kubectl rollout status deployment/NAME", takes_s=2.0, configure=_flags,
         complete=_workloads)  # fmt: skip
def rollout_status(op: Operator, args: argparse.Namespace) -> Effect:
    """How far a roll-out is."""
    item = _workload(op, args)
    pods = [p for p in op.plant.cluster.pods_of(item.spec.name) if p.phase != "Terminating"]
    fresh = [p for p in pods if p.template.revision == item.template.revision]
    available = sum(p.phase == "Ready" for p in fresh)
    text = f'deployment "{item.spec.name}" successfully rolled out'
    if len(fresh) < item.replicas:
        text = f'Waiting for deployment "{item.spec.name}" rollout to finish: {len(fresh)} out of {item.replicas} new replicas have been updated...'
    elif available < item.replicas:
        text = f'Waiting for deployment "{item.spec.name}" rollout to finish: {available} of {item.replicas} updated replicas are available...'
    return Effect(text, looked=("rollout", "pods"), subjects=(_component(op, item),))


@command("kubectl rollout history", "kubectl rollout history deployment/NAME", configure=_flags, complete=_workloads)
def rollout_history(op: Operator, args: argparse.Namespace) -> Effect:
    """Revisions of a deployment and what caused them."""
    item = _workload(op, args)
    lines = [f"deployment.apps/{item.spec.name}", "REVISION  CHANGE-CAUSE"]
    for template in item.history:
        version = f", model version {template.model_version}" if template.model_version else ""
        lines.append(f"{template.revision:<9} {template.cause} (by {template.by}{version})")
    return Effect("\n".join(lines), looked=("rollout", "changes"), subjects=(_component(op, item),))


def _undo_flags(parser: Arguments) -> None:
    _flags(parser)
    parser.add_argument("--to-revision", type=int)


@command("kubectl rollout undo", "kubectl rollout undo deployment/NAME [--to-revision N]", takes_s=2.0, changes=True,
         configure=_undo_flags, complete=_workloads)  # fmt: skip
def rollout_undo(op: Operator, args: argparse.Namespace) -> Effect:
    """Roll a deployment back; its pods load the earlier model anew."""
    item = _workload(op, args)
    _no_job(item, "rolled back")
    template = op.plant.roll_back(item.spec.name, by=BY, to_revision=args.to_revision)
    if template is None:
        wanted = f"revision {args.to_revision}" if args.to_revision else "a previous revision"
        raise CommandError(f"error: no rollout history found for {wanted} of {item.spec.name}",
                           fix=f"kubectl rollout history deployment/{item.spec.name}")  # fmt: skip
    return _done(op, "rollback", item, template.cause, f"deployment.apps/{item.spec.name} rolled back")


@command("kubectl rollout restart", "kubectl rollout restart deployment/NAME", takes_s=2.0, changes=True,
         configure=_flags, complete=_workloads)  # fmt: skip
def rollout_restart(op: Operator, args: argparse.Namespace) -> Effect:
    """Replace the pods of a deployment one after the other; their caches start cold."""
    item = _workload(op, args)
    _no_job(item, "restarted")
    op.plant.roll_out(item.spec.name, by=BY, cause="restart", restarted_at_s=op.now_s)
    return _done(op, "restart", item, f"restarted {item.spec.name}", f"deployment.apps/{item.spec.name} restarted")


def _scale_flags(parser: Arguments) -> None:
    _flags(parser)
    parser.add_argument("--replicas", type=int, required=True)


@command("kubectl scale", "kubectl scale deployment NAME --replicas=N", takes_s=2.0, changes=True,
         configure=_scale_flags, complete=_workloads)  # fmt: skip
def scale(op: Operator, args: argparse.Namespace) -> Effect:
    """Change the number of replicas."""
    item = _workload(op, args)
    if not 0 <= args.replicas <= REPLICAS_MAX:
        raise CommandError(f"error: --replicas={args.replicas}", fix=f"0 to {REPLICAS_MAX}")
    op.plant.cluster.scale(item.spec.name, args.replicas, op.now_s)
    action = "scale"
    if args.replicas == 0:
        action = "stop_job" if item.spec.kind == "Job" else "scale_to_zero"
    text = f"{item.spec.kind.lower()}.apps/{item.spec.name} scaled"
    return _done(op, action, item, f"scaled {item.spec.name} to {args.replicas}", text)


def _delete(op: Operator, target: Target) -> Effect:
    if not target.names:
        raise CommandError(
            f"error: name of the {target.kind[:-1]} to delete is needed", fix=f"kubectl get {target.kind}"
        )
    cluster = op.plant.cluster
    if target.kind == "pods":
        pods = [pod_named(op, name) for name in target.names]
        for pod in pods:
            cluster.delete_pod(pod.name, op.now_s)
        op.plant.sync()
        components = list(dict.fromkeys(cluster.component_of(pod.deployment) for pod in pods))
        op.changed("delete_pod", components, "deleted " + ", ".join(pod.name for pod in pods))
        return Effect("\n".join(f'pod "{pod.name}" deleted' for pod in pods), subjects=tuple(components))
    if target.kind not in WORKLOADS:
        raise CommandError(
            f"Error from server (Forbidden): {target.kind} cannot be deleted by on-call",
            fix="kubectl delete pod|job|deployment NAME",
        )
    items = [workload_named(op, name, target.kind) for name in target.names]
    for item in items:
        cluster.delete_deployment(item.spec.name, op.now_s)
    op.plant.sync()
    action = "stop_job" if all(item.spec.kind == "Job" for item in items) else "delete_deployment"
    components = list(dict.fromkeys(_component(op, item) for item in items))
    op.changed(action, components, "deleted " + ", ".join(item.spec.name for item in items))
    return Effect(
        "\n".join(f'{item.spec.kind.lower()} "{item.spec.name}" deleted' for item in items), subjects=tuple(components)
    )


@command("kubectl delete", "kubectl delete KIND/NAME", takes_s=2.0, changes=True, configure=_flags, complete=_workloads)
def delete(op: Operator, args: argparse.Namespace) -> Effect:
    """Delete a pod, job or deployment given as kind/name."""
    in_namespace(args.namespace)
    return _delete(op, target_of(args.words))


def _register_delete(kind: str, *others: str) -> None:
    def handler(op: Operator, args: argparse.Namespace) -> Effect:
        in_namespace(args.namespace)
        return _delete(op, Target(kind_of(kind), tuple(args.words)))

    def complete(op: Operator) -> Iterable[str]:
        names: Iterable[str] = op.plant.cluster.pods if kind == "pod" else op.plant.cluster.deployments
        return names

    handler.__doc__ = f"Delete a {kind} by name."
    aliases = [f"kubectl delete {word}" for word in others]
    command(f"kubectl delete {kind}", f"kubectl delete {kind} NAME", takes_s=2.0, changes=True, configure=_flags,
            complete=complete, aliases=aliases)(handler)  # fmt: skip


_register_delete("pod", "pods", "po")
_register_delete("job", "jobs")
_register_delete("deployment", "deployments", "deploy")


def _resource_flags(parser: Arguments) -> None:
    _flags(parser)
    parser.add_argument("--limits", default="")
    parser.add_argument("--requests", default="")


@command("kubectl set resources", "kubectl set resources deployment/NAME --limits=memory=12Gi", takes_s=2.0,
         changes=True, configure=_resource_flags, complete=_workloads)  # fmt: skip
def set_resources(op: Operator, args: argparse.Namespace) -> Effect:
    """Change the memory limit (and request) of a deployment's pods."""
    item = _workload(op, args)
    wanted = dict(part.partition("=")[::2] for part in (args.limits or args.requests).split(",") if part)
    if "memory" not in wanted:
        raise CommandError("error: only memory limits are simulated", fix="--limits=memory=12Gi")
    return _set_limit(op, item, wanted["memory"])


def _set_limit(op: Operator, item: Deployment, text: str) -> Effect:
    try:
        size_bytes = parse_size_bytes(text)
    except ValueError as error:
        raise CommandError(f"error: {error}", fix="--limits=memory=12Gi") from None
    largest = max(node.allocatable_bytes for node in op.plant.cluster.nodes.values())
    if not 64 << 20 <= size_bytes <= 16 * largest:
        raise CommandError(f"error: a memory limit of {text}", fix="between 64Mi and what a node has")
    op.plant.roll_out(item.spec.name, by=BY, cause=f"memory limit {text}", memory_limit_bytes=size_bytes)
    return _done(op, "set_limit", item, f"memory limit of {item.spec.name} to {text}",
                 f"deployment.apps/{item.spec.name} resource requirements updated")  # fmt: skip


@command("kubectl set env", "kubectl set env deployment/NAME MODEL_VERSION=3", takes_s=2.0, changes=True,
         configure=_flags, complete=_workloads)  # fmt: skip
def set_env(op: Operator, args: argparse.Namespace) -> Effect:
    """Roll out another registered model version."""
    pairs = [word for word in args.words if "=" in word]
    args.words = [word for word in args.words if "=" not in word]
    if len(pairs) != 1 or not args.words:
        raise CommandError("error: one deployment and one NAME=VALUE are needed", fix="MODEL_VERSION=3")
    item = _workload(op, args)
    name, _, value = pairs[0].partition("=")
    if name != "MODEL_VERSION" or not item.spec.model:
        raise CommandError(
            f"error: {name[:40]} is not read by {item.spec.name}", fix="model servers read MODEL_VERSION"
        )
    known = {str(version.version): version.version for version in op.plant.registry.versions(item.spec.model)}
    if value not in known:
        raise CommandError(f"error: {item.spec.model} has no version {value[:20]}", fix=nearest(value, known))
    op.plant.roll_out(item.spec.name, by=BY, cause=f"MODEL_VERSION={value}", model_version=known[value])
    return _done(op, "set_env", item, f"{item.spec.name} to model version {value}",
                 f"deployment.apps/{item.spec.name} env updated")  # fmt: skip


def _patch_flags(parser: Arguments) -> None:
    _flags(parser)
    parser.add_argument("-p", "--patch", required=True)
    parser.add_argument("--type", default="strategic")


@command("kubectl patch", 'kubectl patch deployment NAME -p \'{"spec":{"template":{"spec":{"nodeSelector":{"pool":"gpu-large"}}}}}\'',
         takes_s=2.0, changes=True, configure=_patch_flags, complete=_workloads)  # fmt: skip
def patch(op: Operator, args: argparse.Namespace) -> Effect:
    """Move a deployment to another node pool by its nodeSelector."""
    item = _workload(op, args)
    try:
        document = json.loads(args.patch)
        pool = document["spec"]["template"]["spec"]["nodeSelector"]["pool"]
    except (ValueError, RecursionError):
        raise CommandError("error: the patch is not JSON", fix="quote it with single quotes") from None
    except (KeyError, TypeError):
        raise CommandError("error: only spec.template.spec.nodeSelector.pool is simulated",
                           fix="kubectl set resources changes limits") from None  # fmt: skip
    pools = {node.pool for node in op.plant.spec.nodes}
    if not isinstance(pool, str) or pool not in pools:
        raise CommandError(f"error: no node has pool={str(pool)[:40]}", fix=nearest(str(pool), pools))
    op.plant.roll_out(item.spec.name, by=BY, cause=f"nodeSelector pool={pool}", node_pool=pool)
    return _done(op, "move_pool", item, f"moved {item.spec.name} to pool {pool}",
                 f"deployment.apps/{item.spec.name} patched")  # fmt: skip


def _nodes(op: Operator) -> Iterable[str]:
    return op.plant.cluster.nodes


def _node_flags(parser: Arguments) -> None:
    parser.add_argument("node")
    parser.add_argument("--ignore-daemonsets", action="store_true")
    parser.add_argument("--delete-emptydir-data", action="store_true")
    parser.add_argument("--force", action="store_true")


@command("kubectl cordon", "kubectl cordon NODE", changes=True, configure=_node_flags, complete=_nodes)
def cordon(op: Operator, args: argparse.Namespace) -> Effect:
    """Let no new pod onto a node."""
    node = node_named(op, args.node.removeprefix("node/"))
    op.plant.cluster.cordon(node.spec.name, True)
    op.changed("cordon", [node.spec.name], f"cordoned {node.spec.name}")
    return Effect(f"node/{node.spec.name} cordoned", subjects=(node.spec.name,))


@command("kubectl uncordon", "kubectl uncordon NODE", changes=True, configure=_node_flags, complete=_nodes)
def uncordon(op: Operator, args: argparse.Namespace) -> Effect:
    """Let pods onto a node again."""
    node = node_named(op, args.node.removeprefix("node/"))
    op.plant.cluster.cordon(node.spec.name, False)
    op.changed("uncordon", [node.spec.name], f"uncordoned {node.spec.name}")
    return Effect(f"node/{node.spec.name} uncordoned", subjects=(node.spec.name,))


@command("kubectl drain", "kubectl drain NODE --ignore-daemonsets", takes_s=4.0, changes=True,
         configure=_node_flags, complete=_nodes)  # fmt: skip
def drain(op: Operator, args: argparse.Namespace) -> Effect:
    """Cordon a node and evict its pods."""
    node = node_named(op, args.node.removeprefix("node/"))
    if not args.ignore_daemonsets:
        raise CommandError(f"error: unable to drain node \"{node.spec.name}\": cannot delete DaemonSet-managed Pods",
                           fix="--ignore-daemonsets")  # fmt: skip
    evicted = op.plant.cluster.drain(node.spec.name, op.now_s)
    op.plant.sync()
    op.changed("drain", [node.spec.name], f"drained {node.spec.name}")
    lines = [f"node/{node.spec.name} cordoned", *(f"evicting pod shop/{name}" for name in evicted)]
    return Effect("\n".join([*lines, f"node/{node.spec.name} drained"]), subjects=(node.spec.name,))


def _refused(words: str, why: str, fix: str) -> None:
    def any_words(parser: Arguments) -> None:
        parser.add_argument("words", nargs=argparse.REMAINDER)

    def handler(op: Operator, args: argparse.Namespace) -> Effect:
        raise CommandError(f"error: {why}", fix=fix)

    handler.__doc__ = f"Not allowed here: {why}."
    command(words, f"{words} ...", configure=any_words)(handler)


_refused(
    "kubectl set image", "images are changed by releases", "kubectl rollout undo, or kubectl set env MODEL_VERSION"
)
_refused("kubectl exec", "shells in pods are closed to on-call", "logs, metrics and curl show the same")
_refused(
    "kubectl apply", "manifests come from releases", "kubectl set, scale, patch and rollout change what is running"
)
_refused("kubectl edit", "there is no editor on this host", "kubectl set, scale, patch and rollout")
