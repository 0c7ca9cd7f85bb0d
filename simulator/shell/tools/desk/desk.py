"""`cat`, `ls`, `rm`, `echo`, `sleep`: outputs that were kept with > or tee, and small words of a shell."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from datetime import datetime

from reference_platform.errors import CommandError, near_miss
from simulator.incident.record import Kept
from simulator.incident.tags import TAGS
from simulator.shell.calendar import clock, moment
from simulator.shell.context import Effect, Operator
from simulator.shell.free_text import length_s
from simulator.shell.registry import Arguments, command
from simulator.shell.table import table

SLEEP_MAX_S = 600.0
_DATE_PART = re.compile(r"%.|[^%]+|%")
_DATE_KNOWN = (
    "%a",
    "%A",
    "%b",
    "%B",
    "%d",
    "%F",
    "%H",
    "%I",
    "%j",
    "%m",
    "%M",
    "%p",
    "%S",
    "%T",
    "%u",
    "%y",
    "%Y",
    "%%",
)


def _names(parser: Arguments) -> None:
    parser.add_argument("names", nargs="+")


def _maybe_names(parser: Arguments) -> None:
    parser.add_argument("-l", action="store_true")
    parser.add_argument("-a", action="store_true")
    parser.add_argument("names", nargs="*")


def _words(parser: Arguments) -> None:
    parser.add_argument("words", nargs="+")


def _kept_names(op: Operator) -> Iterable[str]:
    return list(op.incident.kept)


def _kept(op: Operator, tool: str, name: str) -> Kept:
    found = op.incident.kept.get(name)
    if found is None:
        fix = near_miss(name, op.incident.kept) or "COMMAND > NAME keeps an output; ls lists what was kept"
        raise CommandError(f"{tool}: {name[:80]}: No such file or directory", fix=fix)
    return found


@command("cat", "cat NAME...", takes_s=0.5, configure=_names, complete=_kept_names, looked=TAGS)
def cat(op: Operator, args: argparse.Namespace) -> Effect:
    """An output that was kept with > or tee."""
    found = [_kept(op, "cat", name) for name in args.names]
    looked = tuple(dict.fromkeys(kind for item in found for kind in item.looked))
    subjects = tuple(dict.fromkeys(name for item in found for name in item.subjects))
    return Effect("\n".join(item.text for item in found), looked=looked, subjects=subjects)


@command("ls", "ls", takes_s=0.5, configure=_maybe_names, aliases=["ll", "dir"])
def ls(op: Operator, args: argparse.Namespace) -> Effect:
    """Outputs that were kept with > or tee."""
    chosen = {name: _kept(op, "ls", name) for name in args.names} or op.incident.kept
    rows = [(clock(op, item.t_s), f"{len(item.text.splitlines())} lines", name) for name, item in chosen.items()]
    return Effect(table((), rows) if rows else "nothing was kept yet: COMMAND > NAME keeps an output")


@command("rm", "rm NAME...", takes_s=0.5, configure=_names, complete=_kept_names)
def rm(op: Operator, args: argparse.Namespace) -> Effect:
    """Throw away outputs that were kept."""
    for name in args.names:
        _kept(op, "rm", name)
    for name in args.names:
        op.incident.kept.pop(name, None)
    return Effect(f"removed {', '.join(dict.fromkeys(args.names))}")


@command("echo", "echo TEXT", takes_s=0.0, configure=_words)
def echo(op: Operator, args: argparse.Namespace) -> Effect:
    """Print words, such as a heading between commands of one line."""
    return Effect(" ".join(args.words))


def _sleep_options(parser: Arguments) -> None:
    parser.add_argument("length")


def _asleep_s(args: argparse.Namespace) -> float:
    return min(length_s(args.length, "sleep"), SLEEP_MAX_S)


@command("sleep", "sleep 30s", takes_s=0.0, configure=_sleep_options, lasts=_asleep_s)
def sleep(op: Operator, args: argparse.Namespace) -> Effect:
    """Let time pass, at most ten minutes: sleep 30; kubectl get pods."""
    return Effect(f"{_asleep_s(args):g} s later: {clock(op, op.now_s)}")


def _date_options(parser: Arguments) -> None:
    parser.add_argument("-u", "--utc", action="store_true")
    parser.add_argument("-I", "--iso-8601", dest="iso", nargs="?", const="date", choices=("date", "seconds"))
    parser.add_argument("-Is", dest="iso", action="store_const", const="seconds")
    parser.add_argument("-R", dest="mail", action="store_const", const="+%a, %d %b %Y %H:%M:%S +0000")
    parser.add_argument("form", nargs="?", default="")


@command("date", "date [-u] [-Is] [+FORMAT]", takes_s=0.0, configure=_date_options)
def date(op: Operator, args: argparse.Namespace) -> Effect:
    """The date and time of the drill; `clock` says how much of it is left."""
    at = moment(op, op.now_s)
    if args.iso:
        return Effect(f"{at:%Y-%m-%dT%H:%M:%S+00:00}" if args.iso == "seconds" else f"{at:%Y-%m-%d}")
    form = args.form or args.mail or "+%a %b %e %H:%M:%S UTC %Y"
    if not form.startswith("+"):
        raise CommandError(f"date: invalid date {form[:40]!r}", fix="date, date +%s, date -Is")
    return Effect("".join(_date_part(at, part) for part in _DATE_PART.findall(form[1:])))


def _date_part(at: datetime, part: str) -> str:
    if part == "%s":
        return str(int(at.timestamp()))
    if part == "%e":
        return f"{at.day:>2}"
    return at.strftime(part) if part in _DATE_KNOWN else part


def _count(parser: Arguments) -> None:
    parser.add_argument("count", nargs="?", type=int, default=0)


@command("history", "history [N]", takes_s=0.0, configure=_count)
def history(op: Operator, args: argparse.Namespace) -> Effect:
    """The lines that were entered so far, numbered; `timeline` tells what happened."""
    lines = [f"{at:>5}  {output.line}" for at, output in enumerate(op.incident.outputs, 1)]
    return Effect("\n".join(lines[-args.count :] if args.count > 0 else lines))
