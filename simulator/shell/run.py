"""Run one line as typed: find the command, run it, pipe its output. Never raises for what was typed."""

from __future__ import annotations

from dataclasses import dataclass

from reference_platform.errors import CommandError
from simulator.shell.components import mentioned
from simulator.shell.context import Operator
from simulator.shell.filters import apply_filters
from simulator.shell.library import load_commands
from simulator.shell.piped import still_seen
from simulator.shell.registry import COMMANDS, Command, find, parse, split_pipes

OUTPUT_MAX_CHARS = 200_000


@dataclass(frozen=True, slots=True)
class Ran:
    """What one line did. `words` are the command's fixed words, () when there was no such command.

    `attempted` says that a command that changes things was refused; its subjects are then what the line names.
    """

    text: str
    exit: int
    words: tuple[str, ...]
    looked: tuple[str, ...]
    subjects: tuple[str, ...]
    changes: bool
    attempted: bool = False


@dataclass(frozen=True, slots=True)
class Typed:
    """A line that was understood as far as its command. `problem` says why it was not."""

    stages: tuple[tuple[str, ...], ...]
    command: Command | None
    problem: CommandError | None

    @property
    def takes_s(self) -> float:
        return self.command.takes_s if self.command else 0.5


def understand(line: str) -> Typed:
    """Find the command of a line without running it."""
    load_commands()
    try:
        stages = split_pipes(line)
        if not stages[0]:
            raise CommandError("nothing typed", fix="help")
        found, _ = find(stages[0])
    except CommandError as error:
        return Typed((), None, error)
    return Typed(tuple(tuple(stage) for stage in stages), found, None)


def run(operator: Operator, typed: Typed) -> Ran:
    """Run an understood line now. A refused command leaves the platform as it was."""
    command = typed.command
    if command is None:
        return Ran(str(typed.problem), 127, (), (), (), False)
    filters = [list(stage) for stage in typed.stages[1:]]
    try:
        _, rest = find(typed.stages[0])
        arguments = parse(command, rest)
        # A filter that does not exist must not follow a change that was made.
        apply_filters("", filters)
    except CommandError as error:
        # What was not understood was not tried.
        return Ran(str(error), 1, command.words, (), (), False)
    try:
        effect = command.handler(operator, arguments)
    except CommandError as error:
        named = mentioned(operator, [" ".join(typed.stages[0])]) if command.changes else ()
        return Ran(str(error), 1, command.words, (), named, False, attempted=command.changes)
    text = apply_filters(effect.text, filters)
    looked, subjects = effect.looked, effect.subjects
    if filters and not command.changes:
        seen = still_seen(operator, typed.stages, effect.text, text, subjects)
        looked, subjects = (looked, seen) if seen is not None else ((), ())
    return Ran(text[:OUTPUT_MAX_CHARS], effect.exit, command.words, looked, subjects, command.changes)


def preview(operator: Operator, line: str) -> str | None:
    """What front ends show, and ask about, before they submit `line`; None when there is nothing to ask. Reads only.

    A line that would be refused has no preview: submitting it says what is wrong.
    """
    typed = understand(line)
    if typed.command is None or typed.command.preview is None:
        return None
    try:
        _, rest = find(typed.stages[0])
        return typed.command.preview(operator, parse(typed.command, rest))
    except CommandError:
        return None


def complete(operator: Operator, text: str) -> list[str]:
    """Candidates for the last word of `text`: next words of command forms, then names the command knows."""
    load_commands()
    head, _, last = text.rpartition(" ")
    words = tuple(head.split())
    forms = sorted({key[len(words)] for key in COMMANDS if key[: len(words)] == words and len(key) > len(words)})
    names: list[str] = []
    if words:
        try:
            found, _ = find(words)
        except CommandError:
            pass
        else:
            names = sorted(set(found.complete(operator)))
    candidates = [*forms, *(name for name in names if name not in forms)]
    prefixed = [item for item in candidates if item.startswith(last)]
    return prefixed or ([item for item in candidates if last and last in item])
