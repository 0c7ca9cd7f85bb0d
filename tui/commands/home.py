"""The home screen of bare `pagerdrill`, the list of runs, and their verification."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

import typer

from tui.commands.arguments import complete_run
from tui.narration import columns, progress, put, say
from tui.runs import RunEntry

_RECENT = 5
EXIT_FELL_SHORT = 1

runs_app = typer.Typer(help="List your runs, and verify them.", rich_markup_mode=None)
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]


def home() -> None:
    """What there is to play, what was played, what to type."""
    from scenarios.library import entries

    runs = _listed()
    best = _best(runs)
    put("PagerDrill: on-call practice for machine learning platforms\n")
    rows = [(f"  {item.scenario_id}", item.level, item.title, best.get(item.scenario_id, "")) for item in entries()]
    put(columns([("  DRILL", "LEVEL", "TITLE", "BEST"), *rows]))
    if runs:
        put("\nLast runs")
        put(_table(runs[:_RECENT]))
    put("\nType")
    lines = [("  pagerdrill practice", "the next drill"), ("  pagerdrill practice DRILL", "that one")]
    if any(entry.unfinished for entry in runs):
        lines.append(("  pagerdrill resume", "go on where you were interrupted"))
    if any(entry.own and not entry.counts for entry in runs):
        lines.append(("  pagerdrill runs verify", "run what is not verified again, so that it counts"))
    lines += [("  pagerdrill doctor", "is this machine ready?"), ("  pagerdrill --help", "everything else")]
    put(columns(lines))


def _best(runs: Sequence[RunEntry]) -> dict[str, str]:
    """The best verified outcome of each drill, and beside it a better one that is not verified."""
    verified: dict[str, RunEntry] = {}
    claimed: dict[str, RunEntry] = {}
    for entry in sorted(runs, key=lambda item: item.score or -1.0):
        if entry.own:
            (verified if entry.counts else claimed)[entry.scenario_id] = entry
    said = {drill: [_outcome(entry)] for drill, entry in verified.items()}
    for drill, entry in claimed.items():
        if drill not in verified or (entry.score or 0.0) > (verified[drill].score or 0.0):
            said.setdefault(drill, []).append(f"not verified: {_outcome(entry)}")
    return {drill: "; ".join(parts) for drill, parts in said.items()}


@runs_app.callback(invoke_without_command=True)
def runs(context: typer.Context, as_json: Json = False) -> None:
    """List your runs, newest first. Verdicts are this program's own, from the events of each run."""
    if context.invoked_subcommand is not None:
        return
    found = _listed()
    if not as_json:
        put_runs(found)
        return
    for entry in found:
        put(json.dumps(_fields(entry)))


@runs_app.command("verify")
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN", help="Runs to check; all not verified yet if left out.", autocompletion=complete_run
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run finished runs again: do their events follow from their commands? Exit code 1 when one's do not, or a file
    was edited or damaged."""
    from tui import backend
    from tui.runs import entries_of, find_run

    if names:
        paths = [find_run(name) for name in names]
    else:
        paths = [entry.path for entry in _listed() if entry.damaged or (entry.finished and entry.check is None)]
    if not paths:
        say("nothing left to verify")
    worst = 0
    for path in paths:
        check, why = backend.verify(path)
        entry = next(iter(entries_of([path])), None)
        if check == "contradicted" or entry is None or entry.damaged:
            worst = EXIT_FELL_SHORT
        if as_json:
            put(json.dumps({"run": str(path), "check": check, "why": why or None}))
        else:
            known = entry is not None and entry.damaged
            put(f"{path.stem}: {entry.standing if entry else 'no run'}{f' ({why})' if why and not known else ''}")
    raise typer.Exit(worst)


def _listed() -> list[RunEntry]:
    from tui.runs import list_runs

    with progress("runs") as report:
        return list_runs(on_progress=report)


def _fields(entry: RunEntry) -> dict[str, object]:
    judged = entry.judged
    return {
        "run": str(entry.path),
        "scenario": judged.scenario_id,
        "seed": judged.seed,
        "player": judged.player,
        "kind": judged.kind,
        "mode": judged.mode,
        "fork_of": judged.forked_from or None,
        "finished": entry.finished,
        "verdict": entry.verdict or None,
        "score": entry.score,
        "check": entry.check,
        "drill": judged.origin,
        "standing": entry.standing,
    }


def put_runs(found: Sequence[RunEntry]) -> None:
    """A table of runs, or a sentence when there are none."""
    if not found:
        say("no runs yet; start one: pagerdrill practice")
        return
    put(_table(found))


def _table(found: Sequence[RunEntry]) -> str:
    from tui.present.cells import clean

    rows = [(f"  {item.path.stem}", item.player, item.judged.mode, _outcome(item), item.standing) for item in found]
    heads = ("  RUN", "PLAYER", "MODE", "OUTCOME", "CHECKED")
    return columns([heads, *(tuple(clean(cell) for cell in row) for row in rows)])


def _outcome(entry: RunEntry) -> str:
    from tui.commands.headless import BANDS

    if not entry.finished:
        return entry.judged.state
    if entry.contradicted:
        return "none"
    points = "" if entry.score is None else f" ({entry.score:.0f})"
    return BANDS.get(entry.verdict, entry.verdict or "finished") + points
