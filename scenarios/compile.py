"""From a checked scenario and a seed to the plain data the simulator runs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from reference_platform.durations import parse_duration_s
from reference_platform.spec import PlatformSpec
from scenarios.loaded import LoadedScenario
from scenarios.overlay import lay_over
from scenarios.ranges import Draw, resolve_ranges
from scenarios.schema import FaultDocument, StepDocument
from simulator.drill.spec import DrillSpec, Person, PlannedFault, Step
from simulator.engine.streams import Streams


def to_drill(loaded: LoadedScenario, seed: int) -> DrillSpec:
    """The drill that `seed` makes of the scenario. Every range has its own stream, so adding one moves no other."""
    scenario, streams = loaded.scenario, Streams(seed)

    def drawn(prefix: str) -> Draw:
        return lambda path: float(streams.get("/".join(["scenario", prefix, *map(str, path)])).random())

    overlay = resolve_ranges(scenario.overlay, drawn("overlay"))
    platform = PlatformSpec.model_validate_json(json.dumps(lay_over(loaded.platform, overlay)), strict=True)
    return DrillSpec(
        scenario_id=scenario.id,
        title=scenario.title,
        level=scenario.level,
        family=scenario.family,
        brief=scenario.brief,
        judged=tuple(scenario.judged),
        platform=platform,
        calendar_offset_s=scenario.clock.starts,
        drill_s=scenario.clock.drill,
        joins=scenario.clock.joins,
        joins_by_s=scenario.clock.joins_by,
        faults=tuple(_planned(fault, drawn(stream)) for stream, fault in _streams(scenario.faults)),
        people=tuple(Person(item.name, item.role, item.knows, item.review_at) for item in scenario.people),
        hints=tuple(scenario.hints),
        runbooks=dict(scenario.runbooks),
        expert=to_steps(scenario.expert),
        source_text=loaded.source_text,
        source_name=loaded.source_name,
        components=dict(scenario.words.components),
        mechanisms=dict(scenario.words.mechanisms),
    )


def platform_at(loaded: LoadedScenario, share: float) -> PlatformSpec:
    """The platform with every range of the overlay drawn at the same share, 0..1, of its way."""
    overlay = resolve_ranges(loaded.scenario.overlay, lambda _: share)
    return PlatformSpec.model_validate_json(json.dumps(lay_over(loaded.platform, overlay)), strict=True)


def to_steps(steps: Iterable[StepDocument]) -> tuple[Step, ...]:
    """A script as the simulator's players take it."""
    return tuple(Step(item.command, item.wait) for item in steps)


def _streams(faults: Iterable[FaultDocument]) -> Iterator[tuple[str, FaultDocument]]:
    """Each fault with the name of its random stream: another fault in the file, wherever it stands, moves no draw."""
    seen: Counter[str] = Counter()
    for fault in faults:
        yield f"faults/{fault.fault}/{seen[fault.fault]}", fault
        seen[fault.fault] += 1


def _planned(fault: FaultDocument, draw: Draw) -> PlannedFault:
    written: dict[str, JsonValue] = {"at": fault.delay, "with": fault.params}
    resolved = resolve_ranges(written, draw)
    assert isinstance(resolved, dict), "a mapping stays a mapping"
    params = resolved["with"]
    assert isinstance(params, dict), "a mapping stays a mapping"
    return PlannedFault(
        fault.fault,
        parse_duration_s(resolved["at"]),
        params,
        after_join=fault.after_join,
        cause=fault.cause,
        accepted=tuple(fault.accepted),
        near=tuple(fault.near),
    )
