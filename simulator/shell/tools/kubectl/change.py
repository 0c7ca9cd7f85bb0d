"""kubectl commands that change workloads: scale, delete, set, patch."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Sequence

from reference_platform.durations import format_gib
from reference_platform.errors import CommandError, nearest
from simulator.cluster.objects import Deployment
from simulator.plant.knobs import DeleteDeployments, DeletePods, RollOut, Scale, turn
from simulator.shell.components import distinct
from simulator.shell.context import DECLARED, Effect, Operator
from simulator.shell.registry import Arguments, command
from simulator.shell.tools.kubectl.kinds import (
    RESOURCE,
    WORKLOADS,
    Target,
    common_flags,
    in_namespace,
    kind_of,
    living_of,
    pod_named,
    rehearsed,
    target_named,
    target_of,
    workload_named,
)
from simulator.shell.tools.kubectl.objects import environment
from simulator.shell.tools.kubectl.operate import BY, announce, one_workload, workload_names, workloads

REPLICAS_MAX = 20
LIMIT_MIN_BYTES = 64 << 20
PATCH_DEPTH_MAX = 12
_QUANTITY = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)(Ki|Mi|Gi|Ti|k|M|G|T)?")
_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_MODEL_URI = re.compile(r"models:/([\w-]{1,60})/(\d{1,9})")
POOL = "spec.template.spec.nodeSelector.pool"
MEMORY = "spec.template.spec.containers.resources.limits.memory"
REPLICAS, SUSPEND = "spec.replicas", "spec.suspend"
PATCHABLE = (POOL, MEMORY, REPLICAS, SUSPEND)
EXAMPLE_PATCH = '{"spec":{"template":{"spec":{"nodeSelector":{"pool":"gpu-large"}}}}}'


def _flags(parser: Arguments) -> None:
    parser.add_argument("words", nargs="*")
    common_flags(parser)


def _no_job(item: Deployment) -> None:
    """The template of a job cannot be changed."""
    if item.spec.kind == "Job":
        what = f'The Job "{item.spec.name}" is invalid: spec.template: Invalid value: field is immutable'
        raise CommandError(what, fix=f"kubectl delete job {item.spec.name} stops it")


def _named(item: Deployment) -> str:
    return f"{RESOURCE[item.spec.kind]}/{item.spec.name}"


# -- scale ----------------------------------------


def _scale_flags(parser: Arguments) -> None:
    _flags(parser)
    parser.add_argument("--replicas", type=int, required=True)
    parser.add_argument("-l", "--selector", default="")


@command("kubectl scale", "kubectl scale deployment NAME --replicas=N", takes_s=2.0, changes=True,
         configure=_scale_flags, complete=workload_names)  # fmt: skip
def scale(op: Operator, args: argparse.Namespace) -> Effect:
    """Change the number of replicas; 0 stops a job."""
    in_namespace(args.namespace)
    items = workloads(op, args.words, args.selector)
    if args.replicas < 0:
        what = "error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0"
        raise CommandError(what, fix="--replicas=3")
    return _scale(op, items, args)


def _scale(op: Operator, items: Sequence[Deployment], args: argparse.Namespace) -> Effect:
    replicas = args.replicas
    if replicas > REPLICAS_MAX:
        raise CommandError(f"error: quota of shop allows {REPLICAS_MAX} replicas", fix=f"--replicas={REPLICAS_MAX}")
    for item in items:
        if item.spec.kind == "Job" and replicas > 1:
            raise CommandError(f"error: job {item.spec.name} runs one pod at a time", fix="--replicas=0 or 1")
    moved = [item for item in items if item.replicas != replicas]
    lines = [f"{_named(item)} scaled" for item in items]
    tried = rehearsed(args, lines)
    if tried is not None:
        return Effect(tried)
    text = "\n".join(lines)
    if not moved:
        return Effect(text)
    turn(op.plant, Scale([item.spec.name for item in moved], replicas))
    action = "scale"
    if replicas == 0:
        action = "stop_job" if all(item.spec.kind == "Job" for item in moved) else "scale_to_zero"
    names = ", ".join(item.spec.name for item in moved)
    return announce(op, action, moved, f"scaled {names} to {replicas}", text)


# -- delete ----------------------------------------


def _delete_flags(parser: Arguments) -> None:
    _flags(parser)
    parser.add_argument("-l", "--selector", default="")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--now", action="store_true")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--grace-period", type=int)
    parser.add_argument("--wait", nargs="?", const="true")
    parser.add_argument("--cascade", nargs="?", const="background")


@command("kubectl delete", "kubectl delete KIND/NAME", takes_s=2.0, changes=True, configure=_delete_flags,
         complete=workload_names)  # fmt: skip
def delete(op: Operator, args: argparse.Namespace) -> Effect:
    """Delete a pod, job or deployment given as kind/name."""
    return _delete(op, target_of(args.words), args)


def _register_delete(kind: str, *others: str) -> None:
    plural = kind_of(kind)

    def handler(op: Operator, args: argparse.Namespace) -> Effect:
        return _delete(op, target_named(plural, args.words), args)

    def complete(op: Operator) -> Iterable[str]:
        if plural == "pods":
            return op.plant.cluster.pods
        return living_of(op, plural)

    handler.__doc__ = f"Delete a {kind} by name."
    aliases = [f"kubectl delete {word}" for word in others]
    command(f"kubectl delete {kind}", f"kubectl delete {kind} NAME", takes_s=2.0, changes=True,
            configure=_delete_flags, complete=complete, aliases=aliases)(handler)  # fmt: skip


_register_delete("pod", "pods", "po")
_register_delete("job", "jobs")
_register_delete("deployment", "deployments", "deploy", "deployment.apps", "deployments.apps")
_register_delete("statefulset", "statefulsets", "sts")


def _delete(op: Operator, target: Target, args: argparse.Namespace) -> Effect:
    in_namespace(args.namespace)
    if target.kind != "pods" and target.kind not in WORKLOADS:
        what = f'Error from server (Forbidden): User "on-call" cannot delete resource "{target.kind}"'
        raise CommandError(what, fix="kubectl delete pod|job|deployment NAME")
    names = target.names or _all_of(op, target.kind, args)
    if not names:
        what = "error: resource(s) were provided, but no name was specified"
        raise CommandError(what, fix=f"kubectl get {target.kind}")
    tried = rehearsed(args, _deleted(op, target.kind, names))
    if tried is not None:
        return Effect(tried)
    return _delete_pods(op, names) if target.kind == "pods" else _delete_workloads(op, target.kind, names)


def _deleted(op: Operator, kind: str, names: Sequence[str]) -> list[str]:
    """What deleting says. Raises CommandError for a name that there is not."""
    if kind == "pods":
        return [f'pod "{pod_named(op, name).name}" deleted' for name in names]
    items = [workload_named(op, name, kind) for name in names]
    return [f'{RESOURCE[item.spec.kind]} "{item.spec.name}" deleted' for item in items]


def _all_of(op: Operator, kind: str, args: argparse.Namespace) -> tuple[str, ...]:
    """Names chosen by label or by --all."""
    if not (args.selector or args.all):
        return ()
    app = args.selector.partition("=")[2].lstrip("=")
    cluster = op.plant.cluster
    if kind == "pods":
        return tuple(pod.name for pod in cluster.pods.values() if args.all or pod.deployment == app)
    return tuple(name for name in living_of(op, kind) if args.all or name == app)


def _delete_pods(op: Operator, names: Sequence[str]) -> Effect:
    cluster = op.plant.cluster
    pods = [pod_named(op, name) for name in names]
    turn(op.plant, DeletePods([pod.name for pod in pods]))
    components = distinct(cluster.component_of(pod.deployment) for pod in pods)
    op.changed("delete_pod", components, "deleted " + ", ".join(names))
    return Effect("\n".join(f'pod "{name}" deleted' for name in names), subjects=components)


def _delete_workloads(op: Operator, kind: str, names: Sequence[str]) -> Effect:
    items = [workload_named(op, name, kind) for name in names]
    turn(op.plant, DeleteDeployments([item.spec.name for item in items]))
    action = "stop_job" if all(item.spec.kind == "Job" for item in items) else "delete_deployment"
    text = "\n".join(f'{RESOURCE[item.spec.kind]} "{item.spec.name}" deleted' for item in items)
    return announce(op, action, items, "deleted " + ", ".join(names), text)


# -- set ----------------------------------------


def _resource_flags(parser: Arguments) -> None:
    _flags(parser)
    parser.add_argument("--limits", default="")
    parser.add_argument("--requests", default="")
    parser.add_argument("-c", "--containers", default="")


@command("kubectl set resources", "kubectl set resources deployment/NAME --limits=memory=12Gi", takes_s=2.0,
         changes=True, configure=_resource_flags, complete=workload_names)  # fmt: skip
def set_resources(op: Operator, args: argparse.Namespace) -> Effect:
    """Change the memory limit (and request) of a deployment's pods."""
    item = one_workload(op, args)
    wanted = dict(part.partition("=")[::2] for part in (args.limits or args.requests).split(",") if part)
    if "memory" not in wanted:
        raise CommandError("error: only memory limits are simulated", fix="--limits=memory=12Gi")
    size_bytes = _memory(op, wanted["memory"])
    named = f"{_named(item)} resource requirements updated"
    return _roll_out(op, "set_limit", item, {"memory_limit_bytes": size_bytes}, named, args)


