"""`kubectl events`."""

from __future__ import annotations

import argparse
from dataclasses import replace

from simulator.shell.context import DECLARED, Effect, Operator
from simulator.shell.registry import Arguments, command
from simulator.shell.table import table
from simulator.shell.tools.kubectl.kinds import SPELLINGS, common_flags, target_of
from simulator.shell.tools.kubectl.printing import Shape, checked, printed
from simulator.shell.tools.kubectl.rows import counted, events, subjects_of


def _flags(parser: Arguments) -> None:
    common_flags(parser)
    parser.add_argument("--for", dest="about", default="")
    parser.add_argument("--types", default="")
    parser.add_argument("-o", "--output", default="")
    parser.add_argument("-w", "--watch", action="store_true")
    parser.add_argument("--no-headers", action="store_true")


@command(
    "kubectl events",
    "kubectl events [--for pod/NAME] [--types Warning]",
    configure=_flags,
    looked=("events",),
    sight="events",
)
def show_events(op: Operator, args: argparse.Namespace) -> Effect:
    """Events with how often they were seen, oldest first."""
    checked(args.output)
    wanted = ""
    if args.about:
        target = target_of([args.about])
        wanted = f"{SPELLINGS[target.kind][0]}/{target.names[0] if target.names else ''}"
    types = [name.strip().lower() for name in args.types.split(",") if name.strip()]
    is_here = args.all_namespaces or args.namespace == "shop"
    kept = [
        (item, row)
        for item, row in zip(counted(op, op.plant.cluster.events), events(op).rows, strict=True)
        if is_here and wanted in ("", item.last.object) and (not types or item.last.type.lower() in types)
    ]
    rows = [row for _, row in kept]
    subjects, looked = subjects_of(rows, bool(wanted)), DECLARED if is_here else ()
    if args.output not in ("", "wide"):
        return Effect(printed(replace(events(op), rows=tuple(rows)), rows, Shape(args.output)), 0, looked, subjects)
    if not rows:
        where = "." if args.all_namespaces else f" in {args.namespace[:63]} namespace."
        return Effect(f"No events found{where}", 0, looked, subjects)
    spread = ("shop",) if args.all_namespaces else ()
    cells = [(*spread, item.seen(op), e.type, e.reason, e.object, e.message) for item, _ in kept for e in [item.last]]
    headers = (*(("NAMESPACE",) if spread else ()), "LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE")
    return Effect(table(() if args.no_headers else headers, cells), 0, looked, subjects)
