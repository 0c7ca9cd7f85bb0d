"""`kubectl get` and `kubectl top`."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterable, Sequence

import yaml

from reference_platform.errors import CommandError
from simulator.cluster.lifecycle import memory_bytes
from simulator.shell import rows as kinds_of_rows
from simulator.shell.components import distinct
from simulator.shell.context import Effect, Operator
from simulator.shell.kinds import (
    SPELLINGS,
    Target,
    common_flags,
    in_namespace,
    kind_of,
    node_named,
    not_found,
    pod_named,
    target_named,
    target_of,
)
from simulator.shell.load import load
from simulator.shell.registry import Arguments, command
from simulator.shell.rows import Listing, Row, abnormal, mebibytes, node_use, subjects_of
from simulator.shell.table import table

ROWS_MAX = 100
CLUSTER_WIDE = ("nodes", "namespaces")
NEARLY_FULL_RATIO = 0.85
OUTPUTS = ("wide", "json", "yaml", "name")
SORT_KEYS = ("creationTimestamp", "lastTimestamp", "name", "restartCount", "type", "reason")
ALL = ("pods", "services", "deployments", "replicasets", "statefulsets", "jobs")
_LABEL = re.compile(r"\s*([\w./-]+)\s*(!=|==?)\s*([\w.-]*)\s*|\s*([\w./-]+)\s+(in|notin)\s+\(([^()]*)\)\s*")
_FIELD = re.compile(r"\s*([\w.]+)\s*(!=|==?)\s*([\w./-]*)\s*")

LISTINGS: dict[str, Callable[[Operator], Listing]] = {
    "pods": kinds_of_rows.pods,
    "nodes": kinds_of_rows.nodes,
    "deployments": kinds_of_rows.deployments,
    "jobs": kinds_of_rows.jobs,
    "statefulsets": kinds_of_rows.statefulsets,
    "services": kinds_of_rows.service_rows,
    "replicasets": kinds_of_rows.replicasets,
    "events": kinds_of_rows.events,
    "namespaces": kinds_of_rows.namespaces,
}
LOOKED: dict[str, tuple[str, ...]] = {
    "pods": ("pods",),
    "nodes": ("nodes",),
    "deployments": ("rollout",),
    "statefulsets": ("rollout",),
    "replicasets": ("rollout",),
    "jobs": ("jobs", "changes"),
    "events": ("events",),
}


def _get_flags(parser: Arguments) -> None:
    parser.add_argument("words", nargs="*")
    common_flags(parser)
    parser.add_argument("-o", "--output", default="")
    parser.add_argument("-l", "--selector", default="")
    parser.add_argument("--field-selector", default="")
    parser.add_argument("--sort-by", default="")
    parser.add_argument("-w", "--watch", action="store_true")
    parser.add_argument("--show-labels", action="store_true")
    parser.add_argument("--no-headers", action="store_true")


def _names(op: Operator) -> Iterable[str]:
    return [*op.plant.cluster.pods, *op.plant.cluster.deployments, *op.plant.cluster.nodes]


def _names_of(kind: str) -> Callable[[Operator], Iterable[str]]:
    return lambda op: [row.name for row in LISTINGS[kind](op).rows]


# -- choosing rows ----------------------------------------


def _chosen(listing: Listing, names: Sequence[str], args: argparse.Namespace) -> list[Row]:
    rows = list(listing.rows)
    if names:
        by_name = {row.name: row for row in rows}
        for name in names:
            if name not in by_name:
                raise not_found(listing.kind, name, by_name)
        rows = [by_name[name] for name in names]
    rows = [row for row in rows if _labelled(row, args.selector)]
    rows = [row for row in rows if _fielded(row, args.field_selector, listing)]
    return _sorted(rows, args.sort_by)


def _labelled(row: Row, selector: str) -> bool:
    for part in re.split(r",(?![^()]*\))", selector) if selector else ():
        found = _LABEL.fullmatch(part)
        if found is None:
            what = f'error: unable to parse requirement: "{part[:60]}"'
            raise CommandError(what, fix="-l app=recommendation, or -l 'app in (gateway, fallback)'")
        key, sign, wanted = (found[1], found[2], [found[3]]) if found[1] else (found[4], found[5], found[6].split(","))
        hit = row.labels.get(key, "") in [value.strip() for value in wanted]
        if hit == (sign in ("!=", "notin")):
            return False
    return True


def _fielded(row: Row, selector: str, listing: Listing) -> bool:
    for part in selector.split(",") if selector else ():
        found = _FIELD.fullmatch(part)
        known = listing.rows[0].fields if listing.rows else {}
        if found is None or found[1] not in known:
            raise CommandError(
                f'Error from server (BadRequest): field label not supported: "{part[:60]}"',
                fix=f"{listing.kind} can be chosen by {', '.join(known) or 'nothing'}",
            )
        if (row.fields[found[1]] == found[3]) == (found[2] == "!="):
            return False
    return True


def _sorted(rows: list[Row], wanted: str) -> list[Row]:
    if not wanted:
        return rows
    key = wanted.strip("{}'\" ").rpartition(".")[2]
    if key not in SORT_KEYS:
        raise CommandError(f"error: cannot sort by {wanted[:60]}", fix="--sort-by=.metadata.creationTimestamp")
    if key in ("creationTimestamp", "lastTimestamp"):
        return sorted(rows, key=lambda row: row.created_s)
    if key == "restartCount":
        return sorted(rows, key=lambda row: row.restarts)
    return sorted(rows, key=lambda row: row.fields.get(key, row.name))


# -- printing ----------------------------------------


def _printed(listing: Listing, rows: Sequence[Row], args: argparse.Namespace) -> str:
    if args.output and args.output not in OUTPUTS:
        what = f'error: unable to match a printer suitable for the output format "{args.output[:40]}"'
        raise CommandError(what, fix=f"allowed here: {', '.join(OUTPUTS)}")
    if args.output in ("json", "yaml"):
        document = {"apiVersion": "v1", "kind": "List", "items": [_document(listing, row) for row in rows]}
        return json.dumps(document, indent=4) if args.output == "json" else yaml.safe_dump(document).rstrip()
    if not rows:
        return "No resources found" + ("" if listing.kind in CLUSTER_WIDE else " in shop namespace.")
    shown = rows[:ROWS_MAX]
    more = [] if len(rows) <= ROWS_MAX else [f"... {len(rows) - ROWS_MAX} more"]
    if args.output == "name":
        singular = SPELLINGS[listing.kind][0]
        return "\n".join([*(f"{singular}/{row.name}" for row in shown), *more])
    wide, spread = args.output == "wide", args.all_namespaces and listing.kind not in CLUSTER_WIDE
    headers = [*(("NAMESPACE",) if spread else ()), *listing.headers, *(listing.wide if wide else ())]
    cells = [[*(("shop",) if spread else ()), *row.cells, *(row.wide if wide else ())] for row in shown]
    if args.show_labels:
        headers.append("LABELS")
        for line, row in zip(cells, shown, strict=True):
            line.append(",".join(f"{key}={value}" for key, value in row.labels.items()) or "<none>")
    return "\n".join([table(() if args.no_headers else headers, cells), *more])


def _document(listing: Listing, row: Row) -> dict[str, object]:
    """The object of a row, as far as the row knows it."""
    metadata: dict[str, object] = {"name": row.name, "labels": dict(row.labels)}
    if listing.kind not in CLUSTER_WIDE:
        metadata["namespace"] = "shop"
    pairs = zip((*listing.headers, *listing.wide), (*row.cells, *row.wide), strict=False)
    seen = {header.lower(): cell for header, cell in pairs if header != "NAME"}
    return {"kind": SPELLINGS[listing.kind][0].capitalize(), "metadata": metadata, "status": seen}


# -- get ----------------------------------------


def _get(op: Operator, target: Target, args: argparse.Namespace) -> Effect:
    in_namespace(args.namespace)
    if target.kind == "secrets":
        raise CommandError(
            'Error from server (Forbidden): secrets is forbidden: User "on-call" cannot list resource "secrets"',
            fix="nothing on call needs them",
        )
    if target.kind not in LISTINGS:
        if target.names:
            raise not_found(target.kind, target.names[0], ())
        return Effect("No resources found in shop namespace.")
    listing = LISTINGS[target.kind](op)
    rows = _chosen(listing, target.names, args)
    text = _printed(listing, rows, args)
    if args.watch:
        text += "\n(watching is not simulated; run it again to see what changed)"
    asked = bool(target.names or args.selector)
    return Effect(text, looked=LOOKED.get(target.kind, ()), subjects=subjects_of(rows[:ROWS_MAX], asked))


@command(
    "kubectl get",
    "kubectl get KIND[/NAME] [NAME...] [-o wide|yaml|json|name] [-l app=X]",
    configure=_get_flags,
    complete=_names,
)
def get_any(op: Operator, args: argparse.Namespace) -> Effect:
    """List any kind by its long, short or slashed name; several kinds with commas."""
    words = list(args.words)
    if words and "," in words[0] and "/" not in words[0]:
        listed = dict.fromkeys(kind_of(word) for word in words[0].split(",") if word)
        return _several(op, tuple(listed), args)
    return _get(op, target_of(words), args)


def _register(kind: str) -> None:
    usage = f"kubectl get {kind} [NAME...] [-o wide|yaml|json|name] [-l app=X]"
    short = [f"kubectl get {word}" for word in SPELLINGS[kind]]

    def handler(op: Operator, args: argparse.Namespace) -> Effect:
        return _get(op, target_named(kind, args.words), args)

    handler.__doc__ = f"List {kind}."
    command(f"kubectl get {kind}", usage, configure=_get_flags, complete=_names_of(kind), aliases=short)(handler)


for _kind in LISTINGS:
    _register(_kind)


@command("kubectl get hpa", "kubectl get hpa", configure=_get_flags, aliases=["kubectl get horizontalpodautoscalers"])
def get_hpa(op: Operator, args: argparse.Namespace) -> Effect:
    """Autoscalers; the platform has none."""
    return _get(op, target_named("horizontalpodautoscalers", args.words), args)


@command("kubectl get all", "kubectl get all [-l app=X]", takes_s=1.5, configure=_get_flags)
def get_all(op: Operator, args: argparse.Namespace) -> Effect:
    """Pods, services, deployments, replica sets, stateful sets and jobs, one after the other."""
    return _several(op, ALL, args)


def _several(op: Operator, kinds: Sequence[str], args: argparse.Namespace) -> Effect:
    parts = [_get(op, Target(kind, ()), args) for kind in kinds]
    filled = [part for part in parts if not part.text.startswith("No resources")]
    text = "\n\n".join(part.text for part in filled) or "No resources found in shop namespace."
    looked = distinct(tag for part in parts for tag in part.looked)
    rows = [row for kind in kinds if kind in LISTINGS for row in _chosen(LISTINGS[kind](op), (), args)]
    return Effect(text, looked=looked, subjects=subjects_of(rows, bool(args.selector)))


# -- top ----------------------------------------


def _top_flags(parser: Arguments) -> None:
    parser.add_argument("names", nargs="*")
    common_flags(parser)
    parser.add_argument("-l", "--selector", default="")
    parser.add_argument("--sort-by", choices=("cpu", "memory"))
    parser.add_argument("--containers", action="store_true")
    parser.add_argument("--no-headers", action="store_true")


Sample = tuple[str, float, float, tuple[str, ...]]
"""Name, cores, bytes, and the cells after them."""


def _top(samples: list[Sample], headers: Sequence[str], args: argparse.Namespace) -> str:
    if args.sort_by:
        samples.sort(key=lambda sample: -(sample[1] if args.sort_by == "cpu" else sample[2]))
    return table(() if args.no_headers else headers, [[name, *cells] for name, _, _, cells in samples])


@command("kubectl top pods", "kubectl top pods [NAME...] [-l app=X] [--sort-by cpu|memory]", takes_s=1.5,
         configure=_top_flags, complete=_names_of("pods"), aliases=["kubectl top pod", "kubectl top po"])  # fmt: skip
def top_pods(op: Operator, args: argparse.Namespace) -> Effect:
    """Processor and memory that the pods' processes use now."""
    in_namespace(args.namespace)
    asked = [pod_named(op, name) for name in target_named("pods", args.names).names]
    rows = {row.name: row for row in kinds_of_rows.pods(op).rows if _labelled(row, args.selector)}
    chosen = [pod for pod in asked or map(op.plant.cluster.pods.__getitem__, rows) if pod.name in rows]
    measured = [pod for pod in chosen if memory_bytes(pod, op.now_s)]
    if not measured:
        raise CommandError(
            "error: metrics not available yet", why="no process runs in these pods", fix="kubectl get pods"
        )
    current = load(op)
    samples: list[Sample] = []
    for pod in measured:
        cores, used = current.cores(op, pod), memory_bytes(pod, op.now_s)
        samples.append((pod.name, cores, used, (f"{cores * 1000:.0f}m", mebibytes(used))))
    component = op.plant.cluster.component_of
    tight = [
        pod
        for pod in measured
        if abnormal(pod) or memory_bytes(pod, op.now_s) > NEARLY_FULL_RATIO * pod.template.memory_limit_bytes
    ]
    about = measured if asked or args.selector else tight
    text = _top(samples, ("NAME", "CPU(cores)", "MEMORY(bytes)"), args)
    return Effect(text, looked=("pods", "metrics"), subjects=distinct(component(pod.deployment) for pod in about))


