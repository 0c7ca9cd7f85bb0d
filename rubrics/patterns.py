"""Does a pattern hold in a log? Every answer cites the events that decided it, and says so in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rubrics.facts import Facts
from rubrics.schema import Condition, Pattern, Test
from rubrics.words import at, clock, minutes, told
from simulator.engine.events import Event, JsonValue

CITED_MAX = 8


@dataclass(frozen=True, slots=True)
class Match:
    """Whether it held, which events decided that (never none), and why."""

    held: bool
    evidence: tuple[int, ...]
    because: str


def match(pattern: Pattern, facts: Facts) -> Match:
    """Judge `pattern` over everything since the responder joined."""
    if pattern.never is not None:
        return _never(match(pattern.never, facts), facts)
    if pattern.all is not None:
        return _all([match(item, facts) for item in pattern.all])
    if pattern.any is not None:
        return _any([match(item, facts) for item in pattern.any])
    if pattern.sequence is not None:
        return _sequence(pattern.sequence, facts)
    return _event(pattern, facts)


def hits(pattern: Pattern, facts: Facts, after_n: int = 0) -> tuple[Event, ...]:
    """The events that satisfy an event pattern or any branch of `any`; other forms are conditions, not events."""
    if pattern.any is not None:
        found = [event for item in pattern.any for event in hits(item, facts, after_n)]
        return tuple(sorted({event.n: event for event in found}.values(), key=lambda event: event.n))
    if pattern.event is None:
        return ()
    found_here = [event for event in _candidates(pattern, facts) if event.n > after_n]
    return tuple(event for event in found_here if not _refusal(pattern, event, facts))


def _candidates(pattern: Pattern, facts: Facts) -> tuple[Event, ...]:
    assert pattern.event is not None, "only event patterns have candidates"
    found = facts.since_join(pattern.event)
    return tuple(e for e in found if all(_agrees(e.data.get(key), c) for key, c in pattern.where.items()))


def _agrees(value: JsonValue, condition: Condition) -> bool:
    if isinstance(condition, Test):
        return _passes(value, condition)
    if isinstance(condition, list):
        return any(_agrees(value, item) for item in condition)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return condition in value
    return value == condition and isinstance(value, bool) == isinstance(condition, bool)


def _passes(value: JsonValue, test: Test) -> bool:
    if test.min is not None or test.max is not None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        if (test.min is not None and value < test.min) or (test.max is not None and value > test.max):
            return False
    if test.words_min is not None and not (isinstance(value, str) and len(value.split()) >= test.words_min):
        return False
    if test.count_min is not None:
        return isinstance(value, Sequence) and not isinstance(value, str) and len(value) >= test.count_min
    return True


def _refusal(pattern: Pattern, event: Event, facts: Facts) -> tuple[str, tuple[int, ...]] | None:
    """Why a candidate does not count, with the events that show it; None when it counts."""
    anchor = facts.joined
    if pattern.after is not None:
        first = next(iter(hits(pattern.after, facts)), None)
        if first is None or first.n >= event.n:
            return f"too early: {at(facts, event)}", (event.n,)
        anchor = first
    if pattern.before is not None:
        limit = next(iter(hits(pattern.before, facts)), None)
        if limit is not None and limit.n <= event.n:
            return f"too late: {at(facts, event)}, after {at(facts, limit)}", (limit.n, event.n)
    if pattern.within is not None and (event.t_us - anchor.t_us) / 1e6 > pattern.within:
        return f"too late: {at(facts, event)}; it was due within {minutes(pattern.within)}", (event.n,)
    if pattern.without is not None:
        earlier = next((item for item in hits(pattern.without, facts) if item.n < event.n), None)
        if earlier is not None:
            return f"{at(facts, earlier)}, before {at(facts, event)}", (earlier.n, event.n)
    return None


def _event(pattern: Pattern, facts: Facts) -> Match:
    found = hits(pattern, facts)
    if len(found) >= pattern.at_least:
        cited = found[: min(pattern.at_least, CITED_MAX)]
        more = f", {len(cited)} times" if len(cited) > 1 else ""
        return Match(True, tuple(event.n for event in cited), f"{at(facts, cited[0])}{more}{_praise(pattern, facts)}")
    late = _candidates(pattern, facts)
    refusal = _refusal(pattern, late[0], facts) if late else None
    if refusal is not None:
        return Match(False, refusal[1], refusal[0])
    if found:
        cited_n = tuple(event.n for event in found[:CITED_MAX])
        return Match(False, cited_n, f"{at(facts, found[0])}, but only {len(found)} of {pattern.at_least} times")
    return _absent(pattern, facts)


def _praise(pattern: Pattern, facts: Facts) -> str:
    limit = next(iter(hits(pattern.before, facts)), None) if pattern.before is not None else None
    return f", before {told(facts, limit)}" if limit is not None else ""


def _absent(pattern: Pattern, facts: Facts) -> Match:
    """It never happened: cite joining, and what it should have come before when that did happen."""
    limit = next(iter(hits(pattern.before, facts)), None) if pattern.before is not None else None
    length = clock(facts.after_join_s(facts.last))
    if limit is not None:
        return Match(False, (facts.joined.n, limit.n), f"did not happen: {at(facts, limit)} without it")
    return Match(
        False, (facts.joined.n,), f"did not happen between joining [#{facts.joined.n}] and the end at {length}"
    )


def _never(inner: Match, facts: Facts) -> Match:
    if inner.held:
        return Match(False, inner.evidence, inner.because)
    return Match(True, (facts.joined.n,), f"did not happen after joining [#{facts.joined.n}]")


def _all(parts: list[Match]) -> Match:
    missing = [part for part in parts if not part.held]
    chosen = missing or parts
    reasons = dict.fromkeys(part.because for part in chosen)
    return Match(not missing, _cited(chosen), "; ".join(reasons))


def _any(parts: list[Match]) -> Match:
    held = [part for part in parts if part.held]
    best = held[0] if held else max(parts, key=lambda part: len(part.evidence))
    return Match(bool(held), best.evidence, best.because)


def _sequence(steps: list[Pattern], facts: Facts) -> Match:
    after_n = 0
    seen: list[Event] = []
    for step in steps:
        found = next(iter(hits(step, facts, after_n)), None)
        if found is None:
            if not seen:
                return match(step, facts)
            cited = tuple(event.n for event in seen)[:CITED_MAX]
            return Match(False, cited, f"what should follow {at(facts, seen[-1])} did not")
        seen.append(found)
        after_n = found.n
    return Match(True, tuple(event.n for event in seen), ", then ".join(at(facts, event) for event in seen))


def _cited(parts: list[Match]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(n for part in parts for n in part.evidence))[:CITED_MAX]
