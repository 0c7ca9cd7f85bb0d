"""Names of things: which components there are, and which of them a text or an output is about."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TypeVar

from reference_platform.errors import CommandError, nearest
from simulator.incident.vocabulary import ALWAYS, MECHANISMS
from simulator.shell.context import Operator

Name = TypeVar("Name", bound=str)

_COMMON_WORDS = ("dns", "network", "traffic", "gpu-pool", "alerting")
"""Components whose name in a log line says nothing about them."""
_KINDS = re.compile(r"(?:deployments?|deploy|pods?|po|nodes?|no|jobs?|services?|svc|statefulsets?|sts)(?:\.apps)?/")


def components(op: Operator) -> tuple[str, ...]:
    """Everything that a hypothesis can be about."""
    cluster = op.plant.cluster
    routes = tuple(model.name for model in op.plant.spec.models)
    workloads = map(cluster.component_of, cluster.deployments)
    return tuple(dict.fromkeys((*routes, *ALWAYS, *workloads, *cluster.nodes, *op.drill.components)))


def mechanisms_of(op: Operator) -> dict[str, str]:
    """Every way to fail that a hypothesis can name, with what it means; this drill's own words included."""
    return {**MECHANISMS, **op.drill.mechanisms}


def named_component(op: Operator, text: str) -> str:
    """The component that `text` names. Raises CommandError.

    `deployment/x` and a pod's name mean theirs, an alert's name the component of its rule, a feature view the job
    that keeps it fresh.
    """
    name = _KINDS.sub("", text.strip().lower(), count=1).replace("_", "-")
    known = components(op)
    if name in known:
        return name
    if name in op.plant.cluster.deployments:
        return op.plant.cluster.component_of(name)
    pod = op.plant.cluster.pods.get(name)
    if pod is not None:
        return op.plant.cluster.component_of(pod.deployment)
    rule = next((rule for rule in op.alerts.rules() if rule.name.lower() == name), None)
    if rule is not None and rule.component in known:
        return rule.component
    if name.replace("-", "_") in {view.name for view in op.plant.views}:
        return op.plant.materializer.name
    raise CommandError(f'no component "{text[:60]}"', fix=f"{nearest(name, known)}  all of them: components")


def named_mechanism(op: Operator, text: str) -> str:
    """The mechanism that `text` names. Raises CommandError."""
    name = text.strip().lower().replace("-", "_")
    known = mechanisms_of(op)
    if name in known:
        return name
    raise CommandError(f'no mechanism "{text[:60]}"', fix=f"{nearest(name, known)}  all of them: mechanisms")


def models_reading(op: Operator, view: str) -> tuple[str, ...]:
    """Models whose serving version reads `view`."""
    registry = op.plant.registry
    return tuple(
        name
        for name, version in op.plant.serving_versions().items()
        if view in registry.get(name, version).tags.get("features", "").split(",")
    )


def mentioned(op: Operator, texts: Iterable[str]) -> tuple[str, ...]:
    """Components named in `texts`, in the order of `components`."""
    names = [name for name in components(op) if name not in _COMMON_WORDS]
    cluster = op.plant.cluster
    words = {**{name: cluster.component_of(name) for name in cluster.deployments}, **{name: name for name in names}}
    pattern = re.compile(r"(?<![\w-])(?:" + "|".join(map(re.escape, sorted(words, key=len, reverse=True))) + r")(?!\w)")
    found = {words[hit] for text in texts for hit in pattern.findall(text)}
    return tuple(name for name in names if name in found)


def bears_on(op: Operator, component: str, subjects: Collection[str]) -> bool:
    """Whether an output about `subjects` says something about `component`.

    The GPU pool is its nodes; an alert rule is judged by what it watches.
    """
    if component in subjects:
        return True
    if component == "alerting":
        return any(rule.component in subjects for rule in op.alerts.rules())
    gpu_nodes = [node.name for node in op.plant.spec.nodes if node.gpu_memory]
    return component == "gpu-pool" and any(node in subjects for node in gpu_nodes)


def serving_of(op: Operator, deployment: str) -> str:
    """Name of a ready pod of the deployment, "" when there is none."""
    return next((pod.name for pod in op.plant.cluster.ready_pods(deployment)), "")


def distinct(names: Iterable[Name]) -> tuple[Name, ...]:
    """Each name once, in order, blanks left out."""
    return tuple(dict.fromkeys(name for name in names if name))
