"""Event logs of whole drills for scoring tests: a small world in which faults hurt, and go away when they are fixed.

It is told as real drills are: a report of objectives, harm and truth each minute, spiky harm by route, alerts and pages
with numbers, hypotheses with numbers, evidence with its strength, and a drill that runs to its end after the resolve.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from simulator.engine.events import Event, EventLog

JOINED_S = 1800.0
DRILL_S = 1800.0
RECOVERY_LAG_S = 120.0
ROUTES = ("recommendation", "search-ranking", "fraud-detection")
SPIKES = (1.0, 0.2, 0.5, 4.0, 1.0, 0.1, 0.7, 0.9, 9.0, 0.6, 1.1, 0.4)
"""Harm by minute, as a share of the usual: most minutes are cheap, a few are dear."""

MEANING = {
    "store": ("online-store", "connection_exhaustion"),
    "export": ("loyalty-export", "connection_exhaustion"),
    "near": ("gateway", "connection_exhaustion"),
    "gateway": ("gateway", "retry_storm"),
    "stall": ("materializer", "stalled_job"),
    "dip": ("traffic", "seasonal_dip"),
    "dns": ("dns", "dns_failure"),
    "node": ("gpu-1", "node_failure"),
}
HYP_IDS = {name: number for number, name in enumerate(MEANING, start=1)}
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
class Trouble:
    """One fault. `fixes` are sets of (action, component); one whole set removes the cause, and so does time."""

    component: str
    mechanism: str
    accepted: tuple[tuple[str, str], ...] = ()
    near: tuple[tuple[str, str], ...] = ()
    also_safe: tuple[str, ...] = ()
    fixes: tuple[frozenset[tuple[str, str]], ...] = ()
    harmless: bool = False
    began_s: float = -1200.0
    passes_s: float | None = None
    eur_per_minute: float = 10.0


LEAK = Trouble(
    "online-store",
    "connection_exhaustion",
    (MEANING["export"],),
    near=(MEANING["near"],),
    also_safe=("materializer",),
    fixes=(
        frozenset({("stop_job", "loyalty-export")}),
        frozenset({("set_connections", "online-store"), ("set_limit", "loyalty-export")}),
    ),
)
STALL = Trouble("materializer", "stalled_job", fixes=(frozenset({("unlock", "materializer")}),), began_s=-900.0)
DIP = Trouble("traffic", "seasonal_dip", harmless=True)
SURGE = Trouble("traffic", "traffic_spike", passes_s=600.0)


@dataclass(frozen=True, slots=True)
class Night:
    """What is really wrong, why the responder joins, and how the night goes on.

    The service is bad again for a minute at each of `relapses_s` after joining. `ends_s` is when the responder leaves.
    """

    faults: tuple[Trouble, ...] = (LEAK,)
    reason: str = "page"
    rule_fires_after_s: float | None = 300.0
    relapses_s: tuple[float, ...] = ()
    ends_s: float = DRILL_S

    @property
    def harmless(self) -> bool:
        return all(fault.harmless for fault in self.faults)

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
        "subjects": [line.rsplit(maxsplit=1)[-1]],
    }
    return Step(name, at_s, "command", {**data, "changes": False, "attempted": False})


def refused(name: str, at_s: float, component: str) -> Step:
    """A changing command that failed."""
    line = f"kubectl delete pod {component}"
    data = {"line": line, "verb": "kubectl", "exit": 1, "cost_s": 1.0, "looked": [], "subjects": [component]}
    return Step(name, at_s, "command", {**data, "changes": False, "attempted": True})


def change(name: str, at_s: float, action: str, component: str) -> Step:
    data = {"action": action, "component": component, "components": [component], "detail": ""}
    return Step(name, at_s, "changed", {**data, "count_of_components_changed_last_60s": 1})


def suspect(hyp: str, at_s: float) -> Step:
    component, mechanism = MEANING[hyp]
    data = {"hyp_id": HYP_IDS[hyp], "component": component, "mechanism": mechanism, "text": "maybe"}
    return Step(f"suspect-{hyp}", at_s, "hypothesis.added", data)


def evidence(hyp: str, at_s: float, direction: str, cites: str, relevant: bool = True) -> Step:
    data = {"hyp_id": HYP_IDS[hyp], "direction": direction, "event_n": 0, "concerns": True, "relevant": relevant}
    data["strength"] = 1.0 if relevant else 0.0
    return Step(f"evidence-{direction}-{hyp}", at_s, "hypothesis.evidence", data, cites)


def decide(hyp: str, at_s: float, kind: str) -> Step:
    component, mechanism = MEANING[hyp]
    data = {
        "hyp_id": HYP_IDS[hyp],
        "component": component,
        "mechanism": mechanism,
        "because": "its numbers are as always",
    }
    return Step(f"{kind}-{hyp}", at_s, f"hypothesis.{kind}", data)


def status(name: str, at_s: float) -> Step:
    data = {"audience": "business", "impact": "all customers see defaults", "doing": "checking the feature store"}
    return Step(name, at_s, "status.sent", {**data, "next_s": 900.0, "final": False, "text": "update"})


def resolve(at_s: float, hyp: str = "store", name: str = "resolve") -> Step:
    component, mechanism = MEANING[hyp]
    data = {"component": component, "mechanism": mechanism, "causes": [[component, mechanism]], "text": "done"}
    return Step(name, at_s, "resolve.claimed", data)


def postmortem(at_s: float, hyp: str = "store", text: str = POSTMORTEM) -> Step:
    component, mechanism = MEANING[hyp]
    prevention = "Alert when the pool of the online store is more than 80 percent full for five minutes."
    data = {"component": component, "mechanism": mechanism, "causes": [[component, mechanism]], "text": text}
    data["prevention"] = prevention
    return Step("postmortem", at_s, "postmortem.filed", {**data, "words": len(text.split())})


def rule(at_s: float) -> Step:
    data = {"name": "pool-full", "expr": "online_pool_used_ratio > 0.8", "for_s": 300.0, "component": "online-store"}
    return Step("rule", at_s, "alert.rule_added", data)


def ack(at_s: float = 60.0) -> Step:
    return Step("ack", at_s, "page.acked", {"alert_ids": [1], "by": "you"})


def scope(at_s: float = 80.0, severity: str = "SEV1") -> Step:
    return Step("scope", at_s, "scope.declared", {"severity": severity, "scope": "all models", "text": ""})


NIGHT = Night()
SILENT = replace(NIGHT, reason="complaint")
QUIET = Night((DIP,))
TWICE = Night((LEAK, STALL, DIP))
RELAPSING = replace(NIGHT, relapses_s=(700.0,))
PASSING = Night((SURGE,))

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
        self.cleared_s: dict[str, float] = {}
        self.total_eur = 0.0

    def write(self) -> list[Event]:
        night = self.night
        begins = [(JOINED_S + fault.began_s, 0, _later(self._begin, fault)) for fault in night.faults]
        todo: list[tuple[float, int, Callable[[float], None]]] = [*begins, (JOINED_S, 1, self._join)]
        end_s = JOINED_S + night.ends_s
        todo += [(60.0 * k, 2, self._minute) for k in range(1, int(end_s // 60) + 1)]
        todo += [
            (JOINED_S + step.at_s, 3, _later(self._step, step)) for step in self.steps if step.at_s <= night.ends_s
        ]
        for now_s, _, act in sorted(todo, key=lambda item: item[:2]):
            act(now_s)
        ended = "resolved" if any(step.kind == "resolve.claimed" for step in self.steps) else "timeout"
        self.log.append(end_s, "session", "session.ended", {"reason": ended})
        return list(self.log)

    def _begin(self, fault: Trouble, now_s: float) -> None:
        own = (fault.component, fault.mechanism)
        truth: dict[str, Any] = {"fault": f"{fault.component}.{fault.mechanism}", "harmless": fault.harmless}
        truth |= {"component": fault.component, "mechanism": fault.mechanism, "also_safe": list(fault.also_safe)}
        truth |= {
            "accepted": [list(pair) for pair in (own, *fault.accepted)],
            "near": [list(pair) for pair in fault.near],
        }
        self.log.append(now_s, "fault", "truth.fault", truth, visible=False)

    def _join(self, now_s: float) -> None:
        if self.night.reason == "page":
            alert = {"alert_id": 1, "name": "slo-burn", "severity": "P1", "component": "gateway"}
            self.log.append(now_s, "alerts", "alert.fired", {**alert, "summary": "errors", "value": 0.5})
            self.log.append(now_s, "pager", "page.sent", {"alert_id": 1, "name": "slo-burn", "severity": "P1"})
        self.log.append(now_s, "session", "session.joined", {"reason": self.night.reason, "drill_s": DRILL_S})

    def _minute(self, now_s: float) -> None:
        joined_s = now_s - JOINED_S
        real = [fault for fault in self.night.faults if not fault.harmless and fault.began_s <= joined_s]
        for fault in real:
            if fault.passes_s is not None and joined_s >= fault.passes_s:
                self.cleared_s.setdefault(fault.component, now_s)
        hurting = [f for f in real if now_s < self.cleared_s.get(f.component, 1e9) + RECOVERY_LAG_S]
        cleared = all(fault.component in self.cleared_s for fault in real)
        relapsed = any(at_s <= joined_s < at_s + 60.0 for at_s in self.night.relapses_s)
        good = not hurting and not relapsed
        counts = {"requests": 1000, "ok": 1000 if good else 100, "fallback": 0 if good else 900, "errors": 0}
        routes = {route: {**counts, "good": good} for route in ROUTES}
        self.log.append(now_s, "slo", "slo", {"routes": routes, "good": good, "window_s": 60.0})
        eur = sum(fault.eur_per_minute for fault in hurting) * SPIKES[int(now_s // 60) % len(SPIKES)]
        self.total_eur += eur
        by_route = {route: eur * share for route, share in zip(ROUTES, (0.5, 0.3, 0.2), strict=True)}
        harm: dict[str, Any] = {"eur": eur, "total_eur": self.total_eur, "by_route": by_route}
        self.log.append(now_s, "truth", "truth.harm", harm, visible=False)
        told = {fault.component: "cleared" if fault.component in self.cleared_s else "active" for fault in real}
        state: dict[str, Any] = {"cleared": cleared, "faults": told, "good": good}
        self.log.append(now_s, "truth", "truth.state", state, visible=False)

    def _step(self, step: Step, now_s: float) -> None:
        data = dict(step.data)
        if step.cites:
            data["event_n"] = self.cited.get(step.cites, 0)
            if step.cites not in self.cited:
                data |= {"relevant": False, "strength": 0.0}
        self.cited[step.name] = self.log.append(now_s, "responder", step.kind, data).n
        if step.kind == "changed":
            self.done.add((data["action"], data["component"]))
            for fault in self.night.faults:
                if any(fix <= self.done for fix in fault.fixes):
                    self.cleared_s.setdefault(fault.component, now_s)
        if step.kind == "alert.rule_added":
            after_s = self.night.rule_fires_after_s
            began_s = JOINED_S + min((fault.began_s for fault in self.night.faults), default=0.0)
            check = {"name": data["name"], "joined_after_s": JOINED_S, "healthy_firings": 0, "since_fault_s": after_s}
            check["fires_at_s"] = None if after_s is None else began_s + after_s
            self.log.append(now_s, "session", "prevention.checked", check)


def _later(call: Callable[[Any, float], None], item: Any) -> Callable[[float], None]:
    return lambda now_s: call(item, now_s)
