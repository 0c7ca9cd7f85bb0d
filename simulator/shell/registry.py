"""The command registry: one declaration per command form, looked up by its leading words.

A handler receives the operator and arguments parsed by argparse. Its flags follow the real tool; a flag that the real
tool has and this one lacks is answered like an unknown flag, with what to use instead.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from reference_platform.errors import CommandError, nearest
from simulator.shell.context import Effect, Operator

LINE_MAX_CHARS = 2_000

Handler = Callable[[Operator, argparse.Namespace], Effect]
Configure = Callable[["Arguments"], None]
Complete = Callable[[Operator], Iterable[str]]


class Arguments(argparse.ArgumentParser):
    """argparse that raises CommandError instead of leaving the program."""

    def error(self, message: str) -> NoReturn:
        raise CommandError(f"{self.prog}: {message}", fix=f"usage: {self.usage}")


@dataclass(frozen=True, slots=True)
class Command:
    """One form. `words` are its fixed leading words; `takes_s` is the simulated time it costs."""

    words: tuple[str, ...]
    usage: str
    summary: str
    handler: Handler
    configure: Configure
    takes_s: float
    changes: bool
    complete: Complete


COMMANDS: dict[tuple[str, ...], Command] = {}
ALIASES: dict[tuple[str, ...], tuple[str, ...]] = {}
WORDS_MAX = 4


def _nothing(_: Arguments) -> None:
    return None


def _no_names(_: Operator) -> Iterable[str]:
    return ()


def command(
    words: str,
    usage: str,
    *,
    takes_s: float = 1.0,
    changes: bool = False,
    configure: Configure = _nothing,
    complete: Complete = _no_names,
    aliases: Sequence[str] = (),
) -> Callable[[Handler], Handler]:
    """Register a handler under its leading words. The handler's docstring is the summary shown by `help`."""

    def register(handler: Handler) -> Handler:
        key = tuple(words.split())
        assert key not in COMMANDS, f"command {words} registered twice"
        summary = (handler.__doc__ or "").strip().splitlines()[0]
        COMMANDS[key] = Command(key, usage, summary, handler, configure, takes_s, changes, complete)
        for alias in aliases:
            ALIASES[tuple(alias.split())] = key
        return handler

    return register


def split_pipes(line: str) -> list[list[str]]:
    """Words of each stage of a pipeline. Raises CommandError for open quotes, empty stages and over-long lines."""
    if len(line) > LINE_MAX_CHARS:
        raise CommandError(f"line of {len(line)} characters", fix=f"at most {LINE_MAX_CHARS}")
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError as error:
        raise CommandError(f"cannot read the line: {error}", fix="close the quote") from None
    stages: list[list[str]] = [[]]
    for word in words:
        if word == "|":
            stages.append([])
        else:
            stages[-1].append(word)
    if len(stages) > 1 and not all(stages):
        raise CommandError("empty stage in a pipe", fix="write a command on both sides of |")
    return stages


def find(words: Sequence[str]) -> tuple[Command, list[str]]:
    """The command with the longest matching leading words, and the rest. Raises CommandError with the nearest form."""
    for size in range(min(WORDS_MAX, len(words)), 0, -1):
        key = tuple(words[:size])
        key = ALIASES.get(key, key)
        if key in COMMANDS:
            return COMMANDS[key], list(words[size:])
    head = words[0]
    forms = sorted(" ".join(key) for key in (*COMMANDS, *ALIASES) if key[0] == head)
    if forms:
        shown = ", ".join(forms[:10])
        raise CommandError(f'"{" ".join(words[:3])}" is not simulated', fix=f"{head} has: {shown}; see `help {head}`")
    heads = {key[0] for key in (*COMMANDS, *ALIASES)}
    raise CommandError(f"{head}: command not found", fix=f"{nearest(head, heads)}  all commands: help")


def parse(found: Command, words: Sequence[str]) -> argparse.Namespace:
    """Arguments of a command. Raises CommandError for anything the form does not take."""
    parser = Arguments(prog=" ".join(found.words), usage=found.usage, add_help=False, allow_abbrev=False)
    found.configure(parser)
    return parser.parse_args(list(words))
