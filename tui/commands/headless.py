"""`play`, `replay` and `score`: runs without a person at the keyboard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from reference_platform.errors import ContentError
from tui.commands.arguments import check_target, complete_player, complete_run, complete_scenario, duration_s
from tui.narration import columns, put, say

EXIT_FELL_SHORT = 1
BANDS = {"strong": "Strong Hire", "lean": "Lean Hire", "no": "No Hire"}

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Run = Annotated[str, typer.Argument(metavar="RUN", help="Path or name of a run.", autocompletion=complete_run)]


def play(
    scenario: Annotated[str, typer.Argument(help="Id or path of a drill.", autocompletion=complete_scenario)],
    player: Annotated[
        str,
        typer.Option(
            help="expert, idle, panic, the name of a cheat, or a script PLAYER.yaml.", autocompletion=complete_player
        ),
    ],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the night.")] = 1,
    as_json: Json = False,
    out: Annotated[Path | None, typer.Option(help="Keep the run as this file.")] = None,
) -> None:
    """Let a scripted responder play a drill. Exit code 1 when the verdict is No Hire."""
    from tui import backend

    check_target(out)
    _put_verdict(backend.play(scenario, player, seed, out), as_json)


def replay(
    run: Run,
    at: Annotated[str | None, typer.Option(metavar="T", help="Show the room at T after joining, such as 12m.")] = None,
    fork: Annotated[str | None, typer.Option(metavar="T", help="Play on by hand from T after joining.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Line mode.")] = False,
    as_json: Json = False,
) -> None:
    """Run a run again, verify its digest and score it anew."""
    from tui import backend
    from tui.runs import find_run

    if at is not None and fork is not None:
        raise ContentError("--at and --fork exclude each other", fix="leave one out")
    path = find_run(run)
    at_s, fork_s = duration_s(at, "--at"), duration_s(fork, "--fork")
    if fork_s is not None:
        backend.fork(path, fork_s, plain=plain)
    elif at_s is not None:
        put(backend.room_at(path, at_s))
    else:
        verdict, check = backend.replay(path)
        say(f"{check}: {verdict['digest']}")
        _put_verdict(verdict, as_json)


def score(
    run: Run,
    rubric: Annotated[str | None, typer.Option(help="Id or path of a rubric; the drill's own if left out.")] = None,
    as_json: Json = False,
) -> None:
    """Score a finished run from its event log alone. Exit code 1 when the verdict is No Hire."""
    from tui import backend
    from tui.runs import entries_of, find_run

    path = find_run(run)
    verdict = backend.score(path, rubric)
    for entry in entries_of([path]):
        say(f"{path.stem}: {entry.standing}")
    if as_json:
        _put_verdict(verdict, as_json)
        return
    put(backend.debrief(path, rubric))
    _exit_of(verdict)


def _put_verdict(verdict: Mapping[str, object], as_json: bool) -> None:
    if as_json:
        put(json.dumps(verdict, allow_nan=False))
    else:
        put(_readable(verdict))
    _exit_of(verdict)


def _exit_of(verdict: Mapping[str, object]) -> None:
    if verdict["verdict"] == "no":
        raise typer.Exit(EXIT_FELL_SHORT)


def _readable(verdict: Mapping[str, object]) -> str:
    from reference_platform.durations import format_duration

    def shown(key: str, value: object) -> str:
        if key == "verdict":
            return BANDS.get(str(value), str(value))
        if value is None:
            return "did not happen"
        if key.endswith("_s") and isinstance(value, int | float):
            return f"{value:.2f} s" if key == "wall_s" else format_duration(value)
        return f"{value:,}" if isinstance(value, int | float) and key != "seed" else str(value)

    return columns([(key, shown(key, value)) for key, value in verdict.items()])
