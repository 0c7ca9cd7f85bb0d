"""What each drill's expert lives through at seed 1, to the last bit.

Regenerate after a change that is meant: PAGERDRILL_REGENERATE=1 pytest tests/golden, and read the difference.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from simulator.engine.events import Event
from simulator.image.builder import ensure_image
from simulator.image.image import Image
from simulator.players.play import play
from tests.content.night import open_night

GOLDENS = Path(__file__).parent
EXTRACT_LINES = 40
MARKS_PER_LINE = 24
TOLD = ("alert.fired", "alert.resolved", "changed", "command", "deploy", "hypothesis.confirmed", "job", "page.sent")
BORDERS = ("session.joined", "session.ended", "truth.fault", "prevention.checked", "resolve.claimed", "severity")


def _text(event: Event) -> str:
    """One event on one line, for a reader."""
    data = event.data
    keys = ("line", "name", "severity", "fault", "reason", "action", "component", "mechanism", "deployment", "message")
    said = " ".join(f"{key}={data[key]}" for key in keys if data.get(key) not in (None, ""))
    return f"{event.n:>5} {event.t_us:>12} {event.kind} {said}"[:160].rstrip()


def extract(events: Sequence[Event]) -> list[str]:
    """The story in at most 40 lines: borders, changes and alerts first, then as many commands as fit, in order."""
    told = [event for event in events if event.kind in TOLD or event.kind in BORDERS]
    weight = {"command": 2, "job": 3}
    kept = sorted(told, key=lambda event: (weight.get(event.kind, 1), event.n))[:EXTRACT_LINES]
    return [_text(event) for event in sorted(kept, key=lambda event: event.n)]


def marks(events: Sequence[Event]) -> list[str]:
    """Four hex digits of every event, so that the first one that differs can be named."""
    return [hashlib.sha256(event.line().encode()).hexdigest()[:4] for event in events]


def written(image: Image, events: Sequence[Event], digest: str) -> str:
    """The golden's text: what it was played on, its digest, the story, a blank line, the marks of all events."""
    head = [f"content {image.content}", f"digest {digest} events {len(events)}"]
    shorts = marks(events)
    rows = [" ".join(shorts[at : at + MARKS_PER_LINE]) for at in range(0, len(shorts), MARKS_PER_LINE)]
    return "\n".join([*head, *extract(events), "", *rows]) + "\n"


def first_difference(golden: str, events: Sequence[Event]) -> str:
    """The first event that is not as in the golden, and the line of the story that changed, if one did."""
    story, _, rows = golden.partition("\n\n")
    were = rows.split()
    now = marks(events)
    at = next((n for n, (old, new) in enumerate(zip(were, now, strict=False)) if old != new), min(len(were), len(now)))
    said = [f"first difference at event {at + 1} of {len(were)} in the golden, {len(now)} now"]
    said.append(f"  now: {events[at].line()}" if at < len(events) else "  now: no such event")
    pairs = zip(story.splitlines()[2:], extract(events), strict=False)
    changed = next(((old, new) for old, new in pairs if old != new), None)
    if changed is not None:
        said += [f"  golden: {changed[0]}", f"  now:    {changed[1]}"]
    return "\n".join(said)


@pytest.mark.slow
@pytest.mark.parametrize(
    "scenario",
    [
        "healthy-night",
        "oom-after-model-update",
        "gateway-504-at-3am",
        "stale-predictions-three-days",
        "clicks-put-aside",
    ],
)
def test_the_expert_lives_through_the_same_night(scenario: str) -> None:
    image = ensure_image()
    path = GOLDENS / f"{scenario}.txt"
    regenerate = os.environ.get("PAGERDRILL_REGENERATE") == "1"
    golden = path.read_text(encoding="utf-8") if path.exists() else ""
    session = open_night(scenario, 1)
    play(session, session.simulation.drill.expert)
    events = session.simulation.log.events
    now = written(image, events, session.simulation.log.digest())
    if regenerate:
        path.write_text(now, encoding="utf-8")
        return
    assert golden, f"no golden; write it: PAGERDRILL_REGENERATE=1 pytest {Path(__file__).name}"
    assert now == golden, first_difference(golden, events)


def _night(lines: int) -> list[Event]:
    events = [Event(n, n * 1000, "x", "command", True, {"line": f"l{n}"}) for n in range(1, lines)]
    return [*events, Event(lines, lines * 1000, "session", "session.ended", True, {"reason": "timeout"})]


def test_a_story_is_short_and_in_order() -> None:
    lines = extract(_night(100))
    assert len(lines) == EXTRACT_LINES
    assert lines == sorted(lines)
    assert lines[-1].endswith("session.ended reason=timeout")


def test_the_first_event_that_differs_is_named() -> None:
    events = _night(100)
    golden = written(ensure_image(), events, "d")
    other = [*events[:60], Event(61, 61_000, "x", "command", True, {"line": "another"}), *events[61:]]
    assert "first difference at event 61 of 100" in first_difference(golden, other)
    assert "another" in first_difference(golden, other)
    assert "event 100 of 100 in the golden, 99 now\n  now: no such event" in first_difference(golden, events[:-1])
