"""`kubectl rollout`."""

from __future__ import annotations

import argparse

from reference_platform.errors import CommandError
from simulator.cluster.naming import template_hash
from simulator.cluster.objects import Deployment, Template
from simulator.plant.knobs import RollBack, RollOut, turn
from simulator.shell.components import distinct
from simulator.shell.context import DECLARED, Effect, Operator
from simulator.shell.free_text import length_s
from simulator.shell.registry import Arguments, command
from simulator.shell.tools.kubectl.describe_pod import Json, describe_template
from simulator.shell.tools.kubectl.kinds import RESOURCE, common_flags, in_namespace, rehearsed
from simulator.shell.tools.kubectl.layout import Page
from simulator.shell.tools.kubectl.objects import pod_labels, pod_spec
from simulator.shell.tools.kubectl.operate import BY, announce, component, one_workload, workload_names, workloads
from simulator.shell.tools.kubectl.rows import counts, overdue

LOOK_AGAIN_S = 1.0
STATUS_WAIT_S = 60.0
STATUS_WAIT_MAX_S = 600.0
"""Longest that a line waits for a roll-out. Nobody can interrupt it, as they could at a terminal."""


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


def _status_flags(parser: Arguments) -> None:
    _flags(parser)
    parser.set_defaults(seen=[], until_s=None, over=False)


def _progress(op: Operator, item: Deployment) -> tuple[str, bool]:
    """What kubectl says of a roll-out now, and whether there is nothing more to wait for. Raises CommandError."""
    name, wanted = item.spec.name, item.replicas
    total, fresh, _ = counts(op, item)
    pods = op.plant.cluster.ready_pods(name)
    available = sum(pod.template.revision == item.template.revision for pod in pods)
    if item.spec.kind == "Job":
        raise CommandError(
            "error: no status viewer has been implemented for batch/v1, Kind=Job", fix="kubectl get jobs"
        )
    if item.spec.kind == "StatefulSet":
        if available < wanted:
            return f"Waiting for {wanted - available} pods to be ready...", False
        revision = f"{name}-{template_hash(name, item.template.set_number)}"
        return f"statefulset rolling update complete {available} pods at revision {revision}...", True
    if overdue(op, item):
        return f'error: deployment "{name}" exceeded its progress deadline', True
    waiting = f'Waiting for deployment "{name}" rollout to finish: '
    if fresh < wanted:
        return f"{waiting}{fresh} out of {wanted} new replicas have been updated...", False
    if total > fresh:
        return f"{waiting}{total - fresh} old replicas are pending termination...", False
    if available < wanted:
        return f"{waiting}{available} of {wanted} updated replicas are available...", False
    return f'deployment "{name}" successfully rolled out', True


def _status_waits(op: Operator, args: argparse.Namespace) -> float:
    """Look once a second until the roll-out is over or the time is up; every new line is kept."""
    if args.until_s is None:
        wanted_s = length_s(args.timeout, "--timeout") if args.timeout not in ("", "0", "0s") else STATUS_WAIT_S
        args.until_s = op.now_s + (0.0 if args.watch == "false" else min(wanted_s, STATUS_WAIT_MAX_S))
    text, over = _progress(op, one_workload(op, argparse.Namespace(**vars(args))))
    args.seen += [text] if args.seen[-1:] != [text] else []
    return 0.0 if over else min(LOOK_AGAIN_S, max(0.0, args.until_s - op.now_s))


@command("kubectl rollout status", "kubectl rollout status deployment/NAME [--timeout 5m] [--watch=false]", takes_s=2.0,
         configure=_status_flags, complete=workload_names, waits=_status_waits,
         looked=("rollout", "pods"), sight="changes")  # fmt: skip
def rollout_status(op: Operator, args: argparse.Namespace) -> Effect:
    """Wait for a roll-out, a minute or as long as --timeout says; every change of its state is a line."""
    item = one_workload(op, args)
    text, over = _progress(op, item)
    lines = [*args.seen, *([text] if args.seen[-1:] != [text] else [])]
    late = text.startswith("error:")
    waited = args.until_s is not None and args.watch != "false"
    if not over and args.timeout and waited:
        lines.append("error: timed out waiting for the condition")
        late = True
    elif not over and waited:
        lines.append(f"(not over after {STATUS_WAIT_S:.0f}s, and left; --timeout=5m waits longer)")
    return Effect("\n".join(lines), int(late), DECLARED, (component(op, item),))


@command("kubectl rollout history", "kubectl rollout history deployment/NAME [--revision N]", configure=_flags,
         complete=workload_names, looked=("rollout", "changes"), sight="changes")  # fmt: skip
def rollout_history(op: Operator, args: argparse.Namespace) -> Effect:
    """Revisions of a deployment and what caused them; with --revision the template of one."""
    item = one_workload(op, args)
    named = f"{RESOURCE[item.spec.kind]}/{item.spec.name}"
    subjects = (component(op, item),)
    if args.revision is not None and args.revision > 0:
        found = next((template for template in item.revisions if template.revision == args.revision), None)
        if found is None:
            raise CommandError("error: unable to find the specified revision", fix=_revisions(item))
        return Effect(
            f"{named} with revision #{found.revision}\n{_of_revision(op, item, found)}", 0, DECLARED, subjects
        )
    lines = [f"{named} ", "REVISION  CHANGE-CAUSE"]
    for template in item.revisions:
        version = f", model version {template.model_version}" if template.model_version else ""
        lines.append(f"{template.revision:<9} {template.cause} (by {template.by}{version})")
    return Effect("\n".join(lines), 0, DECLARED, subjects)


def _of_revision(op: Operator, item: Deployment, template: Template) -> str:
    """The pods' template of a revision, as kubectl prints it here: cells with bare tabs between them."""
    page = Page()
    labels = pod_labels(item, template)
    document: Json = {"metadata": {"labels": labels}, "spec": pod_spec(op, item, template)}
    document["metadata"] |= {"annotations": {"kubernetes.io/change-cause": f"{template.cause} (by {template.by})"}}
    describe_template(page, document)
    return page.bare()


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
    tried = rehearsed(args, [f"{named} rolled back"])
    if tried is not None:
        return Effect(tried)
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
    text = "\n".join(f"{RESOURCE[item.spec.kind]}/{item.spec.name} restarted" for item in items)
    tried = rehearsed(args, text.split("\n"))
    if tried is not None:
        return Effect(tried)
    for item in items:
        turn(op.plant, RollOut(item.spec.name, BY, "restart", {"restarted_at_s": op.now_s}))
    names = distinct(item.spec.name for item in items)
    return announce(op, "restart", items, f"restarted {', '.join(names)}", text)
