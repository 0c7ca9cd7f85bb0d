"""What was deployed, by whom and when: `deploys`, `git log`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from reference_platform.errors import CommandError, nearest
from simulator.cluster.objects import Deployment, Template
from simulator.shell.calendar import age, clock
from simulator.shell.components import distinct
from simulator.shell.context import Effect, Operator
from simulator.shell.free_text import length_s
from simulator.shell.registry import Arguments, command
from simulator.shell.table import table

SINCE_DEFAULT = "7d"
LINES_MAX = 100


@dataclass(frozen=True, slots=True)
class Change:
    """One revision that went live."""

    t_s: float
    what: str
    revision: int
    by: str
    cause: str

    @property
    def commit(self) -> str:
        return blake2b(f"{self.what}/{self.revision}/{self.cause}".encode(), digest_size=4).hexdigest()[:7]


def _names(op: Operator) -> Iterable[str]:
    return op.plant.cluster.deployments


def _flags(parser: Arguments) -> None:
    parser.add_argument("name", nargs="?")
    parser.add_argument("--since", default=SINCE_DEFAULT)
    parser.add_argument("--limit", "-n", type=int, default=40)


def _history(op: Operator, name: str | None, since: str) -> list[Change]:
    """Changes of the last `since`, newest first. Raises CommandError for an unknown name."""
    since_s = op.now_s - length_s(since, "--since")
    deployments = op.plant.cluster.deployments
    if name is not None:
        name = name.rpartition("/")[2]
        if name not in deployments:
            raise CommandError(f'nothing called "{name[:60]}" was ever deployed', fix=nearest(name, deployments))
    chosen = [item for key, item in deployments.items() if name in (None, key)]
    changes = [_change(op, item, template) for item in chosen for template in item.history]
    recent = [change for change in changes if change is not None and change.t_s >= since_s]
    return sorted(recent, key=lambda change: (-change.t_s, change.what, -change.revision))


def _change(op: Operator, item: Deployment, template: Template) -> Change | None:
    """None for what the platform began with, unless it serves a model: then the version's own date is known."""
    name = item.spec.name
    if template.by != "platform":
        return Change(template.created_at_s, name, template.revision, template.by, template.cause)
    if not template.model_version:
        return None
    created_s = op.plant.registry.get(item.spec.model, template.model_version).created_at_s
    return Change(
        created_s, name, template.revision, "release-bot", f"{name} v{template.model_version} became champion"
    )


@command("deploys", "deploys [NAME] [--since 24h]", takes_s=1.5, configure=_flags, complete=_names,
         aliases=["deploy history", "releases"])  # fmt: skip
def deploys(op: Operator, args: argparse.Namespace) -> Effect:
    """Deployments and jobs that were rolled out, newest first."""
    history = _history(op, args.name, args.since)[: max(1, min(args.limit, LINES_MAX))]
    rows = [
        (clock(op, item.t_s), f"{age(op, item.t_s)} ago", item.what, str(item.revision), item.by, item.cause)
        for item in history
    ]
    headers = ("TIME", "AGE", "WHAT", "REVISION", "WHO", "CHANGE")
    return _shown(op, history, table(headers, rows) if rows else f"nothing in the last {args.since}", args.name)


def _shown(op: Operator, history: list[Change], text: str, name: str | None) -> Effect:
    named = [] if name is None else [name.rpartition("/")[2]]
    subjects = distinct(op.plant.cluster.component_of(what) for what in [*(item.what for item in history), *named])
    return Effect(text, looked=("changes",), subjects=subjects)


def _git_flags(parser: Arguments) -> None:
    parser.add_argument("name", nargs="?")
    parser.add_argument("--oneline", action="store_true")
    parser.add_argument("-n", "--max-count", type=int, default=20)
    parser.add_argument("--since", default=SINCE_DEFAULT)


@command("git log", "git log [--oneline] [-n N] [--since 24h]", takes_s=1.0, configure=_git_flags, complete=_names)
def git_log(op: Operator, args: argparse.Namespace) -> Effect:
    """The same changes as commits of the deployment repository."""
    history = _history(op, args.name, args.since)[: max(1, min(args.max_count, LINES_MAX))]
    lines = [f"{item.commit} {item.what}: {item.cause} ({item.by}, {age(op, item.t_s)} ago)" for item in history]
    if not args.oneline:
        lines = [
            f"commit {item.commit}\nAuthor: {item.by}\nDate:   {clock(op, item.t_s)}\n\n    {item.what}: {item.cause}\n"
            for item in history
        ]
    return _shown(op, history, "\n".join(lines).rstrip() or f"no commits in the last {args.since}", args.name)
