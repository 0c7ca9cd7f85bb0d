"""What is wrong with the words and times of a scenario: nothing to read, what no terminal shows, beyond reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from reference_platform.documents import load_document
from reference_platform.durations import format_duration, parse_duration_s
from reference_platform.errors import ContentError, nearest
from scenarios.compile import platform_at
from scenarios.loaded import LoadedScenario, RawDocument
from scenarios.places import problem
from scenarios.ranges import resolve_ranges
from scenarios.schema import Scenario, StepDocument
from simulator.drill.spec import SPAN_MAX_S

DRILL_MIN_S, DRILL_MAX_S = 60.0, 12 * 3600.0
JOINS_BY_MAX_S = 14 * 86400.0
REQUESTS_MAX = 60e6
"""A night of so many requests takes minutes to open on one core."""
TIMES_MAX_S = {
    **dict.fromkeys(("startup",), 3600.0),
    **dict.fromkeys(("hold", "cache_ttl"), 86400.0),
    **dict.fromkeys(("deadline", "latency_slo", "backoff", "acquire_timeout"), 60.0),
    **dict.fromkeys(("max_delay", "launch", "base", "per_item", "read"), 10.0),
}
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
_ONE_LINE = ("title", "name", "role", "family", "level", "fault", "platform", "id")


def text_problems(loaded: LoadedScenario) -> Iterator[ContentError]:
    """Control characters anywhere, blank texts, and line breaks where one line is shown."""
    for path, text in _texts(_document(loaded)):
        bad = _CONTROL.search(text)
        if bad is not None:
            what = f"a control character, U+{ord(bad[0]):04X}, at character {bad.start() + 1}"
            yield problem(loaded, path, what, "remove it; terminals would act on it or hide text")
        if text and not text.strip():
            yield problem(loaded, path, "only blanks", "write something, or leave the key out")
        if path[-1] in _ONE_LINE and "\n" in text.strip("\n"):
            yield problem(loaded, path, f"{path[-1]} is one line", "remove the line break")


def _document(loaded: LoadedScenario) -> dict[str, JsonValue]:
    return load_document(loaded.source_text, RawDocument, loaded.source_name).root


def _texts(value: JsonValue, path: tuple[str | int, ...] = ()) -> Iterator[tuple[Sequence[str | int], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            if _CONTROL.search(key):
                yield (*path, key), key
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))


def name_problems(loaded: LoadedScenario) -> Iterator[ContentError]:
    """People, hints and criteria."""
    from rubrics.loader import incident_rubric

    scenario = loaded.scenario
    for key, names in (("people", [item.name.lower() for item in scenario.people]), ("hints", scenario.hints)):
        for index, name in enumerate(names):
            if name in names[:index]:
                what = f'{key}: "{name[:40]}" is there twice'
                yield problem(loaded, [key, index], what, "keep one of them, or tell them apart")
    criteria = [item.id for item in incident_rubric().criteria]
    for index, name in enumerate(scenario.judged):
        if name not in criteria:
            yield problem(loaded, ["judged", index], f'no criterion "{name}"', nearest(name, criteria))
    if scenario.clock.joins == "complaint" and not any(person.review_at is not None for person in scenario.people):
        fix = "give somebody under people a review_at, or write joins: first_page"
        yield problem(loaded, ["clock", "joins"], "nobody will complain", fix)
    for index, person in enumerate(scenario.people):
        if person.review_at is not None and person.review_at > scenario.clock.joins_by:
            what = f"{person.name} complains after clock.joins_by"
            yield problem(loaded, ["people", index, "review_at"], what, "bring it forward, or joins_by back")


def time_problems(loaded: LoadedScenario) -> Iterator[ContentError]:
    """Durations beyond reason, and nights that would take too long to play."""
    clock = loaded.scenario.clock
    for key, value_s, low_s, high_s in (
        ("drill", clock.drill, DRILL_MIN_S, DRILL_MAX_S),
        ("joins_by", clock.joins_by, DRILL_MIN_S, JOINS_BY_MAX_S),
    ):
        if not low_s <= value_s <= high_s:
            what = f"{key}: {format_duration(value_s)} is beyond reason"
            yield problem(loaded, ["clock", key], what, f"{format_duration(low_s)} to {format_duration(high_s)}")
            return
    spec = platform_at(loaded, 1.0)
    requests = spec.traffic.requests_per_s * (clock.joins_by + clock.drill)
    if requests > REQUESTS_MAX:
        most = f"{REQUESTS_MAX / 1e6:.0f}"
        what = f"{requests / 1e6:.0f} million requests until joins_by and through the drill; at most {most}"
        yield problem(loaded, ["clock", "joins_by"], what, "lower traffic.requests_per_s, or join earlier")
    yield from _instants(loaded)
    for path, steps in _scripts(loaded.scenario):
        for index, step in enumerate(steps):
            if step.wait > clock.drill:
                yield problem(loaded, [*path, index, "wait"], "this wait is longer than the drill", "shorten it")
    yield from _platform_times(loaded)


def _instants(loaded: LoadedScenario) -> Iterator[ContentError]:
    """What a run file cannot hold: it refuses times beyond SPAN_MAX_S."""
    scenario = loaded.scenario
    times_s: list[tuple[Sequence[str | int], float]] = [
        (["faults", index, "at"], parse_duration_s(resolve_ranges(fault.delay, lambda _: 1.0)))
        for index, fault in enumerate(scenario.faults)
    ]
    times_s += [(["people", at, "review_at"], person.review_at or 0.0) for at, person in enumerate(scenario.people)]
    for path, time_s in times_s:
        if time_s > SPAN_MAX_S:
            what = f"{path[-1]}: {format_duration(time_s)} is beyond reason"
            yield problem(loaded, path, what, f"at most {format_duration(SPAN_MAX_S)}")


def _scripts(scenario: Scenario) -> Iterator[tuple[list[str | int], Sequence[StepDocument]]]:
    yield ["expert"], scenario.expert
    for key, detours in (("wrong_turns", scenario.wrong_turns), ("other_fixes", scenario.other_fixes)):
        for index, item in enumerate(detours):
            yield [key, index, "steps"], item.steps


def _platform_times(loaded: LoadedScenario) -> Iterator[ContentError]:
    for path, text in _texts(loaded.scenario.overlay, ("overlay",)):
        most_s = TIMES_MAX_S.get(str(path[-1]))
        if most_s is not None and parse_duration_s(resolve_ranges(text, lambda _: 1.0)) > most_s:
            what = f"{path[-1]}: {text} is beyond reason"
            yield problem(loaded, path, what, f"at most {format_duration(most_s)}")
