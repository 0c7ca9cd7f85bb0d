"""`kubectl describe`, from the API objects."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence

from reference_platform.errors import CommandError
from reference_platform.roles import MATERIALIZER, PIPELINE, REGISTRY, STORE
from simulator.incident.tags import Tag
from simulator.shell.calendar import age
from simulator.shell.components import distinct
from simulator.shell.context import Effect, Operator
from simulator.shell.registry import Arguments, command
from simulator.shell.tools.kubectl.describe_net import (
    describe_endpoints,
    describe_namespace,
    describe_service,
    describe_slice,
)
from simulator.shell.tools.kubectl.describe_node import describe_node
from simulator.shell.tools.kubectl.describe_pod import Json, describe_pod
from simulator.shell.tools.kubectl.describe_work import (
    describe_daemon_set,
    describe_deployment,
    describe_job,
    describe_replica_set,
    describe_stateful_set,
)
from simulator.shell.tools.kubectl.kinds import Target, common_flags, not_found, target_named, target_of
from simulator.shell.tools.kubectl.layout import NONE, Page
from simulator.shell.tools.kubectl.read import LOOKED, empty, listing_of, rows_of
from simulator.shell.tools.kubectl.rows import Row, counted, source_of, subjects_of

UPSTREAM = (STORE, MATERIALIZER, REGISTRY, PIPELINE, "clicks-producer", "payments-producer")
WORKLOAD: tuple[Tag, ...] = ("rollout", "pods")
SHOWN: dict[str, tuple[Tag, ...]] = {**LOOKED, "deployments": WORKLOAD, "statefulsets": WORKLOAD}
"""What a description of each kind is evidence of, besides its events."""
WITH_EVENTS = ("pods", "deployments", "statefulsets", "jobs")
"""Kinds whose events are evidence too, and that may stand upstream of a model."""
EVENT_TITLES = ("Type", "Reason", "Age", "From", "Message")
EVENT_RULES = ("----", "------", "----", "----", "-------")


def _may_show(kind: str) -> tuple[Tag, ...]:
    with_events: tuple[Tag, ...] = ("events", "upstream")
    return (*SHOWN.get(kind, ()), *(with_events if kind in WITH_EVENTS else ()))


def _pods_and_workloads(op: Operator) -> Iterable[str]:
    return [*op.plant.cluster.pods, *op.plant.cluster.deployments, *op.plant.cluster.nodes]


def _flags(parser: Arguments) -> None:
    parser.add_argument("words", nargs="*")
    common_flags(parser)
    parser.add_argument("-l", "--selector", default="")
    parser.add_argument("--show-events", default="true")


@command("kubectl describe", "kubectl describe KIND [NAME]", takes_s=1.5, configure=_flags,
         complete=_pods_and_workloads, looked=distinct(tag for kind in SHOWN for tag in _may_show(kind)),
         sight="describe")  # fmt: skip
def describe(op: Operator, args: argparse.Namespace) -> Effect:
    """Everything about objects of a kind: all of them, or those of a name or of how it begins."""
    return _describe(op, target_of(args.words), args)


def _register(kind: str, complete: Callable[[Operator], Iterable[str]], *others: str) -> None:
    def handler(op: Operator, args: argparse.Namespace) -> Effect:
        return _describe(op, target_named(f"{kind}s", args.words), args)

    handler.__doc__ = f"Everything about a {kind}: state, limits, history, events."
    aliases = [f"kubectl describe {word}" for word in others]
    command(f"kubectl describe {kind}", f"kubectl describe {kind} [NAME]", takes_s=1.5, configure=_flags,
            complete=complete, aliases=aliases, looked=_may_show(f"{kind}s"), sight="describe")(handler)  # fmt: skip


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


def _describe(op: Operator, target: Target, args: argparse.Namespace) -> Effect:
    if target.kind == "secrets":
        what = 'Error from server (Forbidden): secrets is forbidden: User "on-call" cannot list resource "secrets"'
        raise CommandError(what, fix="nothing on call needs them")
    rows = _chosen(op, target, args)
    if not rows:
        return Effect(empty(target.kind, args))
    texts = [_page(op, target.kind, row.document, args) for row in rows]
    # Source: k8s.io/kubectl, pkg/cmd/describe: a blank line less between objects that were found by how they begin.
    exact = not target.names or all(row.name in target.names for row in rows)
    return Effect(("\n\n\n" if exact else "\n\n").join(texts), 0, *_about(op, target, rows, args))


def _chosen(op: Operator, target: Target, args: argparse.Namespace) -> list[Row]:
    """Objects of these names or, where there is none of a name, of those that begin with it. Raises CommandError."""
    listing = listing_of(op, target.kind, args)
    found: dict[str, Row] = {}
    for name in target.names:
        same = [row for row in listing.rows if row.name == name]
        near = same or [row for row in listing.rows if row.name.startswith(name)]
        if not near:
            raise not_found(target.kind, name, [row.name for row in listing.rows])
        found |= {row.name: row for row in near}
    rows = list(found.values()) if target.names else list(listing.rows)
    return rows_of(rows, listing, args)


def _about(
    op: Operator, target: Target, rows: Sequence[Row], args: argparse.Namespace
) -> tuple[tuple[Tag, ...], tuple[str, ...]]:
    """Kinds of evidence in the descriptions, and the components they are about."""
    asked = bool(target.names or args.selector)
    subjects = subjects_of(rows, asked)
    if target.kind == "nodes":
        shown = [row for row in rows if row.name in subjects]
        odd = [item.component for row in shown for item, _ in _running_on(op, row.name, args) if item.odd]
        gpus = [row for row in shown if "nvidia.com/gpu" in row.document["status"]["capacity"]]
        return ("nodes",), distinct([*subjects, *(["gpu-pool"] if gpus else []), *odd])
    upstream = any(name in UPSTREAM for name in subjects)
    return tuple(tag for tag in _may_show(target.kind) if tag != "upstream" or upstream), subjects


def _page(op: Operator, kind: str, document: Json, args: argparse.Namespace) -> str:
    page = Page()
    DESCRIBERS[kind](page, op, document, args)
    if kind not in ("namespaces", "events") and args.show_events != "false":
        _events(page, op, kind, document)
    return page.text()


def _events(page: Page, op: Operator, kind: str, document: Json) -> None:
    about = f"{'pod' if kind == 'pods' else document['kind'].lower()}/{document['metadata']['name']}"
    kept = counted(op, (event for event in op.plant.cluster.events if event.object == about))
    if not kept:
        page.put(0, "Events:", NONE)
        return
    page.put(0, "Events:")
    page.put(1, *EVENT_TITLES)
    page.put(1, *EVENT_RULES)
    for item in kept:
        page.put(1, item.last.type, item.last.reason, item.seen(op), source_of(item.last), item.last.message)


def _owned(op: Operator, kind: str, document: Json, args: argparse.Namespace) -> list[Json]:
    """Objects of a kind that this one keeps alive, except those that are going."""
    identity = document["metadata"]["uid"]
    found = [row.document["metadata"] | {"document": row.document} for row in listing_of(op, kind, args).rows]
    mine = [item for item in found if any(by["uid"] == identity for by in item.get("ownerReferences", ()))]
    return [item["document"] for item in mine if "deletionTimestamp" not in item]


def _running_on(op: Operator, node: str, args: argparse.Namespace) -> list[tuple[Row, str]]:
    everywhere = argparse.Namespace(**{**vars(args), "all_namespaces": True})
    rows = [row for row in listing_of(op, "pods", everywhere).rows if row.document["spec"].get("nodeName") == node]
    return [(row, row.cells[4]) for row in rows]


def _pod(page: Page, op: Operator, document: Json, args: argparse.Namespace) -> None:
    ends = document["metadata"].get("deletionTimestamp")
    if ends is not None:
        document = document | {"metadata": document["metadata"] | {"lasts": age(op, op.now_s)}}
    describe_pod(page, document)


def _node(page: Page, op: Operator, document: Json, args: argparse.Namespace) -> None:
    held = _running_on(op, document["metadata"]["name"], args)
    describe_node(page, document, [(row.document, since) for row, since in held])


def _deployment(page: Page, op: Operator, document: Json, args: argparse.Namespace) -> None:
    describe_deployment(page, document, _owned(op, "replicasets", document, args))


def _set(describer: Callable[[Page, Json, Sequence[Json]], None]) -> Describe:
    def describe_it(page: Page, op: Operator, document: Json, args: argparse.Namespace) -> None:
        describer(page, document, _owned(op, "pods", document, args))

    return describe_it


def _alone(describer: Callable[[Page, Json], None]) -> Describe:
    def describe_it(page: Page, op: Operator, document: Json, args: argparse.Namespace) -> None:
        describer(page, document)

    return describe_it


def _service(page: Page, op: Operator, document: Json, args: argparse.Namespace) -> None:
    name = document["metadata"]["name"]
    slices = [row.document for row in listing_of(op, "endpointslices", args).rows]
    mine = [item for item in slices if item["metadata"]["labels"]["kubernetes.io/service-name"] == name]
    describe_service(page, document, mine)


def _event(page: Page, op: Operator, document: Json, args: argparse.Namespace) -> None:
    metadata, source = document["metadata"], document["source"]["component"]
    times = [(name, document[key]) for name, key in (("First", "firstTimestamp"), ("Last", "lastTimestamp"))]
    page.pairs(0, [("Name", metadata["name"]), ("Namespace", metadata["namespace"]), ("Type", document["type"]),
                   ("Reason", document["reason"]), ("Message", document["message"]), ("Source", source),
                   *((f"{name} Timestamp", text) for name, text in times),
                   ("Count", str(document["count"]))])  # fmt: skip


Describe = Callable[[Page, Operator, Json, argparse.Namespace], None]
DESCRIBERS: dict[str, Describe] = {
    "pods": _pod,
    "nodes": _node,
    "deployments": _deployment,
    "replicasets": _set(describe_replica_set),
    "statefulsets": _set(describe_stateful_set),
    "daemonsets": _set(describe_daemon_set),
    "jobs": _alone(describe_job),
    "services": _service,
    "endpoints": _alone(describe_endpoints),
    "endpointslices": _alone(describe_slice),
    "namespaces": _alone(describe_namespace),
    "events": _event,
}
