"""What filters share: flags as the real tools read them, counts, and no files."""

from __future__ import annotations

import getopt
from collections.abc import Callable, Iterable

from reference_platform.errors import CommandError
from simulator.shell.free_text import is_digits

COUNT_MAX = 10**9
"""Larger numbers mean the same: everything."""

Lines = list[str]
Options = dict[str, str]
Filter = Callable[[Lines], Lines]
"""A stage that is ready to run. Whatever could be wrong about how it was typed has been found by then."""
Prepare = Callable[[list[str]], Filter]
"""From the words behind a tool's name. Raises CommandError."""


def options_of(name: str, words: list[str], short: str, long: Iterable[str] = ()) -> tuple[Options, list[str]]:
    """Flags and the other words. Raises CommandError that names the flags there are."""
    try:
        pairs, rest = getopt.gnu_getopt(words, short, list(long))
    except getopt.GetoptError as error:
        raise CommandError(f"{name}: {error.msg}", fix=f"here {name} takes: {_known(short)}") from None
    return dict(pairs), rest


def _known(short: str) -> str:
    return " ".join(f"-{flag}" + (" VALUE" if short[at + 1 : at + 2] == ":" else "")
                    for at, flag in enumerate(short) if flag != ":") or "no flags"  # fmt: skip


def no_files(name: str, rest: list[str]) -> None:
    """Refuse names of files: a stage reads what the one before it printed."""
    if rest and rest != ["-"]:
        raise CommandError(f"{name}: {rest[0]}: No such file or directory", fix=f"put {name} behind a command and |")


def count_of(name: str, text: str) -> int:
    """A count, its sign left out. Raises CommandError."""
    digits = text.lstrip("+-")
    if not is_digits(digits) or len(digits) > 12:
        raise CommandError(f"{name}: invalid number: {text[:40]!r}", fix=f"such as {name} -n 20")
    return min(int(digits), COUNT_MAX)
