"""Alerts and pages hold their promises for any history."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from reference_platform.monitoring.alerts import (
    Alert,
    AlertEvaluator,
    AlertRule,
    Fired,
    Resolved,
    Severity,
    Silenced,
    Transition,
    Unsilenced,
)
from reference_platform.monitoring.pager import Escalated, Notification, Paged, Pager, Ticketed
from reference_platform.monitoring.series import SeriesStore


def _expected(history: list[bool], for_rounds: int, keep_rounds: int) -> list[tuple[int, str]]:
    """Rounds at which an alert fires and resolves: straight from the definition, by looking back over the history."""
    changes: list[tuple[int, str]] = []
    firing = False
    for now in range(len(history)):
        if not firing:
            recent = history[max(0, now - for_rounds) : now + 1]
            if len(recent) > for_rounds and all(recent):
                firing = True
                changes.append((now, "fired"))
        elif not any(history[max(0, now - keep_rounds) : now + 1]):
            firing = False
            changes.append((now, "resolved"))
    return changes


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 4), st.integers(0, 3))
def test_an_alert_fires_exactly_after_its_wait_and_resolves_exactly_after_its_keep(
    history: list[bool], for_rounds: int, keep_rounds: int
) -> None:
    store = SeriesStore(1e6, 1_000)
    evaluator = AlertEvaluator(store)
    evaluator.add_rule(AlertRule("A", "x > 0", for_rounds * 30.0, "P2", "c", "s", "r", keep_rounds * 30.0))
    found: list[tuple[int, str]] = []
    for now, value in enumerate(history):
        store.append("x", {}, now * 30.0, float(value))
        found += [(now, "fired" if isinstance(change, Fired) else "resolved") for change in evaluator.tick(now * 30.0)]
    assert found == _expected(history, for_rounds, keep_rounds)


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["fire", "fire silenced", "resolve", "silence", "unsilence", "ack", "wait"]),
        st.integers(0, 4),
        st.integers(0, 400),
    ),
    max_size=60,
)
_SEVERITIES: tuple[Severity, ...] = ("P1", "P1", "P2", "P2", "P3")


class _World:
    """Five alerts, the legal transitions between their states, and a pager that is woken exactly when it asks."""

    def __init__(self) -> None:
        self.pager = Pager()
        self.now_s = 0.0
        self.open: dict[int, Alert] = {}
        self.muted: set[int] = set()
        self.heard: list[Notification] = []
        self.fired_s: dict[int, float] = {}
        self.resolved_s: dict[int, float] = {}
        self.quiet_from_the_start: set[int] = set()
        self.acked_s: dict[int, float] = {}
        self.raised: list[Alert] = []

    def wait(self, seconds: float) -> None:
        until_s = self.now_s + seconds
        while (wake_s := self.pager.next_wake_s()) <= until_s:
            assert wake_s >= self.now_s
            self.now_s = wake_s
            due = self.pager.tick(wake_s)
            assert due, "woken for nothing"
            self.heard += due
        self.now_s = until_s

    def step(self, action: str, slot: int) -> None:
        change: Transition | None = None
        if action.startswith("fire") and slot not in self.open:
            alert = Alert(len(self.raised) + 1, f"A{slot}", (), _SEVERITIES[slot], "c", "s", "r", 1.0)
            self.raised.append(alert)
            self.open[slot] = alert
            self.fired_s[alert.alert_id] = self.now_s
            if action == "fire silenced":
                self.muted.add(slot)
                self.quiet_from_the_start.add(alert.alert_id)
            change = Fired(self.now_s, alert, action == "fire silenced")
        elif action == "resolve" and slot in self.open:
            alert = self.open.pop(slot)
            self.resolved_s[alert.alert_id] = self.now_s
            change = Resolved(self.now_s, alert, slot in self.muted)
            self.muted.discard(slot)
        elif action == "silence" and slot in self.open and slot not in self.muted:
            self.muted.add(slot)
            change = Silenced(self.now_s, self.open[slot])
        elif action == "unsilence" and slot in self.muted:
            self.muted.discard(slot)
            change = Unsilenced(self.now_s, self.open[slot])
        elif action == "ack" and slot in self.open:
            alert_id = self.open[slot].alert_id
            self.pager.ack([alert_id], "you", self.now_s)
            self.acked_s.setdefault(alert_id, self.now_s)
        if change is not None:
            self.heard += self.pager.observe([change], self.now_s)


@given(_STEPS)
def test_the_pager_never_loses_a_p1_and_never_wakes_without_cause(steps: list[tuple[str, int, int]]) -> None:
    world = _World()
    for action, slot, pause_s in steps:
        world.step(action, slot)
        world.wait(float(pause_s))
    first_paged: dict[int, float] = {}
    for note in world.heard:
        alert_id = note.alert.alert_id
        gone_s = world.resolved_s.get(alert_id, math.inf)
        assert note.t_s <= gone_s
        if isinstance(note, Paged):
            assert note.alert.severity != "P3"
            known_s = min(first_paged.get(alert_id, math.inf), world.acked_s.get(alert_id, math.inf))
            assert alert_id not in first_paged if note.repeat == 0 else note.t_s >= known_s + 4 * 3600
            first_paged.setdefault(alert_id, note.t_s)
            if note.alert.severity == "P2":
                assert note.t_s >= world.fired_s[alert_id] + 30
        elif isinstance(note, Escalated):
            assert alert_id in first_paged
            assert note.t_s >= first_paged[alert_id] + 300
            assert note.t_s < world.acked_s.get(alert_id, math.inf)
        else:
            assert isinstance(note, Ticketed)
            assert note.alert.severity == "P3"
    for alert in world.raised:
        if alert.severity == "P1" and alert.alert_id not in world.quiet_from_the_start:
            assert first_paged[alert.alert_id] == world.fired_s[alert.alert_id]


@given(st.integers(0, 3_600))
def test_a_p1_that_nobody_acknowledges_reaches_everybody_in_the_chain(fired_s: int) -> None:
    world = _World()
    world.wait(float(fired_s))
    world.step("fire", 0)
    world.wait(3_600.0)
    assert [(type(note), note.t_s - fired_s) for note in world.heard] == [
        (Paged, 0),
        (Escalated, 300),
        (Escalated, 600),
    ]