@command("kubectl top nodes", "kubectl top nodes [NAME...] [--sort-by cpu|memory]", takes_s=1.5,
         configure=_top_flags, complete=_names_of("nodes"), aliases=["kubectl top node", "kubectl top no"])  # fmt: skip
def top_nodes(op: Operator, args: argparse.Namespace) -> Effect:
    """Processor and memory that is in use on the nodes."""
    asked = [node_named(op, name) for name in target_named("nodes", args.names).names]
    if args.selector and not asked:
        found = [row.name for row in kinds_of_rows.nodes(op).rows if _labelled(row, args.selector)]
        asked = [node_named(op, name) for name in found]
    current = load(op)
    samples: list[Sample] = []
    tight: list[str] = []
    for node in asked or list(op.plant.cluster.nodes.values()):
        held = [pod for pod in op.plant.cluster.pods.values() if pod.node == node.spec.name]
        cores = 0.1 + sum(current.cores(op, pod) for pod in held if memory_bytes(pod, op.now_s))
        used = node.spec.system_memory // 2 + node_use(op, node)[1]
        of_cores, of_memory = cores / node.spec.cpu_cores, used / node.allocatable_bytes
        cells = (f"{cores * 1000:.0f}m", f"{of_cores:.0%}", mebibytes(used), f"{of_memory:.0%}")
        samples.append((node.spec.name, cores, used, cells))
        if asked or max(of_cores, of_memory) > NEARLY_FULL_RATIO:
            tight.append(node.spec.name)
    text = _top(samples, ("NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"), args)
    return Effect(text, looked=("nodes",), subjects=tuple(tight))
