"""What was deployed, by whom and when: `deploys`, `git log`."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from reference_platform.errors import CommandError, nearest
from simulator.cluster.objects import Deployment, Template
from simulator.shell.calendar import age, clock
from simulator.shell.components import distinct
from simulator.shell.context import DECLARED, Effect, Operator
from simulator.shell.free_text import length_s
from simulator.shell.registry import REORDER, Arguments, command
from simulator.shell.table import table
from simulator.shell.tools.kubectl.rows import limit

SINCE_DEFAULT = "7d"
LINES_MAX = 100
EVERYTHING = "400d"
COMMIT_DIGITS_MIN = 4


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
         aliases=["deploy history", "releases"], looked=("changes",), sight="changes")  # fmt: skip
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
    return Effect(text, looked=DECLARED, subjects=subjects)


def _git_flags(parser: Arguments) -> None:
    parser.add_argument("name", nargs="?")
    for flag in ("--oneline", "-p", "--patch", "--stat", "--graph", "--all", "--no-pager"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("-n", "--max-count", type=int, default=20)
    parser.add_argument("--since", "--after", default=SINCE_DEFAULT)


def _counted(words: Sequence[str]) -> list[str]:
    """`git log -5` as `git log -n 5`, and `-- PATH` without the dashes."""
    return [part for word in words if word != "--"
            for part in (["-n", word[1:]] if re.fullmatch(r"-[0-9]{1,4}", word) else [word])]  # fmt: skip


REORDER["git"] = _counted


def _told(op: Operator, item: Change, patch: bool) -> str:
    lines = [
        f"commit {item.commit}",
        f"Author: {item.by}",
        f"Date:   {clock(op, item.t_s)}",
        "",
        f"    {item.what}: {item.cause}",
    ]
    return "\n".join([*lines, *(["", _patch(op, item)] if patch else []), ""])


def _patch(op: Operator, item: Change) -> str:
    """What a revision changed in the manifest, against the one before it."""
    history = op.plant.cluster.deployments[item.what].history
    at = next(at for at, template in enumerate(history) if template.revision == item.revision)
    old = _manifest(history[at - 1]) if at > 0 else []
    path = f"deploy/{item.what}.yaml"
    lines = difflib.unified_diff(
        old, _manifest(history[at]), f"a/{path}" if old else "/dev/null", f"b/{path}", lineterm=""
    )
    return "\n".join([f"diff --git a/{path} b/{path}", *lines])


def _manifest(template: Template) -> list[str]:
    """The lines of a manifest that a revision can change."""
    lines = [f"release: {template.release}"] if template.release else []
    lines += [f"env.MODEL_VERSION: {template.model_version}"] if template.model_version else []
    lines += [f"nodeSelector.pool: {template.node_pool}"] if template.node_pool else []
    return [*lines, f"resources.limits.memory: {limit(template.memory_limit_bytes)}"]


@command(
    "git log",
    "git log [--oneline] [-p] [-n N] [--since 24h] [NAME]",
    takes_s=1.0,
    configure=_git_flags,
    complete=_names,
    looked=("changes",),
    sight="changes",
)
def git_log(op: Operator, args: argparse.Namespace) -> Effect:
    """The same changes as commits of the deployment repository."""
    history = _history(op, args.name, _since(args.since))[: max(1, min(args.max_count, LINES_MAX))]
    if args.oneline:
        lines = [f"{item.commit} {item.what}: {item.cause} ({item.by}, {age(op, item.t_s)} ago)" for item in history]
    else:
        lines = [_told(op, item, args.p or args.patch) for item in history]
    return _shown(op, history, "\n".join(lines).rstrip() or f"no commits in the last {args.since}", args.name)


def _since(text: str) -> str:
    """`2 hours ago` and `yesterday` as lengths."""
    plain = text.strip().lower().removesuffix(" ago").replace(".", " ").removesuffix(" ago").strip()
    return {"yesterday": "1d", "today": "24h"}.get(plain, plain)


def _commits(parser: Arguments) -> None:
    parser.add_argument("commits", nargs="*")
    parser.add_argument("--stat", action="store_true")


def _named_commits(op: Operator, words: Sequence[str]) -> list[Change]:
    """The commits that are meant; the newest one when none is. Raises CommandError."""
    history = _history(op, None, EVERYTHING)
    if not history:
        raise CommandError("fatal: your current branch has no commits yet", fix="deploys")
    found: list[Change] = []
    for word in words or ["HEAD"]:
        back = re.fullmatch(r"(?:HEAD|main)(?:~([0-9]{1,3})|(\^{1,9}))?", word)
        if back is not None:
            at = int(back[1] or 0) + len(back[2] or "")
            found += history[at : at + 1]
        else:
            found += [
                item for item in history if len(word) >= COMMIT_DIGITS_MIN and item.commit.startswith(word.lower())
            ][:1]
        if back is None and not (found and found[-1].commit.startswith(word.lower())):
            raise CommandError(f"fatal: ambiguous argument '{word[:60]}': unknown revision", fix="git log --oneline")
    return found


@command("git show", "git show [COMMIT]", takes_s=1.0, configure=_commits, looked=("changes",), sight="changes")
def git_show(op: Operator, args: argparse.Namespace) -> Effect:
    """One commit of the deployment repository and what it changed; the newest when none is named."""
    found = _named_commits(op, args.commits)
    return _shown(op, found, "\n".join(_told(op, item, True) for item in found).rstrip() or "no such commit", None)


@command("git diff", "git diff [COMMIT]", takes_s=1.0, configure=_commits, looked=("changes",), sight="changes")
def git_diff(op: Operator, args: argparse.Namespace) -> Effect:
    """What was changed in the deployment repository since a commit; by the newest one when none is named."""
    words = [part for word in args.commits for part in word.split("..") if part]
    found = _named_commits(op, words)
    history = _history(op, None, EVERYTHING)
    if words and found:
        begins = history.index(found[0])
        ends = history.index(found[1]) if len(found) > 1 else 0
        found = list(reversed(history[min(begins, ends) : max(begins, ends)]))
    text = "\n".join(_patch(op, item) for item in found)
    return _shown(op, found, text or "(no difference)", None)


@command(
    "git status",
    "git status",
    takes_s=0.5,
    configure=_commits,
    aliases=["git branch"],
    looked=("changes",),
    sight="changes",
)
def git_status(op: Operator, args: argparse.Namespace) -> Effect:
    """Nothing is edited here, so there is nothing to commit."""
    text = "On branch main\nYour branch is up to date with 'origin/main'.\n\nnothing to commit, working tree clean"
    return Effect(text, looked=DECLARED)


@command("git revert", "git revert COMMIT", takes_s=0.5, configure=_commits,
         aliases=["git checkout", "git push", "git commit", "git reset", "git pull"], sight="changes")  # fmt: skip
def git_revert(op: Operator, args: argparse.Namespace) -> Effect:
    """Not in an incident: what was merged is rolled out by a pipeline that takes an hour."""
    raise CommandError(
        "the responder cannot push to the deployment repository", fix="kubectl rollout undo deployment/NAME"
    )
