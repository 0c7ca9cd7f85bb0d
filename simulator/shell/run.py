"""Run a line as typed. All of it is understood first, so that what is refused has changed nothing.

Never raises for what was typed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from reference_platform.errors import CommandError
from simulator.incident.record import KEPT_MAX, Kept
from simulator.incident.tags import Tag
from simulator.shell.calendar import clock
from simulator.shell.components import mentioned
from simulator.shell.context import Operator
from simulator.shell.filters.chain import SELECTING, filtered
from simulator.shell.library import load_commands
from simulator.shell.line import NOWHERE, Item, Joint, parse_line
from simulator.shell.piped import still_seen
from simulator.shell.registry import COMMANDS, Command, carry_out, find, parse
from simulator.shell.stages import Stage, Tee, Xargs, stage_of

OUTPUT_MAX_CHARS = 400_000
WATCH_READINGS = 3
"""How often `watch` shows its command before it gives the line back."""
UNKNOWN_TAKES_S = 0.5


@dataclass(frozen=True, slots=True)
class Ran:
    """What one command of a line did. `words` are its fixed words, () when there was no such command.

    `attempted` says that a command that changes things was refused; its subjects are then what the line names.
    `succeeded` is what && and || go by.
    """

    text: str
    exit: int
    words: tuple[str, ...]
    looked: tuple[Tag, ...]
    subjects: tuple[str, ...]
    changes: bool
    attempted: bool = False
    succeeded: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a line, ready to run. `waits_s` pass before it, `takes_s` with it."""

    item: Item
    command: Command
    arguments: argparse.Namespace
    pipeline: tuple[Stage, ...]
    takes_s: float
    heading: str = ""

    @property
    def changes(self) -> bool:
        behind = [stage.command for stage in self.pipeline if isinstance(stage, Xargs)]
        return any(found is not None and found.changes for found in (self.command, *behind))

    def is_due(self, before: Ran | None) -> bool:
        """Whether && or || lets it run behind what ran last."""
        joint: Joint = self.item.joint
        return before is None or joint in ("", ";") or before.succeeded == (joint == "&&")


@dataclass(frozen=True, slots=True)
class Typed:
    """A line that was understood, or why it was not. `words` are the fixed words of the command that was refused."""

    line: str
    steps: tuple[Step, ...] = ()
    problem: CommandError | None = None
    words: tuple[str, ...] = ()
    refused: tuple[Step, ...] = ()
    refused_takes_s: float = UNKNOWN_TAKES_S

    @property
    def command(self) -> Command | None:
        return self.steps[0].command if self.steps else None

    @property
    def stages(self) -> list[list[str]]:
        return self.steps[0].item.stages if self.steps else []

    @property
    def changes(self) -> bool:
        return any(step.changes for step in self.steps)

    @property
    def takes_s(self) -> float:
        return sum(step.takes_s for step in self.steps) if self.steps else self.refused_takes_s


@dataclass(slots=True)
class _Reading:
    """What was understood so far."""

    steps: list[Step] = field(default_factory=list)
    words: tuple[str, ...] = ()
    takes_s: float = UNKNOWN_TAKES_S


def understand(line: str) -> Typed:
    """Everything about a line that can be told without running it."""
    load_commands()
    reading = _Reading()
    try:
        for item in parse_line(line):
            _understand(item, reading)
    except CommandError as error:
        changing = tuple(step for step in reading.steps if step.changes)
        return Typed(line, (), error, reading.words, changing, reading.takes_s)
    return Typed(line, tuple(step for made in reading.steps for step in _watched(made)))


def _understand(item: Item, reading: _Reading) -> None:
    reading.words, reading.takes_s = (), UNKNOWN_TAKES_S
    if not item.stages[0]:
        raise CommandError("nothing typed", fix="help")
    found, rest = find(item.stages[0])
    reading.words, reading.takes_s = found.words, found.takes_s
    arguments = parse(found, rest)
    own = found.takes_s + (found.lasts(arguments) if found.lasts is not None else 0.0)
    # Noted before its filters are looked at: a change that they keep from being made was meant to be made.
    reading.steps.append(Step(item, found, arguments, (), own))
    pipeline = tuple(stage_of(words) for words in item.stages[1:])
    behind = sum(stage.command.takes_s for stage in pipeline if isinstance(stage, Xargs) and stage.command is not None)
    reading.steps[-1] = replace(reading.steps[-1], pipeline=pipeline, takes_s=own + behind)
    if item.watch_s is not None and reading.steps[-1].changes:
        raise CommandError("watch repeats what reads; this would change something", fix="leave watch out")


