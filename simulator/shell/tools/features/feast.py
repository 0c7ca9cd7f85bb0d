"""`feast`: the forms of Feast's own command line, answered from the feature store of the shop.

Source: Feast, sdk/python/feast/cli, as of 0.40; its tables are drawn by tabulate with the format "plain".
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from datetime import datetime

from reference_platform.errors import CommandError, nearest
from reference_platform.features.definitions import FeatureView
from simulator.shell.calendar import MONDAY
from simulator.shell.context import DECLARED, Effect, Operator
from simulator.shell.registry import Arguments, command
from simulator.shell.tools.features.features import materialize

GAP = "  "
EXAMPLE = "feast materialize-incremental 2026-03-03T00:00:00 -v customer_activity"


def plain(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with two blanks between its columns and no rules."""
    widths = [max(len(line[at]) for line in (headers, *rows)) for at in range(len(headers))]
    return "\n".join(
        GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (headers, *rows)
    )


def _views(op: Operator) -> Iterable[str]:
    return [view.name for view in op.plant.views]


def _one(parser: Arguments) -> None:
    parser.add_argument("name")


@command("feast feature-views list", "feast feature-views list", takes_s=1.5, aliases=["feast feature-views"],
         looked=("features",), sight="jobs")  # fmt: skip
def views(op: Operator, _: argparse.Namespace) -> Effect:
    """Feature views and their entities."""
    rows = [(view.name, f"{{'{view.entity.name}'}}", "FeatureView") for view in op.plant.views]
    return Effect(plain(("NAME", "ENTITIES", "TYPE"), rows), looked=DECLARED)


@command("feast entities list", "feast entities list", takes_s=1.5, aliases=["feast entities"],
         looked=("features",), sight="jobs")  # fmt: skip
def entities(op: Operator, _: argparse.Namespace) -> Effect:
    """Entities that features are looked up by."""
    found = {view.entity.name: view.entity for view in op.plant.views}
    rows = [(name, f"of {entity.count}", "ValueType.INT64") for name, entity in found.items()]
    return Effect(plain(("NAME", "DESCRIPTION", "TYPE"), rows), looked=DECLARED)


def _view(op: Operator, name: str) -> FeatureView:
    found = next((view for view in op.plant.views if view.name == name), None)
    if found is None:
        what = f"feast.errors.FeatureViewNotFoundException: Feature view {name[:60]} does not exist"
        raise CommandError(what, fix=nearest(name, _views(op)))
    return found


@command("feast feature-views describe", "feast feature-views describe NAME", takes_s=1.5, configure=_one,
         complete=_views, looked=("features",), sight="jobs")  # fmt: skip
def describe(op: Operator, args: argparse.Namespace) -> Effect:
    """A feature view: its entity, its features, how long they are good for."""
    view = _view(op, args.name)
    lines = ["spec:", f"  name: {view.name}", "  entities:", f"  - {view.entity.name}", "  features:"]
    lines += [line for feature in view.schema for line in (f"  - name: {feature.name}", "    valueType: DOUBLE")]
    lines += [f"  ttl: {view.ttl_s:.0f}s", f"  description: {view.description}", f"  owner: {view.owner}",
              "  online: true"]  # fmt: skip
    return Effect("\n".join(lines), looked=DECLARED)


def _range(parser: Arguments) -> None:
    parser.add_argument("times", nargs="*")
    parser.add_argument("-v", "--views", action="append", default=[])


def _hours(op: Operator, since: str) -> str:
    """How long ago a time is, as `features materialize --backfill` takes it. Raises CommandError."""
    try:
        since_when = datetime.fromisoformat(since)
    except ValueError:
        what = f"Error: Invalid value for 'START_TS': {since[:40]!r} is not a time such as 2026-03-02T00:00:00"
        raise CommandError(what, fix=EXAMPLE) from None
    behind = since_when.replace(tzinfo=since_when.tzinfo or MONDAY.tzinfo) - MONDAY
    back_s = op.drill.calendar_offset_s + op.now_s - behind.total_seconds()
    if back_s <= 0:
        raise CommandError(f"Error: {since[:40]} has not come yet", fix=EXAMPLE)
    return f"{max(1, round(back_s / 60))}m"


def _materialize(op: Operator, names: Sequence[str], backfill: str | None) -> Effect:
    names = [_view(op, name).name for name in names]
    if len(names) != 1:
        raise CommandError(f"Error: one view at a time, not {len(names)}", fix=EXAMPLE)
    return materialize(op, argparse.Namespace(view=names[0], backfill=backfill))


@command("feast materialize-incremental", "feast materialize-incremental END [-v VIEW]", takes_s=3.0, changes=True,
         configure=_range, complete=_views, looked=("features", "upstream", "jobs"))  # fmt: skip
def incremental(op: Operator, args: argparse.Namespace) -> Effect:
    """Ask for a run of the jobs now, or of those of -v: what is new since the last one."""
    if len(args.times) != 1:
        raise CommandError("Error: Missing argument 'END_TS'.", fix=EXAMPLE)
    done = [_materialize(op, [name], None) for name in args.views or _views(op)]
    subjects = tuple(dict.fromkeys(name for each in done for name in each.subjects))
    return Effect("\n".join(each.text for each in done), looked=done[0].looked, subjects=subjects)


@command("feast materialize", "feast materialize START END [-v VIEW]", takes_s=3.0, changes=True, configure=_range,
         complete=_views, looked=("features", "upstream", "jobs"))  # fmt: skip
def feast_materialize(op: Operator, args: argparse.Namespace) -> Effect:
    """Copy a view's rows since a time to the online store again; without times, what is new."""
    if len(args.times) == 1 and not args.views:
        return _materialize(op, args.times, None)
    if len(args.times) != 2:
        raise CommandError("Error: Missing argument 'END_TS'.", fix="feast materialize START END -v VIEW")
    return _materialize(op, args.views, _hours(op, args.times[0]))
