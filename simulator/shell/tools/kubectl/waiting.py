"""`kubectl wait`: until a condition holds, in simulated time."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from reference_platform.errors import CommandError
from simulator.shell.context import Effect, Operator
from simulator.shell.free_text import length_s
from simulator.shell.registry import Arguments, command
from simulator.shell.tools.kubectl.kinds import common_flags, not_found, target_of
from simulator.shell.tools.kubectl.printing import named
from simulator.shell.tools.kubectl.read import ANY_KIND, LOOKED, listing_of, rows_of
from simulator.shell.tools.kubectl.rows import Row, subjects_of

TIMEOUT_MAX_S = 600.0
LOOK_AGAIN_S = 1.0


def _flags(parser: Arguments) -> None:
    parser.add_argument("words", nargs="*")
    common_flags(parser)
    parser.add_argument("--for", dest="condition", required=True)
    parser.add_argument("--timeout", default="30s")
    parser.add_argument("-l", "--selector", default="")
    parser.add_argument("--all", action="store_true")
    parser.set_defaults(meant=None, until_s=0.0)


def _names(op: Operator) -> Iterable[str]:
    living = [name for name, item in op.plant.cluster.deployments.items() if not item.deleted]
    return [*op.plant.cluster.pods, *(f"deployment/{name}" for name in living)]


def _wanted(args: argparse.Namespace) -> tuple[str, str]:
    """The condition's type and status; the type is "delete" for that nothing is left. Raises CommandError."""
    if args.condition == "delete":
        return "delete", ""
    kind, _, rest = args.condition.partition("=")
    if kind != "condition" or not rest:
        what = f'error: unrecognized condition: "{args.condition[:40]}"'
        raise CommandError(what, fix="--for=condition=Ready, --for=condition=Available, --for=delete")
    name, _, status = rest.partition("=")
    return name.lower(), (status or "true").lower()


def _rows(op: Operator, args: argparse.Namespace) -> list[Row]:
    """The objects that are meant, as they are now. Raises CommandError when one of a name was never there."""
    target = target_of(args.words)
    if not target.names and not args.selector and not args.all:
        raise CommandError("error: resource(s) were provided, but no name was specified", fix="a name, -l or --all")
    listing = listing_of(op, target.kind, args)
    chosen = [row for row in rows_of(listing.rows, listing, args) if not target.names or row.name in target.names]
    if args.meant is None:
        missing = [name for name in target.names if name not in [row.name for row in chosen]]
        if missing:
            raise not_found(target.kind, missing[0], [row.name for row in listing.rows])
        if not chosen:
            raise CommandError("error: no matching resources found", fix=f"kubectl get {target.kind}")
        args.meant = chosen
    return chosen


def _unmet(op: Operator, args: argparse.Namespace) -> list[Row]:
    name, status = _wanted(args)
    now = {row.name: row for row in _rows(op, args)}
    if name == "delete":
        return [row for row in args.meant if row.name in now]
    return [row for row in args.meant if row.name not in now or not _holds(now[row.name], name, status)]


def _holds(row: Row, name: str, status: str) -> bool:
    conditions = row.document.get("status", {}).get("conditions", ())
    return any(item["type"].lower() == name and item["status"].lower() == status for item in conditions)


def _waits(op: Operator, args: argparse.Namespace) -> float:
    first = args.meant is None
    unmet = _unmet(op, args)
    if first:
        args.until_s = op.now_s + min(length_s(args.timeout, "--timeout"), TIMEOUT_MAX_S)
    return min(LOOK_AGAIN_S, max(0.0, args.until_s - op.now_s)) if unmet else 0.0


@command("kubectl wait", "kubectl wait KIND/NAME --for=condition=Ready [--timeout 60s]", configure=_flags,
         complete=_names, waits=_waits,
         looked=ANY_KIND, sight="pods")  # fmt: skip
def wait(op: Operator, args: argparse.Namespace) -> Effect:
    """Wait until objects have a condition or are gone, at most as long as --timeout says."""
    unmet = _unmet(op, args)
    kind = target_of(args.words).kind
    lines = [f"{named(kind, row.name)} condition met" for row in args.meant if row not in unmet]
    lines += [f"error: timed out waiting for the condition on {kind}/{row.name}" for row in unmet]
    return Effect("\n".join(lines), int(bool(unmet)), LOOKED.get(kind, ()), subjects_of(args.meant, True))