def _watched(step: Step) -> Iterator[Step]:
    """The step, or as many of it as `watch` shows, an interval apart."""
    every_s = step.item.watch_s
    if every_s is None:
        yield step
        return
    shown = " | ".join(" ".join(stage) for stage in step.item.stages)
    for reading in range(WATCH_READINGS):
        takes_s = step.takes_s if reading == 0 else max(every_s, step.takes_s)
        item = step.item if reading == 0 else replace(step.item, joint=";")
        yield replace(step, item=item, takes_s=takes_s, heading=f"Every {every_s:.1f}s: {shown}")


def begin(operator: Operator, step: Step) -> None:
    """Set going what a command needs its time for. What will be refused sets nothing going."""
    if step.command.begin is not None:
        with suppress(CommandError):
            step.command.begin(operator, step.arguments)


def waits_s(operator: Operator, step: Step) -> float:
    """How long a command whose time has passed wants to wait before it looks again; 0 to be carried out now."""
    if step.command.waits is None:
        return 0.0
    try:
        return step.command.waits(operator, step.arguments)
    except CommandError:
        return 0.0


def run(operator: Operator, typed: Typed) -> Ran:
    """Run an understood line now, all of it at this instant."""
    if typed.problem is not None:
        return refusal(operator, typed)
    last: Ran | None = None
    texts: list[str] = []
    for step in typed.steps:
        if step.is_due(last):
            last = run_step(operator, step)
            texts.append(last.text)
    assert last is not None, "the first command of a line always runs"
    return replace(last, text=told(texts))


def told(texts: list[str]) -> str:
    """Outputs of the commands of a line, one after the other."""
    return "\n".join(text for text in texts if text)[:OUTPUT_MAX_CHARS]


def refusal(operator: Operator, typed: Typed) -> Ran:
    """What comes of a line that was not understood: nothing was carried out, not even what stood before the mistake.

    It was an attempt if a command that changes things was itself understood.
    """
    assert typed.problem is not None, "only what was not understood is refused"
    text = str(typed.problem)
    if typed.refused:
        text += "\n  nothing on this line was carried out"
    named = mentioned(operator, [typed.line]) if typed.refused else ()
    exit_code = 1 if typed.words else 127
    return Ran(text, exit_code, typed.words, (), named, False, attempted=bool(typed.refused), succeeded=False)


def run_step(operator: Operator, step: Step) -> Ran:
    """Run one command now. A refused command leaves the platform as it was."""
    command, item = step.command, step.item
    kept = operator.incident.kept
    names = [item.keeps, *(stage.name for stage in step.pipeline if isinstance(stage, Tee))]
    if any(name and name != NOWHERE and name not in kept for name in names) and len(kept) >= KEPT_MAX:
        error = CommandError(f"{KEPT_MAX} outputs are kept already", fix="ls lists them, rm NOTE removes one")
        return Ran(str(error), 1, command.words, (), (), False, attempted=step.changes, succeeded=False)
    try:
        effect = carry_out(command, operator, step.arguments)
    except CommandError as error:
        named = mentioned(operator, [" ".join(item.stages[0])]) if command.changes else ()
        text = "" if item.errors == "dropped" else str(error)
        if item.errors == "merged":
            plain = [stage for stage in step.pipeline if not isinstance(stage, Tee | Xargs)]
            text = filtered(text, plain)
        return Ran(text, 1, command.words, (), named, False, attempted=command.changes, succeeded=False)
    ran = Ran(effect.text, effect.exit, command.words, effect.seen, effect.subjects, command.changes,
              succeeded=effect.exit == 0)  # fmt: skip
    ran = _behind(operator, step, ran)
    if item.keeps:
        ran = _kept(operator, item, ran)
    if step.heading:
        ran = replace(ran, text=f"{step.heading}    {clock(operator, operator.now_s)}\n\n{ran.text}")
    if item.timed:
        ran = replace(ran, text=f"{ran.text}\n\nreal\t0m{step.takes_s:.3f}s")
    return replace(ran, text=ran.text[:OUTPUT_MAX_CHARS])


