"""`scenarios prove`: what a drill must show before anybody practises with it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reference_platform.errors import ContentError
from tui.commands.arguments import complete_scenario
from tui.narration import columns, progress, put, say

if TYPE_CHECKING:
    from scenarios.loaded import LoadedScenario
    from scenarios.prove import Proof

EXIT_FELL_SHORT = 1
OPENING_WEIGHT = 3.0


def prove(
    scenario: Annotated[str, typer.Argument(help="Id or path of a drill.", autocompletion=complete_scenario)],
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Prove it for seeds 1 to N.")] = 3,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes at a time; the cores if left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Play a drill with its expert, its wrong turns and every cheat. Exit code 1 when a proof fails."""
    from scenarios.lint import lint
    from scenarios.loader import load_scenario

    problems = lint(scenario)
    if problems:
        more = f"\n{len(problems) - 1} more: pagerdrill scenarios lint {scenario}" if len(problems) > 1 else ""
        raise ContentError(f"{problems[0]}{more}")
    loaded = load_scenario(scenario)
    found = _proofs(loaded, range(1, seeds + 1), workers or os.cpu_count() or 1)
    failed = [proof for proof in found if not proof.holds]
    if as_json:
        body = {"scenario": loaded.scenario.id, "seeds": seeds, "proven": not failed}
        put(json.dumps(body | {"proofs": [asdict(proof) for proof in found]}, ensure_ascii=False))
    else:
        put(_report(loaded, found))
    if failed:
        say(f"{len({proof.what for proof in failed})} proofs fail")
        raise typer.Exit(EXIT_FELL_SHORT)
    say(f"{loaded.scenario.id} is proven for {seeds} seed{'s' if seeds > 1 else ''}")


def _proofs(loaded: LoadedScenario, seeds: range, workers: int) -> list[Proof]:
    from scenarios.fleet_process import run_apart
    from scenarios.prove import proofs, request
    from tui.platform_image import prepare_image

    prepare_image()
    nights = [request(loaded, seed) for seed in seeds]
    opened: dict[int, dict[str, Any]] = {}
    outcomes: dict[int, dict[str, dict[str, Any]]] = {index: {} for index in range(len(nights))}
    shares = dict.fromkeys(outcomes, 0.0)
    total = sum(OPENING_WEIGHT + len(night.tasks) for night in nights)
    with progress(f"prove {loaded.scenario.id}") as report:
        for message in run_apart(nights, workers):
            shares[message.night] = max(shares[message.night], message.share, float(message.night in opened))
            if message.outcome is not None and message.task is None:
                opened[message.night] = message.outcome
            elif message.outcome is not None and message.task is not None:
                outcomes[message.night][nights[message.night].tasks[message.task].name] = message.outcome
            done = OPENING_WEIGHT * sum(shares.values()) + sum(map(len, outcomes.values()))
            report(done / total, "playing")
    ordered = {  # as the request has them, whatever came first
        index: {task.name: outcomes[index][task.name] for task in night.tasks if task.name in outcomes[index]}
        for index, night in enumerate(nights)
    }
    return [proof for index, night in enumerate(nights) for proof in proofs(night, opened[index], ordered[index])]


def _report(loaded: LoadedScenario, found: list[Proof]) -> str:
    from scenarios.prove import summary

    parts = [f"{loaded.scenario.id}: {loaded.source_name}\n"]
    parts.append(columns([("", "PROOF", "SEEDS", "FOUND"), *summary(found)]))
    told: set[str] = set()
    for proof in found:
        if not proof.holds and proof.what not in told:
            told.add(proof.what)
            parts.append(f"\n{proof.what} - fails on seed {proof.seed}: {proof.found}\n  {proof.fix}")
    return "\n".join(parts)