def _memory(op: Operator, text: object) -> int:
    found = _QUANTITY.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        what = f"error: quantities must match a number with a unit, not {str(text)[:40]!r}"
        raise CommandError(what, fix="such as 12Gi, 512Mi or 14G")
    size_bytes = int(float(found[1]) * _UNITS.get(found[2] or "", 1))
    largest = 16 * max(node.spec.memory for node in op.plant.cluster.nodes.values())
    if not LIMIT_MIN_BYTES <= size_bytes <= largest:
        raise CommandError(f"error: a memory limit of {text}", fix="between 64Mi and what a node has")
    return size_bytes


def _env_flags(parser: Arguments) -> None:
    _flags(parser)
    parser.add_argument("-c", "--containers", default="")
    parser.add_argument("--list", action="store_true")


@command("kubectl set env", "kubectl set env deployment/NAME MODEL_VERSION=3", takes_s=2.0, changes=True,
         configure=_env_flags, complete=workload_names, looked=("rollout",))  # fmt: skip
def set_env(op: Operator, args: argparse.Namespace) -> Effect:
    """Roll out another registered model version."""
    pairs = [word for word in args.words if "=" in word]
    args.words = [word for word in args.words if "=" not in word]
    if args.list:
        item = one_workload(op, args)
        kind = f"{item.spec.kind.lower()}s"
        lines = [f"{name}={value}" for name, value in environment(op, item, item.template)]
        text = "\n".join([f"# {kind}/{item.spec.name}, container {item.spec.name}", *lines])
        return Effect(text, looked=DECLARED, subjects=(op.plant.cluster.component_of(item.spec.name),))
    if len(pairs) != 1 or not args.words:
        raise CommandError("error: one deployment and one NAME=VALUE are needed", fix="MODEL_VERSION=3")
    item = one_workload(op, args)
    _no_job(item)
    name, _, value = pairs[0].partition("=")
    uri = _MODEL_URI.fullmatch(value) if name == "MODEL_URI" else None
    if name not in ("MODEL_VERSION", "MODEL_URI") or not item.spec.model:
        what = f"error: {name[:40]} is not read by {item.spec.name}"
        raise CommandError(what, fix="model servers read MODEL_VERSION and MODEL_URI")
    if name == "MODEL_URI" and (uri is None or uri[1] != item.spec.model):
        raise CommandError(f"error: {value[:60]} is no model of {item.spec.name}", fix=f"models:/{item.spec.model}/3")
    wanted = uri[2] if uri else value.removeprefix("v")
    known = {str(version.version): version.version for version in op.plant.registry.versions(item.spec.model)}
    if wanted not in known:
        raise CommandError(f"error: {item.spec.model} has no version {wanted[:20]}", fix=nearest(wanted, known))
    changes: dict[str, object] = {"model_version": known[wanted]}
    return _roll_out(op, "set_env", item, changes, f"{_named(item)} env updated", args)


