"""Small event logs for scoring tests: a toy world whose fault goes away when a fix is among the changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.engine.events import Event, EventLog

JOINED_S = 600.0
DRILL_S = 1800.0
RECOVERY_LAG_S = 120.0
ROUTES = ("recommendation", "search-ranking", "fraud-detection")

MEANING = {
    "store": ("online-store", "connection_exhaustion"),
    "gateway": ("gateway", "retry_storm"),
    "dip": ("traffic", "seasonal_dip"),
    "dns": ("dns", "dns_failure"),
}
POSTMORTEM = (
    "The export job that was deployed in the evening kept its connections open. By three the pool of the online store"
    " was full and every model timed out. We stopped the job, and the service was back in two minutes."
)


@dataclass(frozen=True, slots=True)
class Step:
    """Something the responder did, `at_s` after joining. `name` is how tests refer to it."""

    name: str
    at_s: float
    kind: str
    data: dict[str, Any]
    cites: str = ""


@dataclass(frozen=True, slots=True)
class Night:
    """What is really wrong. `fixes` are sets of (action, component); one whole set removes the cause."""

    component: str = "online-store"
    mechanism: str = "connection_exhaustion"
    accepted: tuple[tuple[str, str], ...] = (("loyalty-export", "connection_exhaustion"),)
    fixes: tuple[frozenset[tuple[str, str]], ...] = (
        frozenset({("stop_job", "loyalty-export")}),
        frozenset({("set_connections", "online-store"), ("set_limit", "loyalty-export")}),
    )
    harmless: bool = False
    reason: str = "page"
    rule_fires_after_s: float | None = 300.0
    steps: tuple[Step, ...] = field(default=())

    def log(self, steps: Sequence[Step]) -> list[Event]:
        """The event log of a night on which these steps were taken."""
        return _Writer(self, sorted(steps, key=lambda step: step.at_s)).write()


def look(name: str, at_s: float, line: str, *tags: str) -> Step:
    data = {
        "line": line,
        "verb": line.partition(" ")[0],
        "exit": 0,
        "cost_s": 5.0,
        "looked": list(tags),
        "subjects": [],
    }
    return Step(name, at_s, "command", {**data, "changes": False})


def change(name: str, at_s: float, action: str, component: str) -> Step:
    data = {"action": action, "component": component, "components": [component], "detail": ""}
    return Step(name, at_s, "changed", {**data, "count_of_components_changed_last_60s": 1})


def suspect(hyp: str, at_s: float) -> Step:
    component, mechanism = MEANING[hyp]
    data = {"hyp_id": hyp, "component": component, "mechanism": mechanism, "text": "maybe"}
    return Step(f"suspect-{hyp}", at_s, "hypothesis.added", data)


def evidence(hyp: str, at_s: float, direction: str, cites: str, relevant: bool = True) -> Step:
    data = {"hyp_id": hyp, "direction": direction, "event_n": 0, "relevant": relevant}
    return Step(f"evidence-{direction}-{hyp}", at_s, "hypothesis.evidence", data, cites)


def decide(hyp: str, at_s: float, kind: str) -> Step:
    component, mechanism = MEANING[hyp]
    data = {"hyp_id": hyp, "component": component, "mechanism": mechanism, "because": "its numbers are as always"}
    return Step(f"{kind}-{hyp}", at_s, f"hypothesis.{kind}", data)


def status(name: str, at_s: float) -> Step:
    data = {"audience": "business", "impact": "all customers see defaults", "doing": "checking the feature store"}
    return Step(name, at_s, "status.sent", {**data, "next_s": 900.0, "text": "update"})


def resolve(at_s: float, hyp: str = "store") -> Step:
    component, mechanism = MEANING[hyp]
    return Step("resolve", at_s, "resolve.claimed", {"component": component, "mechanism": mechanism, "text": "done"})


def postmortem(at_s: float, hyp: str = "store", text: str = POSTMORTEM) -> Step:
    component, mechanism = MEANING[hyp]
    prevention = "Alert when the pool of the online store is more than 80 percent full for five minutes."
    data = {"component": component, "mechanism": mechanism, "text": text, "prevention": prevention}
    return Step("postmortem", at_s, "postmortem.filed", {**data, "words": len(text.split())})


def rule(at_s: float) -> Step:
    data = {"name": "pool-full", "expr": "online_pool_used_ratio > 0.8", "for_s": 300.0, "component": "online-store"}
    return Step("rule", at_s, "alert.rule_added", data)


def ack(at_s: float = 60.0) -> Step:
    return Step("ack", at_s, "page.acked", {"alert_ids": ["a1"], "by": "you"})


def scope(at_s: float = 80.0, severity: str = "SEV1") -> Step:
    return Step("scope", at_s, "scope.declared", {"severity": severity, "scope": "all models", "text": ""})


NIGHT = Night()
SILENT = replace(NIGHT, reason="complaint")
QUIET = Night("traffic", "seasonal_dip", (("traffic", "seasonal_dip"),), (), harmless=True)

EXPERT: tuple[Step, ...] = (
    ack(),
    scope(),
    look("fallback", 90, "curl fallback", "fallback"),
    look("pods", 110, "kubectl get pods", "pods"),
    look("logs", 130, "kubectl logs gateway", "logs"),
    status("status-1", 180),
    look("upstream", 220, "features status", "upstream", "features"),
    look("changes", 260, "deploys", "changes"),
    suspect("gateway", 280),
    suspect("store", 290),
    evidence("store", 300, "for", "upstream"),
    evidence("gateway", 310, "against", "pods"),
    decide("gateway", 320, "ruled_out"),
    decide("store", 330, "confirmed"),
    change("fix", 360, "stop_job", "loyalty-export"),
    look("verify", 560, "metrics p99", "metrics"),
    status("status-2", 900),
    status("status-3", 1150),
    rule(1160),
    resolve(1200),
    postmortem(1210),
)

QUIET_EXPERT: tuple[Step, ...] = (
    ack(),
    scope(severity="SEV4"),
    look("fallback", 90, "curl fallback", "fallback"),
    look("pods", 110, "kubectl get pods", "pods"),
    look("history", 150, "metrics clicks -7d", "metrics", "history"),
    look("changes", 180, "deploys", "changes"),
    suspect("dns", 200),
    suspect("dip", 210),
    evidence("dip", 220, "for", "history"),
    evidence("dns", 230, "against", "pods"),
    decide("dns", 240, "ruled_out"),
    decide("dip", 250, "confirmed"),
    status("status-1", 280),
    resolve(300, "dip"),
    postmortem(310, "dip"),
)


class _Writer:
    def __init__(self, night: Night, steps: list[Step]) -> None:
        self.night, self.steps = night, steps
        self.log = EventLog()
        self.cited: dict[str, int] = {}
        self.done: set[tuple[str, str]] = set()
        self.cleared_s: float | None = None
        last_s = max((s.at_s for s in steps if s.kind in ("resolve.claimed", "postmortem.filed")), default=DRILL_S)
        self.end_s = JOINED_S + (last_s if any(s.kind == "resolve.claimed" for s in steps) else DRILL_S)

    def write(self) -> list[Event]:
        todo: list[tuple[float, int, Callable[[float], None]]] = [(0.0, 0, self._begin), (JOINED_S, 1, self._join)]
        todo += [(60.0 * k, 2, self._minute) for k in range(1, int(self.end_s // 60) + 1)]
        todo += [
            (JOINED_S + step.at_s, 3, lambda now_s, step=step: self._step(step, now_s))  # type: ignore[misc]
            for step in self.steps
            if JOINED_S + step.at_s <= self.end_s
        ]
        for now_s, _, act in sorted(todo, key=lambda item: item[:2]):
            act(now_s)
        ended = "resolved" if any(step.kind == "resolve.claimed" for step in self.steps) else "timeout"
        self.log.append(self.end_s, "session", "session.ended", {"reason": ended})
        return list(self.log)

    def _begin(self, now_s: float) -> None:
        night = self.night
        self.log.append(now_s, "session", "session.started", {"scenario": "toy", "seed": 1})
        truth: dict[str, Any] = {"fault": "f1", "component": night.component, "mechanism": night.mechanism}
        truth["harmless"] = night.harmless
        accepted = [list(pair) for pair in night.accepted]
        self.log.append(now_s, "fault", "truth.fault", {**truth, "accepted": accepted}, visible=False)
        self._minute(now_s)

    def _join(self, now_s: float) -> None:
        if self.night.reason == "page":
            alert = {"alert_id": "a1", "name": "slo-burn", "severity": "P1", "component": "gateway"}
            self.log.append(now_s, "alerts", "alert.fired", {**alert, "summary": "errors", "value": 0.5})
            self.log.append(now_s, "pager", "page.sent", {"alert_id": "a1", "name": "slo-burn", "severity": "P1"})
        self.log.append(now_s, "session", "session.joined", {"reason": self.night.reason, "drill_s": DRILL_S})

    def _minute(self, now_s: float) -> None:
        cleared = self.night.harmless or self.cleared_s is not None
        good = self.night.harmless or (self.cleared_s is not None and now_s >= self.cleared_s + RECOVERY_LAG_S)
        eur = 0.0 if good else 10.0
        counts = {"requests": 1000, "ok": 1000 if good else 100, "fallback": 0 if good else 900, "errors": 0}
        routes = {route: {**counts, "good": good} for route in ROUTES}
        self.log.append(now_s, "slo", "slo", {"routes": routes, "good": good})
        state: dict[str, Any] = {"cleared": cleared, "faults": {"f1": "cleared" if cleared else "active"}, "good": good}
        self.log.append(now_s, "truth", "truth.state", state, visible=False)
        harm: dict[str, Any] = {"eur": eur, "total_eur": 0.0, "by_route": {}}
        self.log.append(now_s, "truth", "truth.harm", harm, visible=False)

    def _step(self, step: Step, now_s: float) -> None:
        data = dict(step.data)
        if step.cites:
            data["event_n"] = self.cited.get(step.cites, 0)
            data["relevant"] = data["relevant"] and step.cites in self.cited
        self.cited[step.name] = self.log.append(now_s, "shell", step.kind, data).n
        if step.kind == "changed":
            self.done.add((data["action"], data["component"]))
            if self.cleared_s is None and any(fix <= self.done for fix in self.night.fixes):
                self.cleared_s = now_s
        if step.kind == "alert.rule_added":
            fires = self.night.rule_fires_after_s
            check = {"name": data["name"], "fires_at_s": fires, "since_fault_s": fires, "joined_after_s": JOINED_S}
            self.log.append(now_s, "prevention", "prevention.checked", check)
