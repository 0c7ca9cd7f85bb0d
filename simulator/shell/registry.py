"""The command registry: one declaration per command form, looked up by its leading words.

A handler receives the operator and arguments parsed by argparse. Its flags follow the real tool; a flag that the real
tool has and this one lacks is answered like an unknown flag, with what to use instead.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Literal, NoReturn

from reference_platform.errors import CommandError, near_miss
from simulator.incident.tags import Sight, Tag
from simulator.shell.absent import ABSENT
from simulator.shell.context import DECLARED, Effect, Operator

LINE_MAX_CHARS = 2_000
TEXT_MAX_CHARS = 25_000
"""For lines whose rest is text: a section of a post-mortem is one line."""

Handler = Callable[[Operator, argparse.Namespace], Effect]
Configure = Callable[["Arguments"], None]
Complete = Callable[[Operator], Iterable[str]]
Preview = Callable[[Operator, argparse.Namespace], str | None]
"""What a line would say or cost, for the person who typed it; None when there is nothing to ask. Changes nothing."""
Lasts = Callable[[argparse.Namespace], float]
"""Simulated seconds that these arguments ask for."""
Begin = Callable[[Operator, argparse.Namespace], None]
"""What a command sets going when it is entered, for its handler to find when its time has passed."""
Waits = Callable[[Operator, argparse.Namespace], float]
"""Seconds that a command wants to wait before it looks again, 0 when it has seen enough. Asked when its time has
passed; what it saw meanwhile it keeps in its arguments. Changes nothing."""
Rest = Literal["words", "query", "text"]
Reorder = Callable[[Sequence[str]], list[str]]


class Arguments(argparse.ArgumentParser):
    """argparse that raises CommandError instead of leaving the program."""

    def error(self, message: str) -> NoReturn:
        raise CommandError(f"{self.prog}: {message}", fix=f"usage: {self.usage}")


@dataclass(frozen=True, slots=True)
class Command:
    """One form. `words` are its fixed leading words; `takes_s` is the simulated time it costs.

    `rest` says how the remainder of the line is read: as shell words for argparse, or verbatim as `args.raw`. A query
    ends at the first | ; or && outside of quotes and brackets; a text runs to the end of the line. `lasts` adds to
    `takes_s` what depends on the arguments. `looked` are all kinds of evidence that its outputs may have, and `sight`
    is as what they are weighed; None for what observes nothing.
    """

    words: tuple[str, ...]
    usage: str
    summary: str
    handler: Handler
    configure: Configure
    takes_s: float
    changes: bool
    complete: Complete
    rest: Rest = "words"
    preview: Preview | None = None
    lasts: Lasts | None = None
    begin: Begin | None = None
    looked: tuple[Tag, ...] = ()
    sight: Sight | None = None
    waits: Waits | None = None


COMMANDS: dict[tuple[str, ...], Command] = {}
ALIASES: dict[tuple[str, ...], tuple[str, ...]] = {}
REORDER: dict[str, Reorder] = {}
"""By first word: puts what was typed into the order in which that tool's forms are declared. Never raises."""
WORDS_MAX = 4
NEAR_RATIO = 0.6
"""How alike two words must be for one to be taken for a slip of the other."""


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
    rest: Rest = "words",
    preview: Preview | None = None,
    lasts: Lasts | None = None,
    begin: Begin | None = None,
    looked: tuple[Tag, ...] = (),
    sight: Sight | None = None,
    waits: Waits | None = None,
) -> Callable[[Handler], Handler]:
    """Register a handler under its leading words. The handler's docstring is the summary shown by `help`.

    `begin` runs when the line is entered, the handler `takes_s` later, or when `waits` has seen enough after that.
    `looked` and `sight`: see `Command`.
    `preview` says what was understood before a line is sent to people or costs something; front ends ask then.
    """

    def register(handler: Handler) -> Handler:
        key = tuple(words.split())
        assert key not in COMMANDS, f"command {words} registered twice"
        summary = (handler.__doc__ or "").strip().splitlines()[0]
        COMMANDS[key] = Command(
            key,
            usage,
            summary,
            handler,
            configure,
            takes_s,
            changes,
            complete,
            rest,
            preview,
            lasts,
            begin,
            looked,
            sight,
            waits,
        )
        for alias in aliases:
            ALIASES[tuple(alias.split())] = key
        return handler

    return register


