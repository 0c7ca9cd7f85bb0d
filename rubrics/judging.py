"""How a measure says what it found."""

from __future__ import annotations

from collections.abc import Sequence

from rubrics.facts import Facts
from rubrics.findings import Judgement
from rubrics.patterns import CITED_MAX
from simulator.engine.events import Event


def judged(share: float, events: Sequence[Event], because: str, *, critical: bool = True) -> Judgement:
    """A judgement whose verdict follows from its share. Citing nothing and a share outside 0 to 1 are our bugs.

    `critical=False` says that a critical criterion was not critical on this night.
    """
    assert 0.0 <= share <= 1.0, "a criterion gives all of its points at most"
    verdict = "met" if share >= 0.999 else "partly" if share > 0.0 else "missed"
    numbers = tuple(dict.fromkeys(event.n for event in events))[:CITED_MAX]
    assert numbers, "a judgement cites at least one event"
    return Judgement(verdict, share, numbers, because, critical)  # type: ignore[arg-type]


def no_chance(facts: Facts, because: str) -> Judgement:
    return Judgement("no_chance", 0.0, (facts.joined.n,), because)