def _roll_out(
    op: Operator, action: str, item: Deployment, changes: dict[str, object], text: str, args: argparse.Namespace
) -> Effect:
    """A new revision, unless nothing would be different or it is only tried."""
    _no_job(item)
    tried = rehearsed(args, [text])
    if tried is not None:
        return Effect(tried)
    current = item.template
    if all(getattr(current, field) == value for field, value in changes.items()):
        return Effect(f"{text} (no change)")
    said = {
        "memory_limit_bytes": lambda value: f"memory limit {format_gib(value)}",
        "model_version": lambda value: f"MODEL_VERSION={value}",
        "node_pool": lambda value: f"nodeSelector pool={value}",
    }
    cause = ", ".join(said[field](value) for field, value in changes.items())
    turn(op.plant, RollOut(item.spec.name, BY, cause, changes))
    return announce(op, action, [item], f"{item.spec.name}: {cause}", text)


# -- patch ----------------------------------------


def _patch_flags(parser: Arguments) -> None:
    _flags(parser)
    parser.add_argument("-p", "--patch", required=True)
    parser.add_argument("--type", default="strategic")


@command("kubectl patch", f"kubectl patch deployment NAME -p '{EXAMPLE_PATCH}'", takes_s=2.0, changes=True,
         configure=_patch_flags, complete=workload_names)  # fmt: skip