def carry_out(found: Command, op: Operator, args: argparse.Namespace) -> Effect:
    """What the command does, with what its output shows. Raises CommandError as the handler does."""
    effect = found.handler(op, args)
    looked = found.looked if effect.looked is DECLARED else effect.looked
    undeclared = set(looked) - set(found.looked)
    assert not undeclared, f"{' '.join(found.words)} shows {sorted(undeclared)}, which it has not declared"
    return replace(effect, looked=looked)


def form_of(line: str) -> tuple[Command, int] | None:
    """The command with the longest leading words that `line` begins with, and how many words those are."""
    words = line.split(maxsplit=WORDS_MAX)
    for size in range(min(WORDS_MAX, len(words)), 0, -1):
        key = tuple(words[:size])
        found = COMMANDS.get(ALIASES.get(key, key))
        if found is not None:
            return found, size
    return None


def find(words: Sequence[str]) -> tuple[Command, list[str]]:
    """The command with the longest matching leading words, and the rest. Raises CommandError with the nearest form."""
    asks_for_help = len(words) > 1 and "--help" in words[1:]
    if words[0] in REORDER:
        words = REORDER[words[0]](words)
    if asks_for_help:
        return COMMANDS["help",], list(takewhile(lambda word: not word.startswith("-"), words))
    for size in range(min(WORDS_MAX, len(words)), 0, -1):
        key = tuple(words[:size])
        key = ALIASES.get(key, key)
        if key in COMMANDS:
            _refuse_mistyped(COMMANDS[key], words[:size], words[size:])
            return COMMANDS[key], list(words[size:])
    head = words[0]
    forms = sorted(" ".join(key) for key in (*COMMANDS, *ALIASES) if key[0] == head)
    if forms:
        meant = _meant(words)
        shown = f"{head} has: {', '.join(forms[:10])}; see `help {head}`"
        fix = f'did you mean "{meant}"?' if meant else shown
        raise CommandError(f'"{" ".join(words[:3])}" is not simulated', fix=fix)
    if head in ABSENT:
        raise CommandError(f"{head}: {ABSENT[head][0]}", fix=ABSENT[head][1])
    heads = {key[0] for key in (*COMMANDS, *ALIASES)}
    raise CommandError(f"{head}: command not found", fix=f"{near_miss(head, heads)}  all commands: help".strip())


def _refuse_mistyped(found: Command, typed: Sequence[str], rest: Sequence[str]) -> None:
    """Raise when `rest` begins with what was meant as the next word of a longer form, and not as an argument."""
    if not rest or rest[0].startswith("-") or found.rest != "words" or not _next_words(typed):
        return
    try:
        parse(found, rest)
    except CommandError:
        meant = _meant([*typed, *rest])
        if meant:
            raise CommandError(
                f'"{" ".join([*typed, rest[0]])[:80]}" is not simulated', fix=f'did you mean "{meant}"?'
            ) from None


def _next_words(typed: Sequence[str]) -> set[str]:
    """Words that some form has behind these."""
    size = len(typed)
    return {key[size] for key in (*COMMANDS, *ALIASES) if len(key) > size and key[:size] == tuple(typed)}


def _meant(words: Sequence[str]) -> str:
    """The form that is nearest to the beginning of `words`: as typed as far as it is right; "" when none is near."""
    for size in range(min(WORDS_MAX, len(words)) - 1, 0, -1):
        near = difflib.get_close_matches(words[size], _next_words(words[:size]), n=1, cutoff=NEAR_RATIO)
        if near:
            return " ".join([*words[:size], near[0]])
    return ""


def parse(found: Command, words: Sequence[str]) -> argparse.Namespace:
    """Arguments of a command. Raises CommandError for anything the form does not take."""
    if found.rest != "words":
        return argparse.Namespace(raw=" ".join(words))
    parser = Arguments(prog=" ".join(found.words), usage=found.usage, add_help=False, allow_abbrev=False)
    found.configure(parser)
    return parser.parse_args(list(words))
