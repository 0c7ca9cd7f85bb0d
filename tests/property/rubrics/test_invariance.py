"""What a score does not depend on: event numbers, ids of hypotheses and alerts, the hour, or being asked twice."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from rubrics.findings import Scorecard
from rubrics.loader import incident_rubric
from rubrics.scoring import score
from simulator.engine.events import Event, event_from_line
from tests.property.rubrics.plays import random_play
from tests.unit.rubrics.recorded import RECORDED, recorded

SHIFT_N = 1000
LATER_S = 86_400.0 * 3
Change = Callable[[Event], Event]
LOGS = [(drill, player) for drill, players in RECORDED.items() for player in players]


def changed(event: Event, **data: Any) -> Event:
    return replace(event, data={**event.data, **{key: value for key, value in data.items() if key in event.data}})


def renumbered(event: Event) -> Event:
    cited = event.data.get("event_n")
    moved = changed(event, event_n=cited + SHIFT_N) if isinstance(cited, int) and cited else event
    return replace(moved, n=event.n + SHIFT_N)


def renamed(event: Event) -> Event:
    """Other numbers for hypotheses and alerts, each still its own."""
    data = dict(event.data)
    for key in ("hyp_id", "alert_id"):
        if isinstance(data.get(key), int):
            data[key] = 7 * int(str(data[key])) + 3
    if isinstance(data.get("alert_ids"), Sequence):
        data["alert_ids"] = [7 * int(str(item)) + 3 for item in data["alert_ids"]]  # type: ignore[union-attr]
    return replace(event, data=data)


def later(event: Event) -> Event:
    """The same three days later, where the log says when too."""
    moved = {
        key: event.data[key] + LATER_S  # type: ignore[operator]
        for key in ("fires_at_s", "joined_after_s")
        if isinstance(event.data.get(key), int | float)
    }
    return replace(changed(event, **moved), t_us=event.t_us + round(LATER_S * 1e6))


def as_read_back(event: Event) -> Event:
    return event_from_line(event.line())


def told(card: Scorecard, shift_n: int = 0) -> list[object]:
    """Everything but words, which name numbers of events."""
    findings = [
        (f.criterion, f.verdict, round(f.points, 6), tuple(n - shift_n for n in f.evidence)) for f in card.findings
    ]
    flags = [(f.flag, f.level, tuple(n - shift_n for n in f.evidence)) for f in card.red_flags]
    money = (card.harm_eur, round(card.harm_idle_eur or 0.0, 6))
    return [card.score, card.verdict, findings, flags, card.times, money, card.critical_missed]


CHANGES: dict[str, tuple[Change, int]] = {
    "numbers": (renumbered, SHIFT_N),
    "ids": (renamed, 0),
    "hour": (later, 0),
    "file": (as_read_back, 0),
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize(("drill", "player"), LOGS)
def test_a_recorded_play_scores_the_same(what: str, drill: str, player: str) -> None:
    change, shift_n = CHANGES[what]
    log = recorded(drill, player)
    moved = score([change(event) for event in log], incident_rubric())
    assert told(moved, shift_n) == told(score(log, incident_rubric()))


@pytest.mark.parametrize("what", CHANGES)
def test_a_random_play_scores_the_same(what: str) -> None:
    change, shift_n = CHANGES[what]
    for seed in range(25):
        play = random_play(random.Random(seed))
        log = play.night.log(play.steps)
        moved = score([change(event) for event in log], incident_rubric())
        assert told(moved, shift_n) == told(score(log, incident_rubric())), seed


def test_scoring_is_pure() -> None:
    """Asked twice, with others in between, of a list or of something that can be read once: the same card."""
    cards = {}
    for drill, player in (*LOGS, *reversed(LOGS)):
        log = recorded(drill, player)
        card = score(iter(log), incident_rubric())
        assert cards.setdefault((drill, player), card) == card
    for drill, player in LOGS:
        before = [event.line() for event in recorded(drill, player)]
        score(recorded(drill, player), incident_rubric())
        assert [event.line() for event in recorded(drill, player)] == before


def test_who_played_changes_words_alone() -> None:
    log = recorded(*LOGS[0])
    mine, theirs = score(log, incident_rubric()), score(log, incident_rubric(), who="the expert")
    assert told(mine) == told(theirs)
    assert "the expert" in theirs.findings[0].because
    assert "you " not in " ".join(f.because for f in theirs.findings)
