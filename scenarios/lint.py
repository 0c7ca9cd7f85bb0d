"""Everything wrong with scenario files, as messages; nothing here runs a simulation.

A file without problems opens, plays and ends, whatever the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from reference_platform.documents import read_text
from reference_platform.errors import ContentError, PagerDrillError
from scenarios.library import entries, find, library_dir, scenario_files
from scenarios.lint_platform import platform_problems
from scenarios.lint_scripts import fault_problems, script_problems
from scenarios.lint_words import name_problems, text_problems, time_problems
from scenarios.loaded import LoadedScenario
from scenarios.loader import read_scenario_text
from scenarios.places import problem

LINES_MAX = 80
Check = Callable[[LoadedScenario], Iterator[PagerDrillError]]


def lint(ref: str) -> list[PagerDrillError]:
    """Problems of the scenario `ref` names, or of every scenario in the folder `ref`; empty when there are none."""
    folder = Path(ref).expanduser()
    if not folder.is_dir():
        return _lint_one(ref)
    problems = [problem for path in scenario_files(folder) for problem in _lint_one(str(path))]
    return problems + _duplicate_ids(folder)


def lint_library() -> list[PagerDrillError]:
    """Problems of the scenarios that ship."""
    return lint(str(library_dir()))


def _lint_one(ref: str) -> list[PagerDrillError]:
    try:
        path = find(ref)
        loaded = read_scenario_text(read_text(path), str(path))
    except ContentError as error:
        return [error]
    found = [problem for check in _FIRST for problem in check(loaded)]
    # Names are looked up on a platform that is whole; without one, more messages would only repeat the first.
    return found or [problem for check in _THEN for problem in check(loaded)]


def _duplicate_ids(folder: Path) -> list[PagerDrillError]:
    if folder.resolve() != library_dir().resolve():
        return []
    try:
        entries(folder)
    except ContentError as error:
        return [error]
    return []


def _late_faults(loaded: LoadedScenario) -> Iterator[PagerDrillError]:
    """A fault after the end of the drill never shows."""
    from scenarios.compile import to_drill

    clock = loaded.scenario.clock
    for index, fault in enumerate(to_drill(loaded, seed=1).faults):
        if fault.at_s >= (0.0 if fault.after_join else clock.joins_by) + clock.drill:
            yield problem(
                loaded,
                ["faults", index, "at"],
                "this fault begins after the drill is over",
                "begin it before joins_by + drill, or within drill when it counts from the joining",
            )


def _short(loaded: LoadedScenario) -> Iterator[PagerDrillError]:
    lines = loaded.source_text.count("\n")
    if lines > LINES_MAX:
        yield problem(
            loaded,
            [],
            f"{lines} lines; a scenario has at most {LINES_MAX}",
            "leave telemetry to the simulation and shorten the texts",
        )


def _expert(loaded: LoadedScenario) -> Iterator[PagerDrillError]:
    if not loaded.scenario.expert:
        yield problem(loaded, [], "no expert script", 'add "expert:", the commands of somebody who solves it well')


_FIRST: tuple[Check, ...] = (text_problems, platform_problems)
_THEN: tuple[Check, ...] = (
    time_problems,
    name_problems,
    fault_problems,
    script_problems,
    _late_faults,
    _short,
    _expert,
)
