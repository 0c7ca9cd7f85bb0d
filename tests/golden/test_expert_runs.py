"""What each drill's expert lives through at seed 1: the same on every machine, with any version of any library.

Regenerate after a change that is meant: PAGERDRILL_REGENERATE=1 pytest tests/golden, and read the difference.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.engine.events import Event
from simulator.players.play import play
from tests.content.night import open_night
from tests.golden.goldens import EXTRACT_LINES, Mark, extract, first_difference, written

GOLDENS = Path(__file__).parent
REGENERATE = f"PAGERDRILL_REGENERATE=1 pytest {GOLDENS.name}"


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
    path = GOLDENS / f"{scenario}.txt"
    session = open_night(scenario, 1)
    play(session, session.simulation.drill.expert)
    events = session.simulation.log.events
    if os.environ.get("PAGERDRILL_REGENERATE") == "1":
        path.write_text(written(events), encoding="utf-8")
    assert path.exists(), f"no golden; write it: {REGENERATE}"
    difference = first_difference(path.read_text(encoding="utf-8"), events)
    assert not difference, f"{difference}\nif that is meant, write it anew and read what changed: {REGENERATE}"


def _night(lines: int, value: float = 1.5) -> list[Event]:
    events = [Event(n, n * 1000, "x", "command", True, {"line": f"l{n}", "v": value}) for n in range(1, lines)]
    return [*events, Event(lines, lines * 1000, "session", "session.ended", True, {"reason": "timeout"})]


def test_a_story_is_short_and_in_order() -> None:
    lines = extract(_night(100))
    assert len(lines) == EXTRACT_LINES
    assert lines == sorted(lines)
    assert lines[-1].endswith("session.ended reason=timeout")


@pytest.mark.parametrize("fractions", [(), (0.0,), (1.5, -2e-07, 123456.0)])
def test_a_mark_survives_being_written(fractions: tuple[float, ...]) -> None:
    mark = Mark("0a1f", fractions)
    assert Mark.read(str(mark)) == mark
    assert " " not in str(mark)


def test_a_night_agrees_with_its_own_golden_and_with_one_whose_fractions_are_close() -> None:
    events = _night(100)
    assert first_difference(written(events), events) == ""
    assert first_difference(written(events), _night(100, 1.50001)) == ""


def test_the_first_event_that_differs_is_named_with_what_changed() -> None:
    events = _night(100)
    golden = written(events)
    other = [*events[:60], replace(events[60], kind="note", data={"line": "another"}), *events[61:]]
    said = first_difference(golden, other)
    assert "first difference at event 61 of 100 in the golden, 100 now" in said
    assert "another" in said
    assert "command: 99 in the golden, 98 now" in said
    assert "note: 0 in the golden, 1 now" in said
    said = first_difference(golden, events[:-1])
    assert "event 100 of 100 in the golden, 99 now" in said
    assert "golden:   100" in said
    assert "now:    no such event" in said
    assert "session.ended: 1 in the golden, 0 now" in said
    assert "event 101 of 100 in the golden, 101 now" in first_difference(golden, [*events, events[0]])


def test_a_fraction_beyond_the_tolerance_is_shown_beside_the_golden_one() -> None:
    said = first_difference(written(_night(3)), _night(3, 1.51))
    assert "event 1 of 3" in said
    assert "golden: fractions 1.5\n" in said
    assert '"v":1.51' in said
