"""Whether two event logs tell the same: what is promised to be equal, and how close the numbers must be.

Kinds, order, sources, ids, integer times, whole numbers and words must be equal. Fractions must be close, in words too,
for another processor or library may round the last bit otherwise. Which build played is not compared.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from simulator.engine.events import Event, JsonValue

RELATIVE = 1e-4
ABSOLUTE = 1e-6
"""Fractions may differ by either. Events carry six significant digits, so that rounding alone explains 1e-5."""
BUILD = ("version", "edition", "image")
"""What `session.started` says of the build that played."""
_FRACTION = re.compile(r"\d+\.\d+")
_HERE = "~"


@dataclass(frozen=True, slots=True)
class Skeleton:
    """An event without its fractions, and the fractions in the order of the text; `~` stands where they were."""

    text: str
    fractions: tuple[float, ...]

    def agrees_with(self, other: Skeleton) -> bool:
        """Whether the two events tell the same."""
        return self.text == other.text and all(map(close, self.fractions, other.fractions))


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The first place where two logs part. An event is None where its log had ended."""

    n: int
    expected: Event | None
    found: Event | None

    def __str__(self) -> str:
        expected, found = (event.line() if event else "no such event" for event in (self.expected, self.found))
        return f"event {self.n} is the first that differs: recorded {expected}; now {found}"


def close(one: float, other: float) -> bool:
    """Whether two fractions count as the same."""
    return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def skeleton(event: Event) -> Skeleton:
    """What of `event` must be equal, and what must be close."""
    fractions: list[float] = []
    data = {key: value for key, value in event.data.items() if event.kind != "session.started" or key not in BUILD}
    # The canonical line once more, so that fractions are met in one order and with six digits on both sides.
    line = json.loads(Event(event.n, event.t_us, event.src, event.kind, event.visible, data).line())
    text = json.dumps(_without(line, fractions), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Skeleton(text, tuple(fractions))


def _without(value: JsonValue, fractions: list[float]) -> JsonValue:
    if isinstance(value, float):
        fractions.append(value)
        return _HERE
    if isinstance(value, str):
        fractions += map(float, _FRACTION.findall(value))
        return _FRACTION.sub(_HERE, value)
    if isinstance(value, Mapping):
        return {key: _without(value[key], fractions) for key in sorted(value)}
    if isinstance(value, Sequence):
        return [_without(item, fractions) for item in value]
    return value


def first_disagreement(expected: Sequence[Event], found: Sequence[Event]) -> Disagreement | None:
    """Where `found` first tells something else than `expected`; None when they agree to the end."""
    for n, (one, other) in enumerate(zip_longest(expected, found), 1):
        if one is None or other is None or not skeleton(one).agrees_with(skeleton(other)):
            return Disagreement(n, one, other)
    return None
