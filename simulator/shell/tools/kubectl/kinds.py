"""Kubernetes' kinds and names as people type them: `deployment/x`, `deploy x`, `po`, `pod/x`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reference_platform.errors import CommandError, near_miss
from simulator.cluster.objects import Deployment, Node, Pod
from simulator.shell.context import Operator
from simulator.shell.registry import REORDER, Arguments

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
    "endpoints": ("ep",),
    "endpointslices": ("endpointslice", "endpointslices.discovery.k8s.io"),
    "daemonsets": ("daemonset", "ds"),
    "ingresses": ("ingress", "ing"),
    "persistentvolumeclaims": ("persistentvolumeclaim", "pvc"),
    "poddisruptionbudgets": ("poddisruptionbudget", "pdb"),
    "cronjobs": ("cronjob", "cj"),
    "resourcequotas": ("resourcequota", "quota"),
    "networkpolicies": ("networkpolicy", "netpol"),
    "serviceaccounts": ("serviceaccount", "sa"),
    "customresourcedefinitions": ("customresourcedefinition", "crd", "crds"),
}
_KIND = {word: kind for kind, words in SPELLINGS.items() for word in (kind, *words)}
LISTED = ("pods", "nodes", "deployments", "jobs", "statefulsets", "services", "replicasets", "events", "namespaces",
          "endpoints", "endpointslices", "daemonsets")  # fmt: skip
"""Kinds of which there is something to list."""
WORKLOADS = ("deployments", "jobs", "statefulsets")
GROUPS = {
    "deployments": "deployments.apps",
    "statefulsets": "statefulsets.apps",
    "replicasets": "replicasets.apps",
    "jobs": "jobs.batch",
    "horizontalpodautoscalers": "horizontalpodautoscalers.autoscaling",
    "daemonsets": "daemonsets.apps",
    "cronjobs": "cronjobs.batch",
    "ingresses": "ingresses.networking.k8s.io",
    "networkpolicies": "networkpolicies.networking.k8s.io",
    "poddisruptionbudgets": "poddisruptionbudgets.policy",
    "endpointslices": "endpointslices.discovery.k8s.io",
    "customresourcedefinitions": "customresourcedefinitions.apiextensions.k8s.io",
}
"""Kinds whose plural carries their API group in messages."""
RESOURCE = {"Deployment": "deployment.apps", "StatefulSet": "statefulset.apps", "Job": "job.batch"}
"""How messages name a workload by its spec's kind."""
VALUED = (
    *("-n", "--namespace", "-o", "--output", "-l", "--selector", "--field-selector", "--sort-by", "-c", "--container"),
    *("--tail", "--since", "--context", "--limits", "--requests", "--replicas", "--to-revision", "--type", "--patch"),
    *("--grace-period", "--timeout", "-L", "--label-columns", "--raw", "--since-time", "--for", "--types", "-v"),
    *("--request-timeout", "--revision"),
)
"""Flags that take the next word as their value."""


def _names_before_flags(words: Sequence[str]) -> list[str]:
    """`kubectl -n shop get -o wide pods x` as `kubectl get pods x -n shop -o wide`."""
    if "--" in words:
        at = words.index("--")
        head, *others = _names_before_flags(words[:at])[1:] or [""]
        named = [word for word in others if not word.startswith("-")][:1]
        flags = [word for word in others if word not in named]
        return ["kubectl", head, *flags, *named, *words[at:]]
    plain: list[str] = []
    flags = []
    rest = list(words[:0:-1])
    while rest:
        word = rest.pop()
        if not word.startswith("-"):
            plain.append(word)
            continue
        flags.append(word)
        if rest and (word in VALUED or (word == "-p" and plain[:1] == ["patch"])):
            flags.append(rest.pop())
    return ["kubectl", *plain, *flags]


REORDER["kubectl"] = REORDER["k"] = _names_before_flags


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
        raise CommandError(what, fix=near_miss(word, _KIND) or "kubectl api-resources lists what there is")
    return kind


