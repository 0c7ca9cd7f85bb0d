"""Kubernetes' kinds and names as people type them: `deployment/x`, `deploy x`, `po`, `pod/x`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reference_platform.errors import CommandError, nearest
from simulator.cluster.objects import Deployment, Node, Pod
from simulator.shell.context import Operator
from simulator.shell.registry import Arguments

SPELLINGS: dict[str, tuple[str, ...]] = {
    "pods": ("pod", "po"),
    "nodes": ("node", "no"),
    "deployments": ("deployment", "deploy", "deployments.apps", "deployment.apps"),
    "jobs": ("job",),
    "statefulsets": ("statefulset", "sts"),
    "services": ("service", "svc"),
    "replicasets": ("replicaset", "rs"),
    "events": ("event", "ev"),
    "namespaces": ("namespace", "ns"),
    "horizontalpodautoscalers": ("hpa", "horizontalpodautoscaler"),
    "configmaps": ("configmap", "cm"),
    "secrets": ("secret",),
}
_KIND = {word: kind for kind, words in SPELLINGS.items() for word in (kind, *words)}
WORKLOADS = ("deployments", "jobs", "statefulsets")


@dataclass(frozen=True, slots=True)
class Target:
    """A kind and the names given with it; no names means all."""

    kind: str
    names: tuple[str, ...]


def kind_of(word: str) -> str:
    """The canonical plural of a kind. Raises CommandError in kubectl's words."""
    kind = _KIND.get(word.lower())
    if kind is None:
        what = f'error: the server doesn\'t have a resource type "{word[:60]}"'
        raise CommandError(what, fix=nearest(word, _KIND))
    return kind


def target_of(words: Sequence[str]) -> Target:
    """`deployment/x`, `deployment x y`, `pods` or several `kind/name`."""
    if not words:
        raise CommandError("error: You must specify the type of resource", fix="kubectl get pods")
    if "/" in words[0]:
        pairs = [word.partition("/") for word in words]
        return Target(kind_of(pairs[0][0]), tuple(name for _, _, name in pairs if name))
    return Target(kind_of(words[0]), tuple(words[1:]))


def common_flags(parser: Arguments) -> None:
    """Flags that every kubectl command takes here and that change nothing: there is one namespace."""
    parser.add_argument("-n", "--namespace", default="shop")
    parser.add_argument("-A", "--all-namespaces", action="store_true")


def in_namespace(namespace: str) -> None:
    """Refuse another namespace than the shop's."""
    if namespace not in ("shop", "default"):
        raise CommandError(f"No resources found in {namespace[:40]} namespace.", fix="everything runs in -n shop")


def pod_named(op: Operator, name: str) -> Pod:
    """The pod of that name. Raises CommandError."""
    pod = op.plant.cluster.pods.get(name)
    if pod is None:
        raise not_found("pods", name, nearest(name, op.plant.cluster.pods))
    return pod


def workload_named(op: Operator, name: str, kind: str = "deployments") -> Deployment:
    """The live deployment, job or stateful set of that name. Raises CommandError."""
    found = op.plant.cluster.deployments.get(name)
    if found is None or found.deleted:
        living = [key for key, item in op.plant.cluster.deployments.items() if not item.deleted]
        raise not_found(f"{kind}.apps" if kind != "jobs" else "jobs.batch", name, nearest(name, living))
    return found


def node_named(op: Operator, name: str) -> Node:
    """The node of that name. Raises CommandError."""
    node = op.plant.cluster.nodes.get(name)
    if node is None:
        raise not_found("nodes", name, nearest(name, op.plant.cluster.nodes))
    return node


def not_found(kind: str, name: str, fix: str) -> CommandError:
    """kubectl's NotFound."""
    return CommandError(f'Error from server (NotFound): {kind} "{name[:80]}" not found', fix=fix)
