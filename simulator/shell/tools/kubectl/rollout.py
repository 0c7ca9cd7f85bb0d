"""`kubectl rollout`."""

from __future__ import annotations

import argparse

from reference_platform.errors import CommandError
from simulator.cluster.objects import Deployment
from simulator.plant.knobs import RollBack, RollOut, turn
from simulator.shell.calendar import clock
from simulator.shell.components import distinct
from simulator.shell.context import DECLARED, Effect, Operator
from simulator.shell.registry import Arguments, command
from simulator.shell.tools.kubectl.kinds import RESOURCE, common_flags, in_namespace
from simulator.shell.tools.kubectl.operate import BY, announce, component, one_workload, workload_names, workloads
from simulator.shell.tools.kubectl.rows import counts, overdue


def _flags(parser: Arguments) -> None:
    parser.add_argument("words", nargs="*")
    common_flags(parser)
    parser.add_argument("--revision", type=int)
    parser.add_argument("--to-revision", type=int)
    parser.add_argument("-l", "--selector", default="")
    parser.add_argument("-w", "--watch", nargs="?", const="true")
    parser.add_argument("--timeout", default="")


def _no_job(item: Deployment, verb: str) -> None:
    if item.spec.kind == "Job":
        what = f"error: jobs.batch {item.spec.name} cannot be {verb}"
        raise CommandError(what, fix=f"kubectl delete job {item.spec.name}, or delete its pod")


@command("kubectl rollout status", "kubectl rollout status deployment/NAME", takes_s=2.0, configure=_flags,
         complete=workload_names, looked=("rollout", "pods"), sight="changes")  # fmt: skip
def rollout_status(op: Operator, args: argparse.Namespace) -> Effect:
    """How far a roll-out is, now."""
    item = one_workload(op, args)
    name, wanted = item.spec.name, item.replicas
    total, fresh, _ = counts(op, item)
    pods = op.plant.cluster.ready_pods(name)
    available = sum(pod.template.revision == item.template.revision for pod in pods)
    waiting = f'Waiting for deployment "{name}" rollout to finish: '
    subjects = (component(op, item),)
    if item.spec.kind == "Job":
        raise CommandError(
            "error: no status viewer has been implemented for batch/v1, Kind=Job", fix="kubectl get jobs"
        )
    if overdue(op, item):
        return Effect(f'error: deployment "{name}" exceeded its progress deadline', 1, DECLARED, subjects)
    if item.spec.kind == "StatefulSet" and available < wanted:
        return Effect(f"Waiting for {wanted - available} pods to be ready...", 0, DECLARED, subjects)
    if fresh < wanted:
        text = f"{waiting}{fresh} out of {wanted} new replicas have been updated..."
    elif total > fresh:
        text = f"{waiting}{total - fresh} old replicas are pending termination..."
    elif available < wanted:
        text = f"{waiting}{available} of {wanted} updated replicas are available..."
    else:
        text = f'deployment "{name}" successfully rolled out'
    return Effect(text, 0, DECLARED, subjects)


@command("kubectl rollout history", "kubectl rollout history deployment/NAME [--revision N]", configure=_flags,
         complete=workload_names, looked=("rollout", "changes"), sight="changes")  # fmt: skip
def rollout_history(op: Operator, args: argparse.Namespace) -> Effect:
    """Revisions of a deployment and what caused them."""
    item = one_workload(op, args)
    lines = [f"{RESOURCE[item.spec.kind]}/{item.spec.name}", "REVISION  CHANGE-CAUSE"]
    for template in item.revisions:
        version = f", model version {template.model_version}" if template.model_version else ""
        lines.append(f"{template.revision:<9} {template.cause} (by {template.by}{version})")
    if args.revision is not None:
        found = next((template for template in item.revisions if template.revision == args.revision), None)
        if found is None:
            raise CommandError("error: unable to find the specified revision", fix=_revisions(item))
        lines = [f"{lines[0]} with revision #{found.revision}", f"  Change-cause:  {found.cause} (by {found.by})"]
        lines += [f"  Created:       {clock(op, found.created_at_s)}"] if found.by != "platform" else []
        lines += [f"  Memory limit:  {found.memory_limit_bytes >> 20}Mi", f"  Node pool:     {found.node_pool}"]
        lines += [f"  Model version: {found.model_version}"] if found.model_version else []
    return Effect("\n".join(lines), looked=DECLARED, subjects=(component(op, item),))


def _revisions(item: Deployment) -> str:
    return "revisions: " + ", ".join(str(template.revision) for template in item.revisions)


@command("kubectl rollout undo", "kubectl rollout undo deployment/NAME [--to-revision N]", takes_s=2.0, changes=True,
         configure=_flags, complete=workload_names)  # fmt: skip
def rollout_undo(op: Operator, args: argparse.Namespace) -> Effect:
    """Roll a deployment back; its pods load the earlier model anew."""
    item = one_workload(op, args)
    _no_job(item, "rolled back")
    named = f"{RESOURCE[item.spec.kind]}/{item.spec.name}"
    wanted = args.to_revision or None
    if wanted == item.template.revision:
        return Effect(f"{named} skipped rollback (current template already matches revision {wanted})")
    template = turn(op.plant, RollBack(item.spec.name, BY, wanted)).result
    if template is None:
        what = f"error: unable to find specified revision {wanted} in history"
        if wanted is None:
            what = f'error: no rollout history found for {item.spec.kind.lower()} "{item.spec.name}"'
        raise CommandError(what, fix=f"{_revisions(item)}; kubectl rollout history {named.replace('.apps', '')}")
    return announce(op, "rollback", [item], template.cause, f"{named} rolled back")


@command("kubectl rollout restart", "kubectl rollout restart deployment/NAME", takes_s=2.0, changes=True,
         configure=_flags, complete=workload_names)  # fmt: skip
def rollout_restart(op: Operator, args: argparse.Namespace) -> Effect:
    """Replace the pods of a deployment one after the other; their caches start cold."""
    in_namespace(args.namespace)
    items = workloads(op, args.words, args.selector)
    for item in items:
        _no_job(item, "restarted")
    for item in items:
        turn(op.plant, RollOut(item.spec.name, BY, "restart", {"restarted_at_s": op.now_s}))
    names = distinct(item.spec.name for item in items)
    text = "\n".join(f"{RESOURCE[item.spec.kind]}/{item.spec.name} restarted" for item in items)
    return announce(op, "restart", items, f"restarted {', '.join(names)}", text)
