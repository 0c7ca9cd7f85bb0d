"""kubectl commands that change nodes."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from reference_platform.errors import CommandError
from simulator.plant.knobs import Cordon, Drain, turn
from simulator.shell.context import Effect, Operator
from simulator.shell.registry import Arguments, command
from simulator.shell.tools.kubectl.daemons import daemons_on
from simulator.shell.tools.kubectl.kinds import common_flags, node_named, rehearsed


def _names(op: Operator) -> Iterable[str]:
    return op.plant.cluster.nodes


def _flags(parser: Arguments) -> None:
    parser.add_argument("words", nargs="*")
    common_flags(parser)
    parser.add_argument("--ignore-daemonsets", action="store_true")
    parser.add_argument("--delete-emptydir-data", action="store_true")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--grace-period", type=int)
    parser.add_argument("--timeout", default="")


def _node(op: Operator, args: argparse.Namespace) -> str:
    words = [word.rpartition("/")[2] for word in args.words if word not in ("node", "nodes", "no")]
    if len(words) != 1:
        raise CommandError("error: one node is needed", fix="kubectl get nodes")
    return node_named(op, words[0]).spec.name


@command("kubectl cordon", "kubectl cordon NODE", takes_s=1.0, changes=True, configure=_flags, complete=_names)
def cordon(op: Operator, args: argparse.Namespace) -> Effect:
    """Let no new pod onto a node."""
    return _cordon(op, _node(op, args), True, args)


@command("kubectl uncordon", "kubectl uncordon NODE", takes_s=1.0, changes=True, configure=_flags, complete=_names)
def uncordon(op: Operator, args: argparse.Namespace) -> Effect:
    """Let pods onto a node again."""
    return _cordon(op, _node(op, args), False, args)


def _cordon(op: Operator, name: str, wanted: bool, args: argparse.Namespace) -> Effect:
    done = "cordoned" if wanted else "uncordoned"
    tried = rehearsed(args, [f"node/{name} {done}"])
    if tried is not None:
        return Effect(tried)
    if op.plant.cluster.nodes[name].cordoned == wanted:
        return Effect(f"node/{name} already {done}", subjects=(name,))
    turn(op.plant, Cordon(name, wanted))
    op.changed("cordon" if wanted else "uncordon", [name], f"{done} {name}")
    return Effect(f"node/{name} {done}", subjects=(name,))


@command("kubectl drain", "kubectl drain NODE --ignore-daemonsets", takes_s=4.0, changes=True, configure=_flags,
         complete=_names)  # fmt: skip
def drain(op: Operator, args: argparse.Namespace) -> Effect:
    """Cordon a node and evict its pods."""
    name = _node(op, args)
    before = op.plant.cluster.nodes[name].cordoned
    lines = [f"node/{name} {'already ' if before else ''}cordoned"]
    if not args.ignore_daemonsets:
        _cordon(op, name, True, args)
        what = f'error: unable to drain node "{name}" due to error: cannot delete DaemonSet-managed Pods (use'
        what += f" --ignore-daemonsets to ignore): {', '.join(daemons_on(op, name))}, continuing command..."
        lines += [what, "There are pending nodes to be drained:", f" {name}"]
        fix = f"the node stays cordoned; kubectl drain {name} --ignore-daemonsets evicts its pods too"
        return Effect("\n".join([*lines, f"{what.partition(', continuing')[0]}", f"  {fix}"]), 1, subjects=(name,))
    lines.append(f"Warning: ignoring DaemonSet-managed Pods: {', '.join(daemons_on(op, name))}")
    if args.dry_run != "none":
        held = sorted(pod.name for pod in op.plant.cluster.pods.values() if pod.node == name)
        tried = rehearsed(args, [f"node/{name} cordoned", *(f"evicting pod shop/{pod}" for pod in held),
                                 f"node/{name} drained"])  # fmt: skip
        return Effect(tried or "")
    evicted = turn(op.plant, Drain(name)).result
    if evicted or not before:
        op.changed("drain", [name], f"drained {name}, {len(evicted)} pods evicted")
    lines += [f"evicting pod shop/{pod}" for pod in evicted] + [f"pod/{pod} evicted" for pod in evicted]
    return Effect("\n".join([*lines, f"node/{name} drained"]), subjects=(name,))
