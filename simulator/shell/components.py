"""Names of things: which components there are, and which of them a text or an output is about."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from reference_platform.errors import CommandError, nearest
from simulator.session.incident import MECHANISMS
from simulator.shell.context import Operator

ALWAYS = (
    "gateway",
    "fallback",
    "online-store",
    "offline-store",
    "materializer",
    "mlflow",
    "gpu-pool",
    "dns",
    "network",
    "traffic",
)
_COMMON_WORDS = ("dns", "network", "traffic", "gpu-pool")
"""Components whose name in a log line says nothing about them."""
_KINDS = re.compile(r"(?:deployments?|deploy|pods?|po|nodes?|no|jobs?|services?|svc|statefulsets?|sts)(?:\.apps)?/")


def components(op: Operator) -> tuple[str, ...]:
    """Everything that a hypothesis can be about."""
    cluster = op.plant.cluster
    routes = tuple(model.name for model in op.plant.spec.models)
    return tuple(dict.fromkeys((*routes, *ALWAYS, *cluster.deployments, *cluster.nodes)))


def named_component(op: Operator, text: str) -> str:
    """The component that `text` names; `deployment/x` and a pod's name mean theirs. Raises CommandError."""
    name = _KINDS.sub("", text.strip().lower(), count=1).replace("_", "-")
    known = components(op)
    if name in known:
        return name
    pod = op.plant.cluster.pods.get(name)
    if pod is not None:
        return op.plant.cluster.component_of(pod.deployment)
    raise CommandError(f'no component "{text[:60]}"', fix=f"{nearest(name, known)}  all of them: components")


def named_mechanism(text: str) -> str:
    """The mechanism that `text` names. Raises CommandError."""
    name = text.strip().lower().replace("-", "_")
    if name in MECHANISMS:
        return name
    raise CommandError(f'no mechanism "{text[:60]}"', fix=f"{nearest(name, MECHANISMS)}  all of them: mechanisms")


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
    pattern = re.compile(r"(?<![\w-])(?:" + "|".join(map(re.escape, sorted(names, key=len, reverse=True))) + r")(?!\w)")
    found = {hit for text in texts for hit in pattern.findall(text)}
    return tuple(name for name in names if name in found)


def bears_on(op: Operator, component: str, subjects: Collection[str]) -> bool:
    """Whether an output about `subjects` says something about `component`; the GPU pool is its nodes."""
    if component in subjects:
        return True
    gpu_nodes = [node.name for node in op.plant.spec.nodes if node.gpu_memory]
    return component == "gpu-pool" and any(node in subjects for node in gpu_nodes)


def serving_of(op: Operator, deployment: str) -> str:
    """Name of a ready pod of the deployment, "" when there is none."""
    return next((pod.name for pod in op.plant.cluster.ready_pods(deployment)), "")


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once, in order, blanks left out."""
    return tuple(dict.fromkeys(name for name in names if name))
