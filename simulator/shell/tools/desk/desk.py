"""`cat`, `ls`, `rm`, `echo`, `sleep`: outputs that were kept with > or tee, and small words of a shell."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from reference_platform.errors import CommandError, near_miss
from simulator.incident.record import Kept
from simulator.incident.tags import TAGS
from simulator.shell.calendar import clock
from simulator.shell.context import Effect, Operator
from simulator.shell.free_text import length_s
from simulator.shell.registry import Arguments, command
from simulator.shell.table import table

SLEEP_MAX_S = 600.0


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
