"""What is wrong with scripts and faults before they run: lines that are no command, names that lead nowhere."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from reference_platform.errors import CommandError, ContentError, nearest
from scenarios.compile import platform_at
from scenarios.lint_platform import names_of
from scenarios.lint_queries import query_faults
from scenarios.loaded import LoadedScenario
from scenarios.places import Path, problem, problem_within
from scenarios.schema import StepDocument
from scenarios.shipped_names import registry
from simulator.faults.deployment import ModelUpdate
from simulator.plant.metric_table import DEPLOYMENT, ROUTE, VIEW

QUERIES = ("metrics", "compare", "alerts add", "alerts test")
_WORKLOAD = re.compile(r"\b(?:deployments?|deploy|statefulsets?|sts|jobs?)[/ ]([A-Za-z0-9][A-Za-z0-9-]*)")
_JOB = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?")


def script_problems(loaded: LoadedScenario) -> Iterator[ContentError]:
    """Lines of the expert and of every detour."""
    scenario = loaded.scenario
    scripts: list[tuple[list[str | int], Sequence[StepDocument]]] = [(["expert"], scenario.expert)]
    for key, detours in (("wrong_turns", scenario.wrong_turns), ("other_fixes", scenario.other_fixes)):
        seen: set[str] = set()
        for index, item in enumerate(detours):
            scripts.append(([key, index, "steps"], item.steps))
            if item.name in seen:
                yield problem(loaded, [key, index, "name"], f'"{item.name}" is there twice', "rename one of them")
            seen.add(item.name)
    names = names_of(loaded)
    for path, steps in scripts:
        for index, step in enumerate(steps):
            if step.command:
                yield from _line(loaded, [*path, index], step.command, names)
        if path == ["expert"]:
            yield from _fits(loaded, steps)


def _fits(loaded: LoadedScenario, steps: Iterable[StepDocument]) -> Iterator[ContentError]:
    from simulator.players.play import THINK_S
    from simulator.shell.run import understand

    took_s = sum(step.wait if not step.command else THINK_S + understand(step.command).takes_s for step in steps)
    if took_s >= loaded.scenario.clock.drill:
        what = f"the expert takes {took_s:.0f} s; the drill has {loaded.scenario.clock.drill:.0f} s"
        yield problem(loaded, ["expert"], what, "shorten the waits, or give the drill more time")


def _line(
    loaded: LoadedScenario, path: Path, line: str, names: Mapping[str, Collection[str]]
) -> Iterator[ContentError]:
    from simulator.shell.registry import find
    from simulator.shell.run import understand

    typed = understand(line)
    if typed.problem is not None or typed.command is None:
        assert typed.problem is not None, "a line that is no command says why"
        yield problem(loaded, path, typed.problem.what, typed.problem.fix)
        return
    _, rest = find(typed.stages[0])
    verb = " ".join(typed.command.words)
    if verb in QUERIES:
        yield from _query(loaded, path, line, verb, " ".join(rest), names)
    if verb == "ask":
        yield from _person(loaded, path, " ".join(rest))
    if verb == "runbook" and rest and " ".join(rest) not in loaded.scenario.runbooks:
        fix = nearest(" ".join(rest), loaded.scenario.runbooks)
        yield problem(loaded, path, f'no runbook "{" ".join(rest)}"', fix)
    if verb.startswith("kubectl"):
        for match in _WORKLOAD.finditer(line):
            if match[1] not in names[DEPLOYMENT]:
                yield problem_within(loaded, path, line, match.start(1) + 1, f'no deployment "{match[1]}"',
                                     nearest(match[1], names[DEPLOYMENT]))  # fmt: skip


def _query(
    loaded: LoadedScenario, path: Path, line: str, verb: str, raw: str, names: Mapping[str, Collection[str]]
) -> Iterator[ContentError]:
    from simulator.shell.free_text import unquoted
    from simulator.shell.query import without_flags

    flags = ("for", "severity", "component", "summary", "range", "offset", "step")
    try:
        text, _ = without_flags(raw, flags, verb)
    except CommandError as error:
        yield problem(loaded, path, error.what, error.fix)
        return
    if verb == "alerts add":
        text = text.partition(" ")[2]
    text = unquoted(text)
    if not text:
        return
    begins = line.find(text)
    for fault in query_faults(text, names, alert=verb.startswith("alerts")):
        if begins < 0:
            yield problem(loaded, path, fault.what, fault.fix)
        else:
            yield problem_within(loaded, path, line, begins + fault.column, fault.what, fault.fix)


def _person(loaded: LoadedScenario, path: Path, words: str) -> Iterator[ContentError]:
    people = loaded.scenario.people
    titles = [title.lower() for person in people for title in (person.name, person.role)]
    said = words.lower().lstrip("@")
    if not any(said.startswith(title) and not said[len(title) : len(title) + 1].isalnum() for title in titles):
        word = (words.split() or [""])[0]
        yield problem(loaded, path, f'nobody here is called "{word}"', nearest(word, [item.name for item in people]))


def fault_problems(loaded: LoadedScenario) -> Iterator[ContentError]:
    """Parameters of faults that name what the platform has not."""
    spec, names = platform_at(loaded, 0.0), names_of(loaded)
    deployed = {item.name: item for item in spec.deployments}
    known: Mapping[str, Collection[str]] = {
        "deployment": [item.name for item in spec.deployments if item.model],
        "view": names[VIEW],
        "route": [*names[ROUTE], ""],
    }
    jobs: set[str] = set()
    for index, fault in enumerate(loaded.scenario.faults):
        at: list[str | int] = ["faults", index, "with"]
        for key, values in known.items():
            given = fault.params.get(key)
            if isinstance(given, str) and given not in values:
                what = f'no {key} "{given}"' if key != "deployment" else f'no model server "{given}"'
                yield problem(loaded, [*at, key], what, nearest(given, values))
        if fault.fault == "deployment.model_update":
            given = {name: fault.params.get(name, field.default) for name, field in ModelUpdate.model_fields.items()}
            name, version = str(given["deployment"]), given["version"]
            model = deployed[name].model if name in deployed else ""
            if model in registry().names() and isinstance(version, int):
                versions = [item.version for item in registry().versions(model)]
                if version not in versions:
                    fix = f"there is {', '.join(map(str, versions))}"
                    yield problem(loaded, [*at, "version"], f"{model} has no version {version}", fix)
        if fault.fault == "online_store.connection_leak":
            yield from _job(loaded, at, str(fault.params.get("job", "loyalty-export")), deployed, jobs)


def _job(
    loaded: LoadedScenario, path: list[str | int], job: str, deployed: Collection[str], jobs: set[str]
) -> Iterator[ContentError]:
    if not _JOB.fullmatch(job):
        fix = "use small letters, digits and hyphens, such as loyalty-export"
        yield problem(loaded, [*path, "job"], f'"{job}" is no name of a job', fix)
    if job in deployed or job in jobs:
        yield problem(loaded, [*path, "job"], f'"{job}" runs already', "give this job another name")
    jobs.add(job)
