"""What was deployed, by whom and when: `deploys`, `git log`."""

from __future__ import annotations

import argparse
from hashlib import blake2b

from reference_platform.durations import parse_duration_s
from reference_platform.errors import CommandError
from simulator.cluster.objects import Template
from simulator.shell.calendar import age, clock
from simulator.shell.components import distinct
from simulator.shell.context import Effect, Operator
from simulator.shell.registry import Arguments, command
from simulator.shell.table import table


def _flags(parser: Arguments) -> None:
    parser.add_argument("--since", default="7d")


def _history(op: Operator, since: str) -> list[tuple[str, Template]]:
    try:
        since_s = op.now_s - parse_duration_s(since)
    except ValueError as error:
        raise CommandError(f"invalid --since: {error}", fix="--since 24h") from None
    every = [(name, item) for name, found in op.plant.cluster.deployments.items() for item in found.history]
    recent = [(name, item) for name, item in every if item.created_at_s > 0 and item.created_at_s >= since_s]
    return sorted(recent, key=lambda pair: -pair[1].created_at_s)


@command("deploys", "deploys [--since 24h]", takes_s=1.5, configure=_flags, aliases=["deploy history", "releases"])
def deploys(op: Operator, args: argparse.Namespace) -> Effect:
    """Deployments and jobs that were rolled out, newest first."""
    history = _history(op, args.since)
    rows = [
        [clock(op, item.created_at_s), age(op, item.created_at_s), name, str(item.revision), item.by, item.cause]
        for name, item in history
    ]
    text = (
        table(("WHEN", "AGO", "WHAT", "REVISION", "BY", "CHANGE"), rows)
        if rows
        else f"nothing in the last {args.since}"
    )
    subjects = distinct(op.plant.cluster.component_of(name) for name, _ in history)
    return Effect(text, looked=("changes",), subjects=subjects)


def _git_flags(parser: Arguments) -> None:
    parser.add_argument("--oneline", action="store_true")
    parser.add_argument("-n", type=int, default=20)
    parser.add_argument("--since", default="7d")


@command("git log", "git log [--oneline] [-n N]", takes_s=1.0, configure=_git_flags)
def git_log(op: Operator, args: argparse.Namespace) -> Effect:
    """The same changes as commits of the deployment repository."""
    history = _history(op, args.since)[: max(1, min(args.n, 100))]
    lines = [
        f"{_commit(name, item)} {name}: {item.cause} ({item.by}, {age(op, item.created_at_s)} ago)"
        for name, item in history
    ]
    subjects = distinct(op.plant.cluster.component_of(name) for name, _ in history)
    return Effect("\n".join(lines) or "no commits", looked=("changes",), subjects=subjects)


def _commit(name: str, item: Template) -> str:
    return blake2b(f"{name}/{item.revision}/{item.cause}".encode(), digest_size=4).hexdigest()[:7]
