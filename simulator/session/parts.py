"""The parts of a running drill that wake up: world, jobs, cluster, scrapes, alerts, pager, reports, faults, people."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from reference_platform.models.card import BusinessMetric
from reference_platform.models.catalogue import CARDS
from reference_platform.monitoring.alerts import AlertEvaluator, Fired, Resolved, Transition
from reference_platform.monitoring.pager import Escalated, Notification, Paged, Pager
from simulator.drill.spec import Person, PlannedFault
from simulator.engine.events import EventLog, JsonValue
from simulator.plant.plant import Plant


class WorldPart:
    """Five-minute steps of the shop."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant

    def next_wake_s(self) -> float:
        return self._plant.next_world_step_s()

    def tick(self, now_s: float) -> None:
        if now_s >= self.next_wake_s():
            self._plant.step_world(now_s)


class MaterializerPart:
    """The materialisation jobs."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant

    def next_wake_s(self) -> float:
        return self._plant.materializer.next_wake_s()

    def tick(self, now_s: float) -> None:
        self._plant.log_lines(self._plant.materializer.tick(now_s))


class ClusterPart:
    """Pods and nodes."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant

    def next_wake_s(self) -> float:
        return self._plant.cluster.next_wake_s()

    def tick(self, now_s: float) -> None:
        self._plant.tick_cluster(now_s)


class FaultPart:
    """Faults at their planned times, by name. `begin` logs the truth and turns the knob."""

    def __init__(self, planned: Mapping[str, PlannedFault], begin: Callable[[str], None]) -> None:
        self._begin = begin
        rows = [(item.at_s, at, name, item.after_join) for at, (name, item) in enumerate(planned.items())]
        self._due = sorted((at_s, at, name) for at_s, at, name, after in rows if not after)
        self._waiting = [(after_s, at, name) for after_s, at, name, after in rows if after]

    def joined(self, now_s: float) -> None:
        """Somebody joined: what waited for that has a time now."""
        self._due = sorted([*self._due, *((now_s + after_s, at, name) for after_s, at, name in self._waiting)])
        self._waiting.clear()

    def next_wake_s(self) -> float:
        return self._due[0][0] if self._due else math.inf

    def tick(self, now_s: float) -> None:
        while now_s >= self.next_wake_s():
            _, _, name = self._due.pop(0)
            self._begin(name)


class ScrapePart:
    """Metrics: often while somebody watches or something is wrong, seldom otherwise."""

    def __init__(self, plant: Plant, busy: Callable[[], bool]) -> None:
        self._plant = plant
        self._busy = busy
        self._due_s = plant.spec.scrape.active

    def next_wake_s(self) -> float:
        return self._due_s

    def tick(self, now_s: float) -> None:
        if now_s < self._due_s:
            return
        self._plant.scrape(now_s)
        pace = self._plant.spec.scrape
        self._due_s = now_s + (pace.active if self._busy() else pace.quiet)


class AlertPart:
    """Alert rules, the pager behind them, and the events both leave."""

    def __init__(
        self,
        alerts: AlertEvaluator,
        pager: Pager,
        log: EventLog,
        on_page: Callable[[str], None],
    ) -> None:
        self._alerts = alerts
        self._pager = pager
        self._log = log
        self._on_page = on_page

    def next_wake_s(self) -> float:
        return min(self._alerts.next_wake_s(), self._pager.next_wake_s())

    def tick(self, now_s: float) -> None:
        self.observe(self._alerts.tick(now_s), now_s)

    def observe(self, transitions: Sequence[Transition], now_s: float) -> None:
        """Log what changed and notify whom it concerns."""
        for transition in transitions:
            alert = transition.alert
            if isinstance(transition, Fired):
                data: dict[str, JsonValue] = {
                    "alert_id": alert.alert_id,
                    "name": alert.name,
                    "severity": alert.severity,
                    "component": alert.component,
                    "summary": alert.summary,
                    "value": alert.value if math.isfinite(alert.value) else str(alert.value),
                }
                self._log.append(now_s, "alerts", "alert.fired", data)
            elif isinstance(transition, Resolved):
                self._log.append(now_s, "alerts", "alert.resolved", {"alert_id": alert.alert_id, "name": alert.name})
        for notification in self._pager.observe(transitions, now_s):
            self._notify(notification, now_s)

    def _notify(self, notification: Notification, now_s: float) -> None:
        alert = notification.alert
        if isinstance(notification, Paged):
            data: dict[str, JsonValue] = {
                "alert_id": alert.alert_id,
                "name": alert.name,
                "severity": alert.severity,
            }
            self._log.append(now_s, "pager", "page.sent", data)
            self._on_page(f"{alert.name}: {alert.summary}")
        elif isinstance(notification, Escalated):
            data = {"author": "pager", "text": f"{alert.name} not acknowledged, paging {notification.to}"}
            self._log.append(now_s, "pager", "comms", data)


class ReviewPart:
    """A person who compares what the business watches this week with what they remember."""

    REMEMBERS_UNTIL_S = 5 * 3600.0
    COMPLAINS_BELOW_RATIO = 0.92
    LOOKS_BACK_S = 6 * 3600.0

    def __init__(self, plant: Plant, person: Person, complain: Callable[[Person, str], None]) -> None:
        self._plant = plant
        self._person = person
        self._complain = complain
        self._due_s = person.review_at_s if person.review_at_s is not None else math.inf

    def next_wake_s(self) -> float:
        return self._due_s

    def tick(self, now_s: float) -> None:
        if now_s < self._due_s:
            return
        self._due_s = math.inf
        for name, card in CARDS.items():
            if card.business.complaint:
                self._compare(card.business, name, now_s)

    def _compare(self, metric: BusinessMetric, model: str, now_s: float) -> None:
        series = self._plant.store.series(metric.name, metric.labels(model))
        before = series.window(0.0, self.REMEMBERS_UNTIL_S).values
        lately = series.window(now_s - self.LOOKS_BACK_S, now_s).values
        if not len(lately) or not before.any():
            return  # nothing to compare, or a shop that never sold anything
        ratio = float(lately.mean() / before.mean())
        if ratio < self.COMPLAINS_BELOW_RATIO:
            self._complain(self._person, metric.complaint.format(fall=1 - ratio))