def target_of(words: Sequence[str]) -> Target:
    """`deployment/x`, `deployment x y`, `pods` or several `kind/name` of one kind; a repeated name counts once."""
    if not words:
        raise CommandError("error: You must specify the type of resource", fix="kubectl get pods")
    if "/" not in words[0]:
        return target_named(kind_of(words[0]), words[1:])
    if not all("/" in word for word in words):
        what = "error: there is no need to specify a resource type as a separate argument when passing arguments in"
        raise CommandError(f"{what} resource/name form", fix="kind/name kind/name, or kind name name")
    kinds = {kind_of(word.partition("/")[0]) for word in words}
    if len(kinds) > 1:
        raise CommandError("error: one kind at a time", fix="one line for each kind")
    return target_named(kinds.pop(), words)


def target_named(kind: str, words: Sequence[str]) -> Target:
    """Names of a known kind; `kind/` in front of a name is dropped."""
    names = (word.partition("/")[2] if "/" in word else word for word in words)
    return Target(kind, tuple(dict.fromkeys(name for name in names if name)))


CONTEXT = "shop-prod"


def _context(text: str) -> str:
    """The one context there is."""
    if text != CONTEXT:
        raise CommandError(
            f'error: context "{text[:40]}" does not exist', fix=f"kubectl config get-contexts has {CONTEXT}"
        )
    return text


DRY_RUNS = {"none": "", "client": " (dry run)", "server": " (server dry run)"}
"""What stands behind each line of an answer that changed nothing."""


def _dry_run(text: str) -> str:
    if text not in DRY_RUNS:
        what = f'error: Invalid dry-run value ({text[:20]}). Must be "none", "server", or "client".'
        raise CommandError(what, fix="--dry-run=client")
    return text


def rehearsed(args: argparse.Namespace, lines: Iterable[str]) -> str | None:
    """What a change would say, when it is only tried; None when it is meant."""
    note = DRY_RUNS[args.dry_run]
    return "\n".join(f"{line}{note}" for line in lines) if note else None


def common_flags(parser: Arguments) -> None:
    """Flags that every kubectl command takes here and that change nothing: there is one namespace."""
    parser.add_argument("-n", "--namespace", default="shop")
    parser.add_argument("-A", "--all-namespaces", action="store_true")
    parser.add_argument("--context", default=CONTEXT, type=_context)
    parser.add_argument("--request-timeout", default="")
    parser.add_argument("--dry-run", nargs="?", const="client", default="none", type=_dry_run)
    parser.add_argument("-v", "--v", default="")


def in_namespace(namespace: str) -> None:
    """Refuse another namespace than the shop's."""
    if namespace in ("kube-system", "monitoring"):
        what = f'Error from server (Forbidden): User "on-call" cannot change resources in the namespace "{namespace}"'
        raise CommandError(what, fix="everything of the shop runs in -n shop")
    if namespace != "shop":
        what = f'Error from server (NotFound): nothing of that name in the namespace "{namespace[:40]}"'
        raise CommandError(what, fix="everything of the shop runs in -n shop")


def pod_named(op: Operator, name: str) -> Pod:
    """The pod of that name. Raises CommandError."""
    pod = op.plant.cluster.pods.get(name)
    if pod is None:
        raise not_found("pods", name, op.plant.cluster.pods)
    return pod


def workload_named(op: Operator, name: str, kind: str = "deployments") -> Deployment:
    """The live deployment, job or stateful set of that name. Raises CommandError."""
    found = op.plant.cluster.deployments.get(name)
    if found is None or found.deleted:
        raise not_found(kind, name, living_of(op, kind))
    return found


def node_named(op: Operator, name: str) -> Node:
    """The node of that name. Raises CommandError."""
    node = op.plant.cluster.nodes.get(name)
    if node is None:
        raise not_found("nodes", name, op.plant.cluster.nodes)
    return node


def living_of(op: Operator, kind: str) -> list[str]:
    """Names of the workloads of a kind that have not been deleted."""
    items = op.plant.cluster.deployments.values()
    return [item.spec.name for item in items if not item.deleted and f"{item.spec.kind.lower()}s" == kind]


def not_found(kind: str, name: str, known: Iterable[str]) -> CommandError:
    """kubectl's NotFound. It names one of `known` for a slip of the keyboard only: a guess learns nothing from it."""
    shown = GROUPS.get(kind, kind)
    fix = near_miss(name, known) or (f"kubectl get {kind}" if kind in LISTED else "")
    return CommandError(f'Error from server (NotFound): {shown} "{name[:80]}" not found', fix=fix)
