"""A log may hold anything: scoring never raises, stays in range, and cites only what is there."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rubrics.debrief import debrief
from rubrics.debrief_text import render_markdown, render_text
from rubrics.loader import incident_rubric
from rubrics.scoring import score
from simulator.engine.events import Event, JsonValue
from tests.property.rubrics.plays import random_play
from tests.unit.rubrics.recorded import RECORDED, recorded

NASTY: tuple[Any, ...] = (
    None, True, False, "", "x", "SEV", "1", 0, -1, 1, 3, 10**30, -(10**400), 1e308, -1e308, 1e-320, float("nan"),
    float("inf"), -float("inf"), [], {}, [[]], [None], ["a"], [["a", "b"]], [["a"]], [[1, 2]], {"a": 1},
    {"recommendation": None}, {"recommendation": {"requests": "many", "fallback": -5, "errors": 10**40}}, "None.",
)  # fmt: skip
LOGS = [(drill, "expert") for drill in RECORDED]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def check(events: list[Event]) -> None:
    card = score(events, incident_rubric())
    known = {event.n for event in events}
    assert 0.0 <= card.score <= 100.0
    for item in (*card.findings, *card.red_flags):
        assert item.evidence
        assert set(item.evidence) <= known


def spoiled(rng: random.Random, event: Event) -> Event:
    """One field missing, added, or of another type; or a copy of it that belongs elsewhere."""
    data: dict[str, JsonValue] = dict(event.data)
    key = rng.choice([*data, "strength", "costs_points", "causes", "attempted"])
    if rng.random() < 0.3:
        data.pop(key, None)
    else:
        data[key] = rng.choice(NASTY)
    return replace(event, data=data)


@pytest.mark.parametrize(("drill", "player"), LOGS)
def test_any_event_may_lose_its_fields(drill: str, player: str) -> None:
    log = recorded(drill, player)
    check([replace(event, data={}) for event in log])
    for kind in sorted({event.kind for event in log}):
        check([replace(event, data={}) if event.kind == kind else event for event in log])
        check([event for event in log if event.kind != kind] or list(log))


@pytest.mark.parametrize("seed", range(60))
def test_fields_may_be_of_any_type(seed: int) -> None:
    rng = random.Random(seed)
    if seed % 3:
        play = random_play(rng)
        log = play.night.log(play.steps)
    else:
        log = list(recorded(*rng.choice(LOGS)))
    ratio = rng.choice((0.02, 0.3, 1.0))
    check([spoiled(rng, event) if rng.random() < ratio else event for event in log])


@given(
    st.lists(st.tuples(st.sampled_from(sorted({e.kind for d, p in LOGS for e in recorded(d, p)})), values), max_size=12)
)
@settings(max_examples=60, deadline=None)
def test_events_may_say_anything(rows: list[tuple[str, Any]]) -> None:
    names = ("component", "mechanism", "hyp_id", "severity", "alert_id", "routes", "eur", "good", "causes", "drill_s")
    check(
        [Event(1, 0, "x", "session.joined", True, {})]
        + [Event(k, k * 10**7, "x", kind, True, dict.fromkeys(names, value)) for k, (kind, value) in enumerate(rows, 2)]
    )


@pytest.mark.parametrize("seed", range(8))
def test_events_in_any_order_and_number(seed: int) -> None:
    rng = random.Random(seed)
    log = list(recorded(*LOGS[seed % len(LOGS)]))
    check(rng.sample(log, len(log)))
    check([replace(event, n=rng.choice(log).n) for event in log])
    check([replace(event, t_us=rng.randrange(-(10**6), 10**12)) for event in log])
    check([rng.choice(log)])


@pytest.mark.parametrize("value", NASTY)
@pytest.mark.parametrize("key", ["drill_s", "reason"])
def test_joining_may_say_anything(key: str, value: Any) -> None:
    log = [replace(e, data={**e.data, key: value}) if e.kind == "session.joined" else e for e in recorded(*LOGS[0])]
    check(log)


def test_hints_may_not_pay() -> None:
    hint = Event(10_000, 10**13, "x", "hint.taken", True, {"step": 1, "of": 2, "costs_points": -50})
    log = recorded(*LOGS[0])
    card = score([*log, hint], incident_rubric())
    assert card.score <= score(log, incident_rubric()).score


@pytest.mark.parametrize("seed", range(12))
def test_a_debrief_of_anything_can_be_written(seed: int) -> None:
    rng = random.Random(seed)
    log = [spoiled(rng, event) if rng.random() < 0.3 else event for event in recorded(*LOGS[seed % len(LOGS)])]
    found = debrief(log, score(log, incident_rubric()), list(recorded(*LOGS[0])))
    assert render_text(found)
    assert render_markdown(found)
