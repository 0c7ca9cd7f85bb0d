"""`chronyc`: the clocks of the machines."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from simulator.plant.knobs import SetClock, turn
from simulator.shell.context import DECLARED, Effect, Operator
from simulator.shell.registry import Arguments, command
from simulator.shell.table import table
from simulator.shell.tools.kubectl.kinds import node_named

SYNCED_S = 0.001


def _node_names(op: Operator) -> Iterable[str]:
    return op.plant.cluster.nodes


def _maybe_node(parser: Arguments) -> None:
    parser.add_argument("node", nargs="?")


def _one_node(parser: Arguments) -> None:
    parser.add_argument("node")


@command(
    "chronyc tracking",
    "chronyc tracking [NODE]",
    takes_s=1.5,
    configure=_maybe_node,
    complete=_node_names,
    aliases=["chronyc", "timedatectl"],
    looked=("upstream",),
    sight="clocks",
)
def tracking(op: Operator, args: argparse.Namespace) -> Effect:
    """How far each machine's clock is from the time servers."""
    nodes = [node_named(op, args.node)] if args.node else list(op.plant.cluster.nodes.values())
    rows = []
    for node in nodes:
        ahead_s = node.clock_ahead_s
        synced = abs(ahead_s) < SYNCED_S
        offset = "0.000012 s fast" if synced else f"{abs(ahead_s):.0f} s {'fast' if ahead_s > 0 else 'slow'}"
        rows.append((node.spec.name, "Normal" if synced else "Not synchronised", offset))
    subjects = tuple(node.spec.name for node in nodes)
    return Effect(table(("NODE", "LEAP STATUS", "SYSTEM TIME"), rows), looked=DECLARED, subjects=subjects)


@command(
    "chronyc makestep",
    "chronyc makestep NODE",
    takes_s=3.0,
    changes=True,
    configure=_one_node,
    complete=_node_names,
)
def makestep(op: Operator, args: argparse.Namespace) -> Effect:
    """Set a machine's clock to the time servers' at once and keep it there."""
    node = node_named(op, args.node)
    was_s = turn(op.plant, SetClock(node.spec.name, 0.0)).result
    op.changed("set_clock", [node.spec.name], f"{node.spec.name}: clock stepped by {-was_s:+.0f} s")
    return Effect(f"200 OK\n{node.spec.name}: clock stepped by {-was_s:+.0f} s", subjects=(node.spec.name,))
