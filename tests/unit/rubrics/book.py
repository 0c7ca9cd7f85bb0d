"""A log written by hand, event by event, for tests that ask about one instant or one number.

Times count from joining, in seconds, and never run backwards. Every call returns the event, so that a test can say
which ones must be cited.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rubrics.facts import Facts
from simulator.engine.events import Event, EventLog, JsonValue

JOINED_S = 7200.0
ROUTES = ("recommendation", "search-ranking", "fraud-detection")
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Wrong:
    """A fault as the log tells it. The first of `accepted` is its plain name."""

    accepted: tuple[Pair, ...]
    near: tuple[Pair, ...] = ()
    also_safe: tuple[str, ...] = ()
    harmless: bool = False
    began_s: float = -600.0


LEAK = Wrong(
    (("online-store", "connection_exhaustion"), ("loyalty-export", "connection_exhaustion")),
    near=(("gateway", "connection_exhaustion"),),
    also_safe=("materializer",),
)
STALL = Wrong((("materializer", "stalled_job"),), near=(("offline-store", "stalled_job"),))
DIP = Wrong((("traffic", "seasonal_dip"),), harmless=True)


class Book:
    """The log of one drill, up to the moment of joining when made."""

    def __init__(
        self,
        *faults: Wrong,
        reason: str = "page",
        drill_s: float = 1800.0,
        before: Sequence[tuple[float, str, dict[str, JsonValue]]] = (),
    ) -> None:
        """`before` are events between the faults' beginning and joining, after the faults at the same time."""
        self.log = EventLog()
        begun = [(fault.began_s, "truth.fault", _told(f"f{k}", fault)) for k, fault in enumerate(faults, start=1)]
        for at_s, kind, data in sorted([*begun, *before], key=lambda item: item[0]):
            self.add(at_s, kind, **data)
        self.joined = self.add(0, "session.joined", reason=reason, drill_s=drill_s)

    @property
    def facts(self) -> Facts:
        return Facts(self.log)

    def add(self, at_s: float, kind: str, **data: JsonValue) -> Event:
        return self.log.append(JOINED_S + at_s, "test", kind, data)

    # ---- what the responder did

    def look(self, at_s: float, *looked: str, of: Sequence[str] = (), line: str = "look", verb: str = "") -> Event:
        return self.add(
            at_s,
            "command",
            line=line,
            verb=verb or line.split(maxsplit=1)[0],
            exit=0,
            looked=list(looked),
            subjects=list(of),
            changes=False,
            attempted=False,
        )

    def refused(self, at_s: float, *subjects: str, line: str = "kubectl delete pod x") -> Event:
        return self.add(
            at_s, "command", line=line, verb="kubectl", exit=1, looked=[], subjects=list(subjects), attempted=True
        )

    def change(self, at_s: float, action: str, *components: str) -> Event:
        return self.add(at_s, "changed", action=action, component=components[0], components=list(components))

    def suspect(self, at_s: float, hyp_id: int, component: str, mechanism: str) -> Event:
        return self.add(at_s, "hypothesis.added", hyp_id=hyp_id, component=component, mechanism=mechanism)

    def cite(self, at_s: float, hyp_id: int, output: Event, direction: str = "for", **data: JsonValue) -> Event:
        said: dict[str, JsonValue] = {"concerns": True, "relevant": True, "strength": 1.0, **data}
        return self.add(at_s, "hypothesis.evidence", hyp_id=hyp_id, direction=direction, event_n=output.n, **said)

    def confirm(self, at_s: float, hyp_id: int) -> Event:
        return self.add(at_s, "hypothesis.confirmed", hyp_id=hyp_id)

    def rule_out(self, at_s: float, hyp_id: int, because: str = "its numbers are as always") -> Event:
        return self.add(at_s, "hypothesis.ruled_out", hyp_id=hyp_id, because=because)

    def prove(self, at_s: float, hyp_id: int, component: str, mechanism: str, **data: JsonValue) -> Event:
        """Suspect, look, cite and confirm at one instant. Returns the confirmation."""
        self.suspect(at_s, hyp_id, component, mechanism)
        shown = self.look(at_s, "logs", of=[component])
        self.cite(at_s, hyp_id, shown, **data)
        return self.confirm(at_s, hyp_id)

    def status(self, at_s: float, impact: str = "", doing: str = "", next_s: float = 0.0, **data: JsonValue) -> Event:
        said: dict[str, JsonValue] = {"audience": "business", "text": "", "final": False, **data}
        return self.add(at_s, "status.sent", impact=impact, doing=doing, next_s=next_s, **said)

    def scope(self, at_s: float, severity: str, scope: str = "all models") -> Event:
        return self.add(at_s, "scope.declared", severity=severity, scope=scope, text="")

    def resolve(self, at_s: float, *causes: Pair) -> Event:
        first = causes[0] if causes else ("", "")
        pairs = [list(pair) for pair in causes]
        return self.add(at_s, "resolve.claimed", component=first[0], mechanism=first[1], causes=pairs, text="")

    def withdraw(self, at_s: float) -> Event:
        return self.add(at_s, "resolve.withdrawn", text="it is back")

    def postmortem(self, at_s: float, *causes: Pair, **prose: JsonValue) -> Event:
        first = causes[0] if causes else ("", "")
        pairs = [list(pair) for pair in causes]
        return self.add(at_s, "postmortem.filed", component=first[0], mechanism=first[1], causes=pairs, **prose)

    def ack(self, at_s: float) -> Event:
        return self.add(at_s, "page.acked", alert_ids=[1], by="you")

    def silence(self, at_s: float, name: str, *alert_ids: int) -> Event:
        return self.add(at_s, "alert.silenced", name=name, for_s=600.0, alert_ids=list(alert_ids))

    # ---- what the platform did

    def page(self, at_s: float, name: str = "SiteOnDefaults") -> Event:
        return self.add(at_s, "page.sent", alert_id=1, name=name, severity="P1")

    def fired(self, at_s: float, alert_id: int, name: str, severity: str = "P1") -> Event:
        return self.add(at_s, "alert.fired", alert_id=alert_id, name=name, severity=severity, component="gateway")

    def slo(self, at_s: float, good: bool, lost: Sequence[int] = (0, 0, 0), requests: int = 1000) -> Event:
        return self.add(at_s, "slo", good=good, routes=routes(lost, requests))

    def state(self, at_s: float, cleared: bool, good: bool) -> Event:
        return self.add(at_s, "truth.state", cleared=cleared, good=good)

    def harm(self, at_s: float, eur: float) -> Event:
        return self.add(at_s, "truth.harm", eur=eur)

    def heal(self, at_s: float) -> tuple[Event, Event]:
        """The cause is gone and users are well served."""
        return self.state(at_s, cleared=True, good=True), self.slo(at_s, good=True)

    def hurt(self, at_s: float, lost: int = 900) -> tuple[Event, Event]:
        """The cause is at work, and so many of a thousand responses of every route come from no model."""
        return self.state(at_s, cleared=False, good=False), self.slo(at_s, good=False, lost=(lost,) * 3)


def cured(*also: str, at_s: float = 100, book: Book | None = None) -> Book:
    """Hurt at 0, the job stopped and `also` restarted, healed at `at_s`."""
    book = book or Book(LEAK)
    book.hurt(0)
    book.change(10, "stop_job", "loyalty-export")
    for component in also:
        book.change(20, "restart", component)
    book.heal(at_s)
    return book


def routes(lost: Sequence[int], requests: int = 1000) -> dict[str, JsonValue]:
    """Counts of one report; `lost` are defaults by route."""
    return {
        name: {"requests": requests, "ok": requests - bad, "fallback": bad, "errors": 0}
        for name, bad in zip(ROUTES, lost, strict=True)
    }


def ns(*events: Event) -> tuple[int, ...]:
    """Numbers as a judgement cites them."""
    return tuple(event.n for event in events)


def _told(fault_id: str, fault: Wrong) -> dict[str, JsonValue]:
    component, mechanism = fault.accepted[0]
    return {
        "fault": fault_id,
        "component": component,
        "mechanism": mechanism,
        "accepted": [list(pair) for pair in fault.accepted],
        "near": [list(pair) for pair in fault.near],
        "also_safe": list(fault.also_safe),
        "harmless": fault.harmless,
    }
