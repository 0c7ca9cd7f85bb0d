"""The home screen of bare `pagerdrill`, and the list of runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

import typer

from tui.narration import columns, put, say
from tui.runs import RunEntry

_RECENT = 5


def home() -> None:
    """What there is to play, what was played, what to type."""
    from scenarios.library import entries
    from tui.runs import list_runs

    runs = list_runs()
    best: dict[str, str] = {}
    for entry in sorted(runs, key=lambda item: item.score or -1.0):
        if entry.finished:
            best[entry.scenario_id] = _outcome(entry)
    put("PagerDrill: on-call practice for machine learning platforms\n")
    rows = [(f"  {item.scenario_id}", item.level, item.title, best.get(item.scenario_id, "")) for item in entries()]
    put(columns([("  DRILL", "LEVEL", "TITLE", "BEST"), *rows]))
    if runs:
        put("\nLast runs")
        put(_table(runs[:_RECENT]))
    put("\nType")
    lines = [("  pagerdrill practice", "the next drill"), ("  pagerdrill practice DRILL", "that one")]
    if any(not entry.finished for entry in runs):
        lines.append(("  pagerdrill resume", "go on where you were interrupted"))
    lines += [("  pagerdrill doctor", "is this machine ready?"), ("  pagerdrill --help", "everything else")]
    put(columns(lines))


def runs(as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False) -> None:
    """List your runs, newest first."""
    from tui.runs import list_runs

    found = list_runs()
    if as_json:
        for entry in found:
            put(
                json.dumps(
                    {
                        "run": str(entry.path),
                        "scenario": entry.scenario_id,
                        "seed": entry.seed,
                        "player": entry.player,
                        "mode": entry.mode,
                        "finished": entry.finished,
                        "verdict": entry.verdict or None,
                        "score": entry.score,
                    }
                )
            )
        return
    put_runs(found)


def put_runs(found: Sequence[RunEntry]) -> None:
    """A table of runs, or a sentence when there are none."""
    if not found:
        say("no runs yet; start one: pagerdrill practice")
        return
    put(_table(found))


def _table(found: Sequence[RunEntry]) -> str:
    rows = [(f"  {item.path.stem}", item.player, item.mode, _outcome(item)) for item in found]
    return columns([("  RUN", "PLAYER", "MODE", "OUTCOME"), *rows])


def _outcome(entry: RunEntry) -> str:
    from tui.commands.headless import BANDS

    if not entry.finished:
        return "unfinished"
    points = "" if entry.score is None else f" ({entry.score:.0f})"
    return BANDS.get(entry.verdict, entry.verdict or "finished") + points
