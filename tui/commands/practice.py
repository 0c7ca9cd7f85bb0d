"""`practice` and `resume`: a person plays."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from reference_platform.errors import ConfigError, ContentError
from tui.commands.arguments import complete_run, complete_scenario
from tui.narration import say
from tui.show import Show

FIRST_DRILL = "gateway-504-at-3am"

Interview = Annotated[bool, typer.Option("--interview", help="As in an interview: no pause, no hints, no speed-up.")]
Speed = Annotated[int, typer.Option(help="Simulated seconds per second at the start: 1, 2, 5, 10 or 60.")]
Plain = Annotated[bool, typer.Option("--plain", help="Line mode: no screen control, for screen readers and pipes.")]
Ascii = Annotated[bool, typer.Option("--ascii", help="Draw with ASCII only.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colour; NO_COLOR in the environment does the same.")]


def practice(
    scenario: Annotated[
        str | None, typer.Argument(help="Id or path of a drill.", autocompletion=complete_scenario)
    ] = None,
    interview: Interview = False,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another night.")] = 1,
    speed: Speed = 1,
    plain: Plain = False,
    ascii_only: Ascii = False,
    no_color: NoColor = False,
    resume_run: Annotated[
        str | None, typer.Option("--resume", metavar="RUN", help="Go on with an unfinished run.")
    ] = None,
) -> None:
    """Start a drill; without SCENARIO, the next one you have not finished."""
    from tui import backend

    show = _show(interview=interview, speed=speed, plain=plain, ascii_only=ascii_only, no_color=no_color)
    if resume_run is not None:
        if scenario is not None:
            raise ContentError("--resume goes without SCENARIO", fix="the run knows its drill: pagerdrill resume RUN")
        backend.resume(_unfinished(resume_run), show)
        return
    backend.practice(scenario or _next_drill(), seed, show)


def resume(
    run: Annotated[
        str | None, typer.Argument(help="Name or path of a run; the latest if left out.", autocompletion=complete_run)
    ] = None,
    list_only: Annotated[bool, typer.Option("--list", help="List the unfinished runs and stop.")] = False,
    speed: Speed = 1,
    plain: Plain = False,
    ascii_only: Ascii = False,
    no_color: NoColor = False,
) -> None:
    """Go on with a run that was interrupted."""
    from tui import backend
    from tui.commands.home import put_runs
    from tui.runs import list_runs

    unfinished = [entry for entry in list_runs() if entry.unfinished]
    if list_only:
        put_runs(unfinished)
        return
    if run is None and not unfinished:
        raise ContentError("no unfinished run", fix="start one: pagerdrill practice")
    path = unfinished[0].path if run is None else _unfinished(run)
    say(f"going on with {path.stem}")
    show = _show(interview=False, speed=speed, plain=plain, ascii_only=ascii_only, no_color=no_color)
    backend.resume(path, show)


def _show(*, interview: bool, speed: int, plain: bool, ascii_only: bool, no_color: bool) -> Show:
    from tui.present.front_commands import SPEEDS

    if not plain and not (sys.stdin.isatty() and sys.stdout.isatty()):
        say("this is no terminal: using --plain")
        plain = True
    if speed not in SPEEDS:
        raise ConfigError(
            f"--speed {speed} is not one of the clock's speeds", fix="valid: " + ", ".join(map(str, SPEEDS))
        )
    if interview and speed != 1:
        raise ConfigError("--interview runs at the speed of life", fix="leave --speed out")
    return Show(interview, speed, plain, ascii_only, no_color)


def _next_drill() -> str:
    from scenarios.library import entries
    from tui.runs import list_runs

    done = {entry.scenario_id for entry in list_runs() if entry.own}
    known = [entry.scenario_id for entry in entries()]
    order = sorted(known, key=lambda name: (name in done, name != FIRST_DRILL))
    if not order:
        raise ContentError("the library holds no drill", fix="install pagerdrill again")
    return order[0]


def _unfinished(ref: str) -> Path:
    from tui.runs import entries_of, find_run

    path = find_run(ref)
    if any(entry.finished for entry in entries_of([path])):
        fix = f"look back: pagerdrill replay {ref}   go on from a moment: pagerdrill replay {ref} --fork 12m"
        raise ContentError("this run is finished", where=str(path), fix=fix)
    return path
