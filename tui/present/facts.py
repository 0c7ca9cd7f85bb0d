"""What is new between two looks at a session: one fact, one line. Plain mode prints them, `next` stops at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tui.present.cells import clean
from tui.present.numbers import minutes

if TYPE_CHECKING:
    from simulator.session.view import SessionView

Prefix = Literal[
    "ALERT", "PAGE", "COMMS", "SLO", "MAP", "DEPLOY", "STATUS", "HYP", "NOTE", "OUT", "EXIT", "CLOCK", "END"
]

STOPS: frozenset[Prefix] = frozenset({"ALERT", "PAGE", "COMMS", "DEPLOY", "STATUS", "END"})
"""Kinds of facts at which `next` stops."""

_BURN_STEPS = (1.0, 6.0, 14.4)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened. `text` is a single clean line."""

    prefix: Prefix
    t_s: float
    text: str


def facts_between(before: SessionView | None, after: SessionView) -> list[Fact]:
    """Facts of `after` that `before` did not have, ordered by time. With no `before`, all there is."""
    facts = [*_alerts(before, after), *_people(before, after), *_platform(before, after), *_mind(before, after)]
    facts.sort(key=lambda fact: fact.t_s)
    if after.ended and not (before and before.ended):
        facts.append(Fact("END", after.now_s, after.ended))
    return facts


def _alerts(before: SessionView | None, after: SessionView) -> list[Fact]:
    known = {alert.alert_id: alert.state for alert in before.alerts} if before else {}
    facts: list[Fact] = []
    for alert in after.alerts:
        if known.get(alert.alert_id) == alert.state:
            continue
        said = f"#{alert.alert_id} {alert.severity} {alert.state.lower()} {alert.name}: {alert.summary}"
        t_s = alert.since_s if alert.alert_id not in known else after.now_s
        facts.append(Fact("ALERT", t_s, clean(said)))
        if alert.severity == "P1" and alert.state == "FIRING":
            facts.append(Fact("PAGE", t_s, clean(f"{alert.name} on {alert.component} needs you: ack {alert.alert_id}")))
    return facts


def _people(before: SessionView | None, after: SessionView) -> list[Fact]:
    seen = len(before.comms) if before else 0
    facts = [Fact("COMMS", item.t_s, clean(f"{item.author}: {item.text}")) for item in after.comms[seen:]]
    due_s = after.status_due_s
    was_due = before is not None and before.status_due_s == due_s and due_s is not None and before.now_s >= due_s
    if due_s is not None and after.now_s >= due_s and not was_due:
        facts.append(Fact("STATUS", due_s, "the status update you promised is due"))
    return facts


def _burn_step(burn_rate: float) -> int:
    return sum(burn_rate >= step for step in _BURN_STEPS)


def _platform(before: SessionView | None, after: SessionView) -> list[Fact]:
    facts: list[Fact] = []
    if before is None or _burn_step(before.burn_rate) != _burn_step(after.burn_rate):
        facts.append(Fact("SLO", after.now_s, f"burn {after.burn_rate:.1f}x errors {after.error_ratio:.1%}"))
    states = {service.name: service.state for service in before.services} if before else {}
    facts.extend(
        Fact("MAP", after.now_s, clean(f"{service.name} {service.state} {service.detail}").rstrip())
        for service in after.services
        if states.get(service.name, "OK") != service.state
    )
    seen = len(before.marks) if before else 0
    facts.extend(Fact("DEPLOY", mark.t_s, clean(mark.text)) for mark in after.marks[seen:] if mark.kind == "d")
    return facts


def _mind(before: SessionView | None, after: SessionView) -> list[Fact]:
    known = {item.hyp_id: item for item in before.hypotheses} if before else {}
    facts = []
    for item in after.hypotheses:
        if known.get(item.hyp_id) == item:
            continue
        said = f"H{item.hyp_id} {item.state} {item.component}:{item.mechanism} {item.text}"
        evidence = [f"+#{n}" for n in item.evidence_for] + [f"-#{n}" for n in item.evidence_against]
        facts.append(Fact("HYP", after.now_s, clean(" ".join([said.rstrip(), *evidence]))))
    return facts


def clock_fact(view: SessionView) -> Fact:
    """Where simulated time stands."""
    span_s = view.now_s - view.joined_s
    return Fact("CLOCK", view.now_s, f"T+{minutes(span_s)} of {minutes(view.drill_s)} {view.clock}")
