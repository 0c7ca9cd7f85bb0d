"""`kubectl get`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from reference_platform.errors import CommandError
from simulator.incident.tags import Sight, Tag
from simulator.shell.components import distinct
from simulator.shell.context import Effect, Operator
from simulator.shell.registry import Arguments, command
from simulator.shell.tools.kubectl import daemons
from simulator.shell.tools.kubectl import rows as kinds_of_rows
from simulator.shell.tools.kubectl.choosing import chosen
from simulator.shell.tools.kubectl.following import Followed, followed_text
from simulator.shell.tools.kubectl.kinds import (
    SPELLINGS,
    Target,
    common_flags,
    kind_of,
    not_found,
    target_named,
    target_of,
)
from simulator.shell.tools.kubectl.printing import CLUSTER_WIDE, ROWS_MAX, Shape, checked, printed
from simulator.shell.tools.kubectl.rows import Listing, Row, subjects_of

ALL = ("pods", "services", "deployments", "replicasets", "statefulsets", "jobs")
LISTINGS: dict[str, Callable[[Operator], Listing]] = {
    "pods": kinds_of_rows.pods,
    "nodes": kinds_of_rows.nodes,
    "deployments": kinds_of_rows.deployments,
    "jobs": kinds_of_rows.jobs,
    "statefulsets": kinds_of_rows.statefulsets,
    "services": kinds_of_rows.service_rows,
    "endpoints": kinds_of_rows.endpoint_rows,
    "endpointslices": kinds_of_rows.slice_rows,
    "replicasets": kinds_of_rows.replicasets,
    "daemonsets": daemons.sets,
    "events": kinds_of_rows.events,
    "namespaces": kinds_of_rows.namespaces,
}
LOOKED: dict[str, tuple[Tag, ...]] = {
    "pods": ("pods",),
    "nodes": ("nodes",),
    "deployments": ("rollout",),
    "statefulsets": ("rollout",),
    "replicasets": ("rollout",),
    "jobs": ("jobs", "changes"),
    "events": ("events",),
    "endpoints": ("pods",),
    "endpointslices": ("pods",),
}
ANY_KIND = distinct(tag for tags in LOOKED.values() for tag in tags)
SIGHT_OF: dict[str, Sight] = {"nodes": "nodes", "jobs": "changes", "events": "events"}
"""Of every other kind, a list is weighed as one of pods."""
GET_USAGE = "[NAME...] [-o wide|yaml|json|name|jsonpath=...|custom-columns=...] [-l app=X]"


def get_flags(parser: Arguments) -> None:
    """Flags of every form of `kubectl get`."""
    parser.add_argument("words", nargs="*")
    common_flags(parser)
    parser.add_argument("-o", "--output", default="")
    parser.add_argument("-l", "--selector", default="")
    parser.add_argument("-L", "--label-columns", action="append", default=[])
    parser.add_argument("--field-selector", default="")
    parser.add_argument("--sort-by", default="")
    parser.add_argument("-w", "--watch", action="store_true")
    parser.add_argument("--watch-only", action="store_true")
    parser.add_argument("--show-labels", action="store_true")
    parser.add_argument("--show-kind", action="store_true")
    parser.add_argument("--ignore-not-found", action="store_true")
    parser.add_argument("--no-headers", action="store_true")
    parser.add_argument("--raw", default="")
    parser.set_defaults(followed=None)


def _names(op: Operator) -> Iterable[str]:
    return [*op.plant.cluster.pods, *op.plant.cluster.deployments, *op.plant.cluster.nodes]


def _names_of(kind: str) -> Callable[[Operator], Iterable[str]]:
    return lambda op: [row.name for row in LISTINGS[kind](op).rows]


def _shape(args: argparse.Namespace) -> Shape:
    checked(args.output)
    columns = tuple(key for text in args.label_columns for key in text.split(",") if key)
    return Shape(args.output, args.all_namespaces, args.show_labels, columns, args.no_headers, args.show_kind)


def listing_of(op: Operator, kind: str, args: argparse.Namespace) -> Listing:
    """All objects of a kind in the namespaces that are asked for."""
    if kind not in LISTINGS:
        return Listing(kind, (), (), ())
    listing = LISTINGS[kind](op)
    rows = (*listing.rows, *daemons.pods(op)) if kind == "pods" else listing.rows
    if kind not in CLUSTER_WIDE:
        rows = tuple(row for row in rows if args.all_namespaces or row.namespace == args.namespace)
    if kind not in ("events", *CLUSTER_WIDE):
        rows = tuple(sorted(rows, key=lambda row: (row.namespace, row.name)))
    return replace(listing, rows=rows)


def rows_of(rows: Sequence[Row], listing: Listing, args: argparse.Namespace) -> list[Row]:
    """Those of `rows` that the label selector lets pass."""
    return chosen(replace(listing, rows=tuple(rows)), args.selector, "", "")


def _rows(listing: Listing, names: Sequence[str], args: argparse.Namespace) -> list[Row]:
    if not names:
        return chosen(listing, args.selector, args.field_selector, args.sort_by)
    by_name = {row.name: row for row in listing.rows}
    missing = [name for name in names if name not in by_name and not args.ignore_not_found]
    if missing:
        raise not_found(listing.kind, missing[0], by_name)
    named = tuple(by_name[name] for name in names if name in by_name)
    return chosen(replace(listing, rows=named), args.selector, args.field_selector, args.sort_by)


def empty(kind: str, args: argparse.Namespace) -> str:
    """What is said about a list with nothing in it."""
    if kind in CLUSTER_WIDE or args.all_namespaces:
        return "No resources found"
    return f"No resources found in {args.namespace[:63]} namespace."


def _get(op: Operator, target: Target, args: argparse.Namespace) -> Effect:
    shape = _shape(args)
    if target.kind == "customresourcedefinitions":
        what = "Error from server (Forbidden): customresourcedefinitions.apiextensions.k8s.io is forbidden: User"
        what += ' "on-call" cannot list resource "customresourcedefinitions" in API group "apiextensions.k8s.io"'
        raise CommandError(f"{what} at the cluster scope", fix="kubectl api-resources lists what there is")
    if target.kind == "secrets":
        what = 'Error from server (Forbidden): secrets is forbidden: User "on-call" cannot list resource "secrets"'
        what += f' in API group "" in the namespace "{args.namespace[:63]}"'
        raise CommandError(what, fix="nothing on call needs them")
    listing = listing_of(op, target.kind, args)
    rows = _rows(listing, target.names, args)
    text = printed(listing, rows, replace(shape, single=len(target.names) == 1))
    if not rows and not text and not target.names:
        text = empty(target.kind, args)
    if args.followed is not None:
        text = followed_text(listing, args.followed, shape)
    asked = bool(target.names or args.selector)
    looked = LOOKED.get(target.kind, ()) if args.all_namespaces or args.namespace == "shop" else ()
    return Effect(text, looked=looked, subjects=subjects_of(rows[:ROWS_MAX], asked))


def _follows(args: argparse.Namespace) -> bool:
    return bool((args.watch or args.watch_only) and args.output in ("", "wide"))


def _waits(op: Operator, args: argparse.Namespace) -> float:
    """With -w: look once a second for half a minute, and keep the rows that have changed."""
    words = list(args.words)
    return _waits_for(op, target_of(words), args) if _follows(args) and words and "," not in words[0] else 0.0


def _waits_for(op: Operator, target: Target, args: argparse.Namespace) -> float:
    if not _follows(args):
        return 0.0
    if args.followed is None:
        args.followed = Followed(op.now_s, args.watch_only)
    rows = _rows(listing_of(op, target.kind, args), target.names, args)
    followed: Followed = args.followed
    return followed.look(op.now_s, rows)


@command(
    "kubectl get",
    f"kubectl get KIND[/NAME] {GET_USAGE}",
    configure=get_flags,
    complete=_names,
    looked=ANY_KIND,
    sight="pods",
    waits=_waits,
)
def get_any(op: Operator, args: argparse.Namespace) -> Effect:
    """List any kind by its long, short or slashed name; several kinds with commas."""
    words = list(args.words)
    if args.raw:
        what = f'Error from server (Forbidden): forbidden: User "on-call" cannot get path "{args.raw[:60]}"'
        raise CommandError(what, fix="metrics EXPR asks Prometheus, which scrapes it; -o json prints objects")
    if words and "," in words[0] and "/" not in words[0]:
        listed = dict.fromkeys(kind_of(word) for word in words[0].split(",") if word)
        return _several(op, tuple(listed), args)
    if len(words) > 1 and all("/" in word for word in words) and len({word.partition("/")[0] for word in words}) > 1:
        args.show_kind = True
        parts = [_get(op, target_of([word]), args) for word in words]
        looked = distinct(tag for part in parts for tag in part.seen)
        subjects = distinct(name for part in parts for name in part.subjects)
        return Effect("\n\n".join(part.text for part in parts), looked=looked, subjects=subjects)
    return _get(op, target_of(words), args)


def _register(kind: str) -> None:
    short = [f"kubectl get {word}" for word in SPELLINGS[kind]]

    def handler(op: Operator, args: argparse.Namespace) -> Effect:
        return _get(op, target_named(kind, args.words), args)

    handler.__doc__ = f"List {kind}."

    def waits(op: Operator, args: argparse.Namespace) -> float:
        return _waits_for(op, target_named(kind, args.words), args)

    command(f"kubectl get {kind}", f"kubectl get {kind} {GET_USAGE}", configure=get_flags, complete=_names_of(kind),
            aliases=short, looked=LOOKED.get(kind, ()), sight=SIGHT_OF.get(kind, "pods"),
            waits=waits)(handler)  # fmt: skip


for _kind in LISTINGS:
    _register(_kind)


@command(
    "kubectl get hpa",
    "kubectl get hpa",
    configure=get_flags,
    aliases=["kubectl get horizontalpodautoscalers"],
    sight="pods",
)
def get_hpa(op: Operator, args: argparse.Namespace) -> Effect:
    """Autoscalers; the platform has none."""
    return _get(op, target_named("horizontalpodautoscalers", args.words), args)


@command(
    "kubectl get all", "kubectl get all [-l app=X]", takes_s=1.5, configure=get_flags, looked=ANY_KIND, sight="pods"
)
def get_all(op: Operator, args: argparse.Namespace) -> Effect:
    """Pods, services, deployments, replica sets, stateful sets and jobs, one after the other."""
    return _several(op, ALL, args)


def _several(op: Operator, kinds: Sequence[str], args: argparse.Namespace) -> Effect:
    shape = replace(_shape(args), kinded=True)
    listings = [listing_of(op, kind, args) for kind in kinds]
    found = [(listing, _rows(listing, (), args)) for listing in listings]
    rows = [row for _, some in found for row in some]
    if args.output.partition("=")[0] in ("json", "yaml", "jsonpath"):
        text = printed(Listing("pods", (), (), ()), rows, shape)
    else:
        gap = "\n" if args.output == "name" else "\n\n"
        text = gap.join(printed(listing, some, shape) for listing, some in found if some) or empty("", args)
    inside = args.all_namespaces or args.namespace == "shop"
    looked = distinct(tag for kind in kinds for tag in LOOKED.get(kind, ())) if inside else ()
    return Effect(text, looked=looked, subjects=subjects_of(rows, bool(args.selector)))