def _behind(operator: Operator, step: Step, ran: Ran) -> Ran:
    """What the stages behind a command leave of it."""
    source, typed = ran, [step.item.stages[0]]
    for words, stage in zip(step.item.stages[1:], step.pipeline, strict=True):
        if isinstance(stage, Tee):
            seen = _seen(operator, typed, source, ran.text)
            keep(operator, stage.name, seen.text, seen.looked, seen.subjects, stage.appends)
        elif isinstance(stage, Xargs):
            ran = _handed(operator, stage, ran)
            source, typed = ran, [list(stage.words)]
        else:
            ran = replace(ran, text=filtered(ran.text, [stage]))
            typed.append(words)
    if len(typed) > 1:
        ran = _seen(operator, typed, source, ran.text)
        if typed[-1][0] in SELECTING and not ran.text:
            ran = replace(ran, succeeded=False)
    return ran


def _seen(operator: Operator, typed: list[list[str]], source: Ran, left: str) -> Ran:
    """`source` with what is `left` of its text, and with the evidence that still shows in it."""
    if len(typed) == 1 or source.changes:
        return replace(source, text=left)
    seen = still_seen(operator, typed, source.text, left, source.subjects)
    looked, subjects = (source.looked, seen) if seen is not None else ((), ())
    return replace(source, text=left, looked=looked, subjects=subjects)


def _handed(operator: Operator, stage: Xargs, ran: Ran) -> Ran:
    """The command that xargs runs with the words of the text so far."""
    texts: list[str] = []
    looked: dict[Tag, None] = {}
    subjects: dict[str, None] = {}
    changes, attempted, failed = False, False, 0
    for words in stage.calls(ran.text):
        if stage.command is None:
            texts.append(" ".join(words[1:]))
            continue
        try:
            found, rest = find(words)
            effect = carry_out(found, operator, parse(found, rest))
        except CommandError as error:
            texts.append(str(error))
            attempted = attempted or stage.command.changes
            failed += 1
            continue
        texts.append(effect.text)
        looked |= dict.fromkeys(effect.seen)
        subjects |= dict.fromkeys(effect.subjects)
        changes = changes or found.changes
        failed += effect.exit != 0
    code = 123 if failed else 0
    words_of = stage.command.words if stage.command is not None and stage.command.changes else ran.words
    return Ran(told(texts), code, words_of, tuple(looked), tuple(subjects), ran.changes or changes,
               attempted=attempted and not changes, succeeded=code == 0)  # fmt: skip


def _kept(operator: Operator, item: Item, ran: Ran) -> Ran:
    if item.keeps == NOWHERE:
        text = ""
    else:
        lines = len(ran.text.splitlines())
        keep(operator, item.keeps, ran.text, ran.looked, ran.subjects, item.appends)
        text = f"(kept {lines} lines as {item.keeps}; cat {item.keeps} shows them)"
    return replace(ran, text=text, looked=(), subjects=ran.subjects if ran.changes else ())


def keep(
    operator: Operator, name: str, text: str, looked: tuple[Tag, ...], subjects: tuple[str, ...], appends: bool
) -> None:
    """Write an output to a name, behind what is there if it `appends`."""
    if name == NOWHERE:
        return
    old = operator.incident.kept.get(name) if appends else None
    if old is not None:
        text = told([old.text, text])
        looked = tuple(dict.fromkeys((*old.looked, *looked)))
        subjects = tuple(dict.fromkeys((*old.subjects, *subjects)))
    operator.incident.kept[name] = Kept(operator.now_s, text[:OUTPUT_MAX_CHARS], looked, subjects)


def preview(operator: Operator, line: str) -> str | None:
    """What front ends show, and ask about, before they submit `line`; None when there is nothing to ask. Reads only.

    A line that would be refused has no preview: submitting it says what is wrong.
    """
    for step in understand(line).steps:
        if step.command.preview is not None:
            try:
                return step.command.preview(operator, step.arguments)
            except CommandError:
                return None
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