def patch(op: Operator, args: argparse.Namespace) -> Effect:
    """Change a deployment's node pool, memory limit or replicas with a JSON patch; suspend a job."""
    item = one_workload(op, args)
    if args.type not in ("strategic", "merge", "json"):
        what = f'error: --type must be one of [json merge strategic], not "{args.type[:20]}"'
        raise CommandError(what, fix="leave --type out")
    try:
        document = json.loads(args.patch)
    except (ValueError, RecursionError):
        raise CommandError("error: the patch is not JSON", fix=f"-p '{EXAMPLE_PATCH}'") from None
    wanted = _operations(document) if args.type == "json" else _leaves(document)
    unknown = [path for path in wanted if path not in PATCHABLE]
    if unknown or not wanted:
        what = f"error: {unknown[0][:80] or 'the patch'} is not simulated" if unknown else "error: an empty patch"
        raise CommandError(what, fix=f"simulated: {', '.join(PATCHABLE)}")
    if REPLICAS in wanted or SUSPEND in wanted:
        return _patch_replicas(op, item, wanted, args)
    changes: dict[str, object] = {}
    if POOL in wanted:
        pools = {node.pool for node in op.plant.spec.nodes}
        pool = wanted[POOL]
        if not isinstance(pool, str) or pool not in pools:
            what = f'Error from server (Forbidden): admission webhook "pools.shop" denied: no pool {str(pool)[:40]}'
            raise CommandError(what, fix=nearest(str(pool), pools))
        changes["node_pool"] = pool
    if MEMORY in wanted:
        changes["memory_limit_bytes"] = _memory(op, wanted[MEMORY])
    action = "move_pool" if POOL in wanted else "set_limit"
    return _roll_out(op, action, item, changes, f"{_named(item)} patched", args)


def _patch_replicas(op: Operator, item: Deployment, wanted: dict[str, object], args: argparse.Namespace) -> Effect:
    if len(wanted) > 1:
        raise CommandError("error: replicas and template in one patch are not simulated", fix="two patches")
    path, value = next(iter(wanted.items()))
    if path == SUSPEND and (item.spec.kind != "Job" or not isinstance(value, bool)):
        raise CommandError("error: only a job can be suspended, with true or false", fix="kubectl get jobs")
    if isinstance(value, bool) == (path == REPLICAS) or not isinstance(value, int) or value < 0:
        raise CommandError(f"error: {path} needs a whole number from 0 on", fix='{"spec":{"replicas":3}}')
    replicas = int(not value) if path == SUSPEND else value
    args.replicas = replicas
    done = _scale(op, [item], args)
    text = rehearsed(args, [f"{_named(item)} patched"]) or f"{_named(item)} patched"
    return Effect(text, subjects=done.subjects)


def _operations(document: object) -> dict[str, object]:
    """Values of a JSON patch by their dotted path; positions in lists are left out. Raises CommandError."""
    found: dict[str, object] = {}
    for step in document if isinstance(document, list) else [None]:
        if not isinstance(step, dict) or step.get("op") not in ("replace", "add") or "value" not in step:
            what = "error: a JSON patch is a list of operations, and replace and add are simulated"
            raise CommandError(what, fix='[{"op":"replace","path":"/spec/replicas","value":3}]')
        names = [name for name in str(step.get("path")).strip("/").split("/") if not name.isdecimal()]
        below = _leaves(step["value"]) if isinstance(step["value"], dict) else {"": step["value"]}
        found |= {".".join([*names, *([key] if key else [])]): value for key, value in below.items()}
    return found


def _leaves(document: object) -> dict[str, object]:
    """Values of a patch by their dotted path; list positions and names of containers are left out."""
    found: dict[str, object] = {}
    open_: list[tuple[str, object, int]] = [("", document, 0)]
    while open_:
        path, value, depth = open_.pop()
        if depth > PATCH_DEPTH_MAX:
            raise CommandError("error: the patch is nested too deeply", fix=f"-p '{EXAMPLE_PATCH}'")
        if isinstance(value, dict):
            open_ += [(f"{path}.{key}" if path else key, item, depth + 1) for key, item in value.items()]
        elif isinstance(value, list):
            open_ += [(path, item, depth + 1) for item in value]
        elif not path.endswith("containers.name"):
            found[path] = value
    return found
