"""Suspected causes: what was suspected, on which evidence, and what was decided about it when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from rubrics.reading import causes_of, number, text
from simulator.engine.events import Event

KINDS = ("added", "evidence", "confirmed", "ruled_out")


class Cause(NamedTuple):
    """A diagnosis: which component, and by what mechanism."""

    component: str
    mechanism: str


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One line of thought. Relevant evidence only, in order; `decisions` are its confirmations and rejections."""

    hyp_id: str
    cause: Cause
    events: tuple[Event, ...]
    pro: tuple[Event, ...]
    contra: tuple[Event, ...]
    decisions: tuple[Event, ...]

    @property
    def confirmed(self) -> Event | None:
        """The first confirmation, whatever was decided later."""
        return next((event for event in self.decisions if event.kind == "hypothesis.confirmed"), None)

    @property
    def ruled_out(self) -> Event | None:
        """The decision by which it was given up, if that is what stands."""
        last = self.decisions[-1] if self.decisions else None
        return last if last is not None and last.kind == "hypothesis.ruled_out" else None

    @property
    def standing(self) -> Event | None:
        """The last confirmation, unless it was taken back."""
        last = self.decisions[-1] if self.decisions else None
        return last if last is not None and last.kind == "hypothesis.confirmed" else None

    def proof(self, before: Event, after_n: int = 0) -> Event | None:
        """The strongest evidence for it cited before `before` from an output numbered above `after_n`."""
        found = [e for e in self.pro if e.n < before.n and int(number(e, "event_n") or 0) > after_n]
        return max(found, key=strength, default=None)


def strength(evidence: Event) -> float:
    """How much one piece of relevant evidence counts, 0..1; logs without it mean all of it."""
    value = number(evidence, "strength")
    return 1.0 if value is None else value


def suspects(events: Iterable[Event]) -> tuple[Hypothesis, ...]:
    """Every hypothesis in `events`, in the order in which they were written down."""
    grouped: dict[str, list[Event]] = {}
    for event in events:
        if event.kind.partition(".")[0] == "hypothesis" and event.kind.partition(".")[2] in KINDS:
            grouped.setdefault(str(event.data.get("hyp_id")), []).append(event)
    return tuple(_hypothesis(hyp_id, tuple(items)) for hyp_id, items in grouped.items())


def _hypothesis(hyp_id: str, events: tuple[Event, ...]) -> Hypothesis:
    named = next((event for event in events if text(event, "component")), events[0])
    cited = [e for e in events if e.kind == "hypothesis.evidence" and e.data.get("relevant") is True]
    return Hypothesis(
        hyp_id,
        cause_of(named),
        events,
        pro=tuple(event for event in cited if text(event, "direction") == "for"),
        contra=tuple(event for event in cited if text(event, "direction") == "against"),
        decisions=tuple(e for e in events if e.kind in ("hypothesis.confirmed", "hypothesis.ruled_out")),
    )


def cause_of(event: Event) -> Cause:
    """The cause an event names first."""
    return Cause(text(event, "component"), text(event, "mechanism"))


def named_causes(event: Event) -> tuple[Cause, ...]:
    """Every cause that a resolve or a post-mortem names."""
    return tuple(dict.fromkeys((cause_of(event), *(Cause(*pair) for pair in causes_of(event, "causes")))))
