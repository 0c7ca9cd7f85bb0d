"""What commands that change workloads share: which workload is meant, and the record that it was changed."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

from reference_platform.errors import CommandError
from simulator.cluster.objects import Deployment
from simulator.shell.components import distinct
from simulator.shell.context import Effect, Operator
from simulator.shell.tools.kubectl.kinds import WORKLOADS, in_namespace, target_of, workload_named

BY = "you"
"""Who the change log names for a responder's changes."""


def workload_names(op: Operator) -> Iterable[str]:
    """For completion."""
    return [f"deployment/{name}" for name, item in op.plant.cluster.deployments.items() if not item.deleted]


def component(op: Operator, item: Deployment) -> str:
    """The component a workload belongs to."""
    return op.plant.cluster.component_of(item.spec.name)


def one_workload(op: Operator, args: argparse.Namespace) -> Deployment:
    """The one workload that `words` mean. Raises CommandError when there are none or several."""
    in_namespace(args.namespace)
    items = workloads(op, args.words, "")
    if len(items) != 1:
        raise CommandError(f"error: one workload at a time, not {len(items)}", fix="such as deployment/recommendation")
    return items[0]


def workloads(op: Operator, words: Sequence[str], selector: str) -> list[Deployment]:
    """Living workloads meant by `deployment/x`, `deployment x y`, `x`, or a kind with `app=x`. Raises CommandError."""
    if not words:
        raise CommandError("error: required resource not specified", fix="such as deployment/recommendation")
    if len(words) == 1 and "/" not in words[0] and words[0] in op.plant.cluster.deployments:
        words = ["deployments", *words]
    target = target_of(words)
    if target.kind not in WORKLOADS:
        raise CommandError(f"error: {target.kind} cannot be changed this way", fix="deployment/NAME")
    names = list(target.names) or ([selector.partition("=")[2].lstrip("=")] if selector else [])
    if not names:
        raise CommandError(f"error: name of a {target.kind[:-1]} is needed", fix=f"kubectl get {target.kind}")
    return [workload_named(op, name, target.kind) for name in names]


def announce(op: Operator, action: str, items: Sequence[Deployment], detail: str, text: str) -> Effect:
    """Record what was done."""
    components = distinct(component(op, item) for item in items)
    op.changed(action, components, detail)
    return Effect(text, subjects=components)
