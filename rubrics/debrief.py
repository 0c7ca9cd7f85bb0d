"""What a run looks like afterwards: one time axis for the world, you and the expert, and what to do next time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rubrics.facts import Facts
from rubrics.findings import Finding, Scorecard
from rubrics.loader import incident_rubric
from rubrics.reading import number, text, texts
from rubrics.schema import Rubric
from rubrics.scoring import score
from rubrics.words import minutes, phrase
from simulator.engine.events import Event

Lane = Literal["world", "you", "expert"]
Kind = Literal["fault", "alert", "ack", "look", "hypothesis", "change", "status", "recovery", "resolve", "prevention"]

ENTRIES_MAX = 400  # per lane

_KINDS: dict[str, Kind] = {
    "page.acked": "ack",
    "scope.declared": "hypothesis",
    "hypothesis.added": "hypothesis",
    "hypothesis.confirmed": "hypothesis",
    "hypothesis.ruled_out": "hypothesis",
    "changed": "change",
    "alert.silenced": "change",
    "status.sent": "status",
    "resolve.claimed": "resolve",
    "alert.rule_added": "prevention",
    "postmortem.filed": "prevention",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One mark on the axis. `t_s` is seconds since that responder joined; `n` is the event in that responder's run."""

    lane: Lane
    t_s: float
    kind: Kind
    text: str
    n: int


@dataclass(frozen=True, slots=True)
class Lesson:
    """Points that were not earned: why, how to earn them, and what the expert did about it."""

    title: str
    lost: float
    critical: bool
    because: str
    why: str
    how: str
    expert: str
    evidence: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HarmCompared:
    """EUR since joining; None where it was not measured."""

    you_eur: float
    idle_eur: float | None
    expert_eur: float | None


@dataclass(frozen=True, slots=True)
class Debrief:
    """Everything a debrief screen shows. `lessons` come dearest first."""

    scenario: str
    card: Scorecard
    expert_card: Scorecard | None
    entries: tuple[Entry, ...]
    lessons: tuple[Lesson, ...]
    truth: tuple[str, ...]
    prevention: str
    harm: HarmCompared
    axis_s: float


def debrief(
    events: Iterable[Event],
    scorecard: Scorecard,
    expert_events: Iterable[Event] | None = None,
    rubric: Rubric | None = None,
) -> Debrief:
    """The debrief of a run; with the expert's run of the same drill, what they did is set beside it. Pure."""
    facts = Facts(events)
    expert = Facts(expert_events, "they") if expert_events is not None else None
    expert_card = score(expert.events, rubric or incident_rubric(), "they") if expert is not None else None
    entries = [*_world(facts), *_responder(facts, "you")]
    axis_s = max(facts.drill_s, facts.after_join_s(facts.last))
    if expert is not None:
        entries += _responder(expert, "expert")
        axis_s = max(axis_s, expert.after_join_s(expert.last))
    started = facts.all("session.started")
    return Debrief(
        scenario=text(started[0], "scenario") if started else "",
        card=scorecard,
        expert_card=expert_card,
        entries=tuple(sorted(entries, key=lambda entry: entry.t_s)),
        lessons=_lessons(scorecard.findings, expert_card.findings if expert_card else ()),
        truth=_truth(facts),
        prevention=_prevention(facts),
        harm=HarmCompared(scorecard.harm_eur, scorecard.harm_idle_eur, expert_card.harm_eur if expert_card else None),
        axis_s=axis_s,
    )


def _world(facts: Facts) -> list[Entry]:
    began = [fault.event for fault in facts.faults]
    found = [Entry("world", facts.after_join_s(event), "fault", phrase(event), event.n) for event in began]
    fired = facts.all("alert.fired")[:ENTRIES_MAX]
    return found + [Entry("world", facts.after_join_s(event), "alert", phrase(event), event.n) for event in fired]


def _responder(facts: Facts, lane: Lane) -> list[Entry]:
    found = [Entry(lane, facts.after_join_s(event), "look", phrase(event), event.n) for event in facts.looks()]
    for kind, entry_kind in _KINDS.items():
        found += [Entry(lane, facts.after_join_s(e), entry_kind, phrase(e), e.n) for e in facts.since_join(kind)]
    recovery = None if facts.harmless else facts.recovery()
    if recovery is not None:
        start = recovery.start
        found.append(
            Entry(lane, facts.after_join_s(start), "recovery", "service was good again, and stayed so", start.n)
        )
    return sorted(found, key=lambda entry: entry.n)[:ENTRIES_MAX]


def _lessons(findings: Sequence[Finding], expert: Sequence[Finding]) -> tuple[Lesson, ...]:
    did = {finding.criterion: finding.because for finding in expert if finding.verdict == "met"}
    lessons = [
        Lesson(
            title=finding.title,
            lost=round(finding.points_max - finding.points, 2),
            critical=finding.critical,
            because=finding.because,
            why=finding.why,
            how=finding.how,
            expert=did.get(finding.criterion, ""),
            evidence=finding.evidence,
        )
        for finding in findings
        if finding.verdict in ("missed", "partly")
    ]
    return tuple(sorted(lessons, key=lambda lesson: (not lesson.critical, -lesson.lost)))


def _truth(facts: Facts) -> tuple[str, ...]:
    if not facts.faults:
        return ("Nothing was broken.",)
    told = []
    for fault in facts.faults:
        began_s = facts.after_join_s(fault.event)
        when = f"{minutes(-began_s)} before you joined" if began_s < 0 else f"{minutes(began_s)} after you joined"
        component, mechanism = text(fault.event, "component"), text(fault.event, "mechanism").replace("_", " ")
        harmless = " This was harmless: nothing needed to be changed." if fault.harmless else ""
        told.append(f"{component}: {mechanism}. It began {when}.{harmless}")
    return tuple(told)


def _prevention(facts: Facts) -> str:
    checked = facts.since_join("prevention.checked")
    filed = [item for event in facts.since_join("postmortem.filed") for item in texts(event, "prevention")]
    if not checked and filed:
        return "You wrote: " + "; ".join(filed)
    if not checked and facts.harmless:
        return "Nothing was done so that this page does not come again."
    if not checked:
        return "No alert rule was added, so nothing shows whether it would be caught next time."
    lines = []
    for event in checked:
        name, at_s, fires_s = text(event, "name"), number(event, "fires_at_s"), number(event, "since_fault_s")
        if fires_s is None or at_s is None:
            lines.append(f"Your rule {name} does not fire when the drill is run again [#{event.n}].")
        elif fires_s < 0:
            lines.append(f"Your rule {name} fires before anything is wrong: a false alarm [#{event.n}].")
        else:
            head = f"Your rule {name} fires {minutes(fires_s)} after the fault begins [#{event.n}]"
            early_s = facts.joined.t_s - at_s
            gain = f"{minutes(early_s)} before you were called." if early_s > 0 else "too late to help."
            lines.append(f"{head}, {gain}")
    return " ".join(lines)
