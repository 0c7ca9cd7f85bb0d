"""A golden: the story of a night for readers, and a mark for every event so that the first that differs is named.

Compared is what `simulator.engine.comparison` promises: everything but fractions to the letter, fractions closely,
nothing of the build that played.
"""

from __future__ import annotations

import hashlib
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from simulator.engine.comparison import Skeleton, close, skeleton
from simulator.engine.events import Event

EXTRACT_LINES = 40
MARK_CHARS = 4
ROW_CHARS = 118
TOLD = ("alert.fired", "alert.resolved", "changed", "command", "deploy", "hypothesis.confirmed", "job", "page.sent")
BORDERS = ("session.joined", "session.ended", "truth.fault", "prevention.checked", "resolve.claimed", "severity")


@dataclass(frozen=True, slots=True)
class Mark:
    """Four hex digits of an event's skeleton, and its fractions."""

    digits: str
    fractions: tuple[float, ...]

    @classmethod
    def of(cls, event: Event) -> Mark:
        bones: Skeleton = skeleton(event)
        return cls(hashlib.sha256(bones.text.encode()).hexdigest()[:MARK_CHARS], bones.fractions)

    @classmethod
    def read(cls, token: str) -> Mark:
        digits, _, rest = token.partition(":")
        return cls(digits, tuple(map(float, rest.split(","))) if rest else ())

    def __str__(self) -> str:
        return ":".join(part for part in (self.digits, ",".join(f"{value:g}" for value in self.fractions)) if part)

    def agrees_with(self, other: Mark) -> bool:
        return (
            self.digits == other.digits
            and len(self.fractions) == len(other.fractions)
            and all(map(close, self.fractions, other.fractions))
        )


def _text(event: Event) -> str:
    """One event on one line, for a reader."""
    data = event.data
    keys = ("line", "name", "severity", "fault", "reason", "action", "component", "mechanism", "deployment", "message")
    said = " ".join(f"{key}={data[key]}" for key in keys if data.get(key) not in (None, ""))
    return f"{event.n:>5} {event.t_us:>12} {event.kind} {said}"[:ROW_CHARS].rstrip().replace("\n", " ")


def extract(events: Sequence[Event]) -> list[str]:
    """The story in at most 40 lines: borders, changes and alerts first, then as many commands as fit, in order."""
    told = [event for event in events if event.kind in TOLD or event.kind in BORDERS]
    weight = {"command": 2, "job": 3}
    kept = sorted(told, key=lambda event: (weight.get(event.kind, 1), event.n))[:EXTRACT_LINES]
    return [_text(event) for event in sorted(kept, key=lambda event: event.n)]


def written(events: Sequence[Event]) -> str:
    """The golden's text: how many events of each kind, the story, and the marks of all events."""
    counts = sorted(Counter(event.kind for event in events).items())
    kinds = textwrap.wrap(", ".join(f"{kind} {count}" for kind, count in counts), ROW_CHARS)
    rows = textwrap.wrap(
        " ".join(str(Mark.of(event)) for event in events), ROW_CHARS, break_on_hyphens=False, break_long_words=False
    )
    return "\n".join([f"{len(events)} events", *kinds, "", *extract(events), "", *rows]) + "\n"


def first_difference(golden: str, events: Sequence[Event]) -> str:
    """The first event that is not as in the golden, with what its story tells of it; empty when all are."""
    counts, story, rows = golden.split("\n\n")
    were = [Mark.read(token) for token in rows.split()]
    now = [Mark.of(event) for event in events]
    parted = (n for n, (old, new) in enumerate(zip(were, now, strict=False)) if not old.agrees_with(new))
    at = next(parted, min(len(were), len(now)))
    if at == len(were) == len(now):
        return ""
    said = [f"first difference at event {at + 1} of {len(were)} in the golden, {len(now)} now"]
    told = {line.split()[0]: line for line in story.splitlines()}
    if at < len(were):
        said.append(f"  golden: {told.get(str(at + 1), 'not told in its story')}")
        if at < len(now) and were[at].digits == now[at].digits:
            said.append(f"  golden: fractions {', '.join(f'{value:g}' for value in were[at].fractions)}")
    said.append(f"  now:    {events[at].line()}" if at < len(events) else "  now:    no such event")
    kinds = [line.partition(" events")[0] for line in counts.splitlines()]
    return "\n".join([*said, *_recounted(" ".join(kinds[1:]), events)])


def _recounted(counts: str, events: Sequence[Event]) -> list[str]:
    """Kinds of which there are more or fewer than in the golden."""
    were = {kind: int(count) for kind, _, count in (item.partition(" ") for item in counts.split(", ")) if kind}
    now = Counter(event.kind for event in events)
    changed = sorted(kind for kind in {*were, *now} if were.get(kind, 0) != now[kind])
    return [f"  {kind}: {were.get(kind, 0)} in the golden, {now[kind]} now" for kind in changed]
