"""`kubectl top`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence

from reference_platform.errors import CommandError
from simulator.cluster.lifecycle import memory_bytes
from simulator.plant.load import load, node_memory_bytes
from simulator.shell.components import distinct
from simulator.shell.context import DECLARED, Effect, Operator
from simulator.shell.registry import Arguments, command
from simulator.shell.table import table
from simulator.shell.tools.kubectl import daemons
from simulator.shell.tools.kubectl import rows as kinds_of_rows
from simulator.shell.tools.kubectl.choosing import labelled
from simulator.shell.tools.kubectl.kinds import common_flags, in_namespace, node_named, pod_named, target_named
from simulator.shell.tools.kubectl.rows import abnormal, mebibytes

NEARLY_FULL_RATIO = 0.85
DAEMON_CORES, DAEMON_BYTES = 0.003, 48 << 20
"""What a daemon's pod uses."""
TOP_HELP = """\
Display resource (CPU/memory) usage.

 The top command allows you to see the resource consumption for nodes or pods.

 This command requires Metrics Server to be correctly configured and working on the server.

Available Commands:
  node          Display resource (CPU/memory) usage of nodes
  pod           Display resource (CPU/memory) usage of pods

Usage:
  kubectl top [flags] [options]"""


def _pod_names(op: Operator) -> Iterable[str]:
    return op.plant.cluster.pods


def _node_names(op: Operator) -> Iterable[str]:
    return op.plant.cluster.nodes


def _top_flags(parser: Arguments) -> None:
    parser.add_argument("names", nargs="*")
    common_flags(parser)
    parser.add_argument("-l", "--selector", default="")
    parser.add_argument("--sort-by", choices=("cpu", "memory"))
    parser.add_argument("--containers", action="store_true")
    parser.add_argument("--no-headers", action="store_true")


Sample = tuple[str, float, float, tuple[str, ...]]
"""Name, cores, bytes, and the cells after them."""


def _top(samples: list[Sample], headers: Sequence[str], args: argparse.Namespace, spaces: Mapping[str, str]) -> str:
    if args.sort_by:
        samples.sort(key=lambda sample: -(sample[1] if args.sort_by == "cpu" else sample[2]))
    headers = (*(("NAMESPACE",) if spaces else ()), *headers)
    rows = [[*((spaces[name],) if spaces else ()), name, *cells] for name, _, _, cells in samples]
    return table(() if args.no_headers else headers, rows)


@command(
    "kubectl top",
    "kubectl top pods|nodes",
    takes_s=0.5,
    looked=("pods", "metrics"),
    sight="usage",
)
def top(op: Operator, args: argparse.Namespace) -> Effect:
    """What `kubectl top` can show."""
    return Effect(TOP_HELP)


@command("kubectl top pods", "kubectl top pods [NAME...] [-l app=X] [--sort-by cpu|memory]", takes_s=1.5,
         configure=_top_flags, complete=_pod_names, aliases=["kubectl top pod", "kubectl top po"],
         looked=("pods", "metrics"), sight="usage")  # fmt: skip
def top_pods(op: Operator, args: argparse.Namespace) -> Effect:
    """Processor and memory that the pods' processes use now."""
    in_namespace(args.namespace)
    asked = [pod_named(op, name) for name in target_named("pods", args.names).names]
    rows = {row.name: row for row in kinds_of_rows.pods(op).rows if labelled(row, args.selector)}
    chosen = [pod for pod in asked or map(op.plant.cluster.pods.__getitem__, rows) if pod.name in rows]
    measured = [pod for pod in chosen if memory_bytes(pod, op.now_s)]
    if not measured:
        raise CommandError(
            "error: metrics not available yet", why="no process runs in these pods", fix="kubectl get pods"
        )
    current = load(op.plant)
    samples: list[Sample] = []
    for pod in measured:
        cores, used = current.cores(pod), memory_bytes(pod, op.now_s)
        samples.append((pod.name, cores, used, (f"{cores * 1000:.0f}m", mebibytes(used))))
    component = op.plant.cluster.component_of
    tight = [
        pod
        for pod in measured
        if abnormal(pod) or memory_bytes(pod, op.now_s) > NEARLY_FULL_RATIO * pod.template.memory_limit_bytes
    ]
    about = measured if asked or args.selector else tight
    spaces = dict.fromkeys((pod.name for pod in measured), "shop")
    if args.all_namespaces and not asked:
        others = [row for row in daemons.pods(op) if labelled(row, args.selector)]
        spaces |= {row.name: row.namespace for row in others}
        cells = (f"{DAEMON_CORES * 1000:.0f}m", mebibytes(DAEMON_BYTES))
        samples += [(row.name, DAEMON_CORES, DAEMON_BYTES, cells) for row in others]
        samples.sort(key=lambda sample: (spaces[sample[0]], sample[0]))
    headers = ["NAME", "CPU(cores)", "MEMORY(bytes)"]
    if args.containers:
        owners = {name: name.rpartition("-")[0] for name in spaces}
        owners |= {pod.name: pod.deployment for pod in measured}
        samples = [(name, cores, used, (owners[name], *cells)) for name, cores, used, cells in samples]
        headers = ["POD", "NAME", *headers[1:]]
    text = _top(samples, headers, args, spaces if args.all_namespaces else {})
    return Effect(text, looked=DECLARED, subjects=distinct(component(pod.deployment) for pod in about))


@command("kubectl top nodes", "kubectl top nodes [NAME...] [--sort-by cpu|memory]", takes_s=1.5,
         configure=_top_flags, complete=_node_names, aliases=["kubectl top node", "kubectl top no"],
         looked=("nodes",), sight="usage")  # fmt: skip
def top_nodes(op: Operator, args: argparse.Namespace) -> Effect:
    """Processor and memory that is in use on the nodes."""
    asked = [node_named(op, name) for name in target_named("nodes", args.names).names]
    if args.selector and not asked:
        found = [row.name for row in kinds_of_rows.nodes(op).rows if labelled(row, args.selector)]
        asked = [node_named(op, name) for name in found]
    current = load(op.plant)
    samples: list[Sample] = []
    tight: list[str] = []
    for node in asked or [op.plant.cluster.nodes[name] for name in sorted(op.plant.cluster.nodes)]:
        cores, used = current.node_cores(node), node_memory_bytes(op.plant, node)
        of_cores, of_memory = cores / node.spec.cpu_cores, used / node.allocatable_bytes
        cells = (f"{cores * 1000:.0f}m", f"{of_cores:.0%}", mebibytes(used), f"{of_memory:.0%}")
        samples.append((node.spec.name, cores, used, cells))
        if asked or max(of_cores, of_memory) > NEARLY_FULL_RATIO:
            tight.append(node.spec.name)
    text = _top(samples, ("NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"), args, {})
    return Effect(text, looked=DECLARED, subjects=tuple(tight))
