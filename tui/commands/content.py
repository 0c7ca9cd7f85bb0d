"""`scenarios` and `rubrics`: what instructors write."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from tui.commands.arguments import complete_scenario
from tui.narration import columns, put, say

EXIT_PROBLEMS = 2

scenarios_app = typer.Typer(help="Drills: list, show, check.", rich_markup_mode=None)
rubrics_app = typer.Typer(help="How drills are judged.", rich_markup_mode=None)


@scenarios_app.command("list")
def list_scenarios(as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False) -> None:
    """List the drills that ship."""
    from scenarios.library import entries

    found = entries()
    if as_json:
        for item in found:
            put(
                json.dumps(
                    {
                        "id": item.scenario_id,
                        "level": item.level,
                        "family": item.family,
                        "title": item.title,
                        "path": str(item.path),
                    }
                )
            )
        return
    rows = [(item.scenario_id, item.level, item.family, item.title) for item in found]
    put(columns([("DRILL", "LEVEL", "FAMILY", "TITLE"), *rows]))


@scenarios_app.command("show")
def show_scenario(
    scenario: Annotated[str, typer.Argument(help="Id or path of a drill.", autocompletion=complete_scenario)],
    spoilers: Annotated[
        bool, typer.Option("--spoilers", help="The whole file, with faults, hints and solution.")
    ] = False,
) -> None:
    """Show what a drill is about, without giving it away."""
    from reference_platform.durations import format_duration
    from scenarios.loader import load_scenario

    loaded = load_scenario(scenario)
    if spoilers:
        put(loaded.source_text.rstrip("\n"))
        return
    found = loaded.scenario
    rows = [
        ("id", found.id),
        ("title", found.title),
        ("level", found.level),
        ("family", found.family),
        ("platform", found.platform),
        ("length", format_duration(found.clock.drill)),
        ("hints", str(len(found.hints))),
        ("people", ", ".join(f"{item.name} ({item.role})" for item in found.people)),
        ("file", loaded.source_name),
    ]
    put(columns(rows))
    put("\n" + found.brief.strip())


@scenarios_app.command("lint")
def lint_scenarios(
    scenarios: Annotated[
        list[str] | None, typer.Argument(help="Ids, files or folders; the library if left out.")
    ] = None,
) -> None:
    """Check drills without running them. Exit code 2 when something is wrong."""
    from scenarios.lint import lint, lint_library

    problems = [problem for ref in scenarios for problem in lint(ref)] if scenarios else lint_library()
    for problem in problems:
        put(str(problem))
    if problems:
        say(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}")
        raise typer.Exit(EXIT_PROBLEMS)
    say("no problems")


@scenarios_app.command("schema")
def scenario_schema() -> None:
    """Print the JSON Schema of a drill, for an editor."""
    from scenarios.json_schema import scenario_schema

    put(json.dumps(scenario_schema(), indent=2))


@rubrics_app.command("list")
def list_rubrics() -> None:
    """List the rubrics that ship."""
    from rubrics.loader import LIBRARY, load_rubric

    found = [load_rubric(path) for path in sorted(LIBRARY.glob("*.yaml"))]
    put(columns([("RUBRIC", "TITLE"), *((item.id, item.title) for item in found)]))


@rubrics_app.command("show")
def show_rubric(
    rubric: Annotated[str, typer.Argument(help="Id or path of a rubric.")] = "incident",
) -> None:
    """Show what a rubric asks, its points, and what must never happen."""
    from rubrics.loader import load_rubric
    from tui.commands.arguments import rubric_path

    found = load_rubric(rubric_path(rubric))
    put(f"{found.id}: {found.title}\n")
    rows = [(f"{item.points:g}", "critical" if item.critical else "", item.title, item.asks) for item in found.criteria]
    put(columns([("POINTS", "", "CRITERION", "ASKS"), *rows]))
    put("\nRed flags")
    put(columns([(f"  {item.level}", item.title, item.why) for item in found.red_flags]))


@rubrics_app.command("schema")
def rubric_schema() -> None:
    """Print the JSON Schema of a rubric, for an editor."""
    from rubrics.schema import Rubric

    put(json.dumps(Rubric.model_json_schema(by_alias=True), indent=2))
