"""`scenarios new` and `scenarios faults`: what an author starts from."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from reference_platform.calendar import since_monday_s
from reference_platform.errors import ConfigError, ContentError, InternalError, nearest
from tui.narration import put, say

Check = Callable[[str], str]
"""The answer, tidied. Raises ContentError for one that cannot be used."""


def new(
    file: Annotated[Path | None, typer.Argument(help="Where to write it; ID.yaml here if left out.")] = None,
    scenario_id: Annotated[str | None, typer.Option("--id", help="Id, such as slow-store.")] = None,
    title: Annotated[str | None, typer.Option(help="One line for lists.")] = None,
    level: Annotated[str | None, typer.Option(help="junior, mlops, senior, staff or principal.")] = None,
    family: Annotated[str | None, typer.Option(help="Group in lists, such as serving.")] = None,
    fault: Annotated[str | None, typer.Option(help="What breaks; see `scenarios faults`.")] = None,
    starts: Annotated[str | None, typer.Option(help="First second of the simulation, such as Tue 10:00.")] = None,
    at: Annotated[str | None, typer.Option(help="When it breaks after that, such as 20m..40m.")] = None,
    drill: Annotated[str | None, typer.Option(help="How long the responder has, such as 40m.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take the defaults.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
) -> None:
    """Write a new drill that lints and runs, from a few answers."""
    from scenarios.lint import lint
    from scenarios.template import Answers, written

    def ask(question: str, given: str | None, default: str, check: Check) -> str:
        if given is not None or yes:
            return check(given if given is not None else default)
        while True:
            try:
                return check(_answer(question, default))
            except ContentError as error:
                say(str(error))

    chosen_fault = ask("What breaks? (`scenarios faults` lists them)", fault, "online_store.slow", _fault)
    answers = Answers(
        scenario_id=ask("Id", scenario_id, chosen_fault.replace(".", "-").replace("_", "-"), _kebab),
        title=ask("Title", title, "Something is wrong", _title),
        level=ask("Level", level, "mlops", _level),
        family=ask("Family", family, chosen_fault.partition(".")[0].replace("_", "-"), _kebab),
        fault=chosen_fault,
        starts=ask("Day and time at which it starts", starts, "Tue 10:00", _starts),
        at=ask("When does it break after that?", at, "20m..40m", _instant),
        drill=ask("How long has the responder?", drill, "40m", _length),
    )
    path = file or Path(f"{answers.scenario_id}.yaml")
    _write(path, written(answers), force=force)
    problems = lint(str(path))
    if problems:
        raise InternalError("a new drill does not lint", why=str(problems[0]))
    put(str(path))
    say(f"written. Next: pagerdrill play {path} --player expert; pagerdrill scenarios prove {path}")


def _answer(question: str, default: str) -> str:
    """One line from the person; stdout stays free for data. Raises Abort when there will be none."""
    sys.stderr.write(f"{question} [{default}]: ")
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise typer.Abort
    return line.strip() or default


def _write(path: Path, text: str, *, force: bool) -> None:
    try:
        with path.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise ConfigError("this file is there already", where=str(path), fix="name another, or add --force") from None
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError("the drill cannot be written", where=str(path), why=why, fix="choose another path") from None


def _fault(text: str) -> str:
    from scenarios.loader import fault_models

    if text not in fault_models():
        raise ContentError(f'no fault "{text}"', fix=nearest(text, fault_models()))
    return text


def _kebab(text: str) -> str:
    from scenarios.schema import checked_id

    try:
        return checked_id(text)
    except ValueError as error:
        fix = "small letters, digits and single hyphens, such as slow-store"
        raise ContentError(f'"{text[:80]}" is no id', why=str(error)[:200], fix=fix) from None


def _title(text: str) -> str:
    from scenarios.template import TITLE_MAX

    tidy = " ".join(text.split())
    if not tidy or len(tidy) > TITLE_MAX or not tidy.isprintable():
        raise ContentError(f'"{text}" is no title', fix=f"one line of at most {TITLE_MAX} characters")
    return tidy


def _level(text: str) -> str:
    from typing import get_args

    from scenarios.schema import Level

    if text not in get_args(Level):
        raise ContentError(f'no level "{text}"', fix=nearest(text, get_args(Level)))
    return text


def _starts(text: str) -> str:
    if since_monday_s(text) is None:
        raise ContentError(f'"{text}" is no day and time', fix="write it like Tue 22:30")
    return text


def _instant(text: str) -> str:
    from reference_platform.durations import parse_duration_s
    from scenarios.ranges import resolve_ranges

    try:
        latest_s = parse_duration_s(resolve_ranges(text, lambda _: 1.0))
    except ValueError as error:
        raise ContentError(str(error), fix="such as 20m, or 20m..40m for any time between") from None
    if latest_s >= 8 * 3600.0:
        raise ContentError(f"{text} is after the responder has joined", fix="at most 8h; edit joins_by for more")
    return text


def _length(text: str) -> str:
    from reference_platform.durations import parse_duration_s
    from scenarios.lint_words import DRILL_MAX_S

    try:
        length_s = parse_duration_s(text)
    except ValueError as error:
        raise ContentError(str(error), fix="such as 40m") from None
    if not 900.0 <= length_s <= DRILL_MAX_S:
        raise ContentError(f"{text} is beyond reason", fix="15m to 12h")
    return text


def faults(
    fault: Annotated[list[str] | None, typer.Argument(help="Only these; all if left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object by fault, with its JSON Schema.")] = False,
) -> None:
    """List the faults a drill may name: accepted causes, cures, and arguments with ranges and defaults."""
    from scenarios.fault_catalogue import cards
    from scenarios.loader import fault_models

    wanted = [_fault(name) for name in fault or []]
    found = [card for card in cards() if not wanted or card.fault in wanted]
    if as_json:
        models = fault_models()
        body = {card.fault: asdict(card) | {"schema": models[card.fault].model_json_schema()} for card in found}
        put(json.dumps(body, indent=2, ensure_ascii=False))
        return
    for card in found:
        put(f"{card.fault}  {card.does}")
        if card.harmless:
            put("  harmless   nothing is broken; leaving everything alone is right")
        put(f"  accepted   {', '.join(card.accepted)}")
        if card.near:
            put(f"  near       {', '.join(card.near)}")
        for title, lines in (("shows", card.shows), ("cured by", card.cures)):
            for index, line in enumerate(lines):
                put(f"  {title if index == 0 else '':<9}  {line}")
        for index, item in enumerate(card.arguments):
            default = "must be given" if item.default is None else f"default {item.default}"
            note = f"; {item.note}" if item.note else ""
            put(f"  {'with' if index == 0 else '':<9}  {item.name}: {item.takes}, {default}{note}")
        put("")
