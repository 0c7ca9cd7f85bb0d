"""A drill in virtual time: the plant, what watches it, and the event log. It becomes a session when somebody joins."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from reference_platform.monitoring.alerts import AlertEvaluator, AlertRule
from reference_platform.monitoring.pager import Pager
from reference_platform.monitoring.slo import burn_rate_rules
from simulator.drill.spec import DrillSpec, Person, PlannedFault
from simulator.engine.drive import Part, VirtualDrive
from simulator.engine.events import EventLog, JsonValue
from simulator.faults.base import Fault, among
from simulator.faults.registry import FAULTS
from simulator.image.image import Image
from simulator.incident.record import Incident, Message
from simulator.plant.by_hand import ByHand
from simulator.plant.plant import Plant
from simulator.session.parts import (
    AlertPart,
    ClusterPart,
    FaultPart,
    MaterializerPart,
    ReviewPart,
    ScrapePart,
    WorldPart,
)
from simulator.session.report import ReportPart
from simulator.session.snapshot import Snapshot

ALERT_EVERY_S = 30.0


class Simulation:
    """One drill, one seed. Advancing it is all it takes; commands turn knobs of `plant` in between."""

    def __init__(self, drill: DrillSpec, image: Image, seed: int, extra_rules: Sequence[AlertRule] = ()) -> None:
        self.drill = drill
        self.log = EventLog()
        self.incident = Incident()
        self.plant = Plant(drill, image, seed, self._emit)
        self.by_hand = ByHand(self.plant)
        self.alerts = AlertEvaluator(self.plant.store, every_s=ALERT_EVERY_S, start_s=ALERT_EVERY_S)
        self.pager = Pager()
        for rule in (*platform_rules(drill), *extra_rules):
            self.alerts.add_rule(rule)
        self.faults: dict[str, Fault] = {}
        self.began: dict[str, Fault] = {}
        self._planned: dict[str, PlannedFault] = {}
        for index, item in enumerate(drill.faults):
            name = f"{item.fault_id}#{index}"
            self.faults[name] = FAULTS[item.fault_id].model_validate(dict(item.params))
            self._planned[name] = item
        self.fault_part = FaultPart(self._planned, self._begin_fault)
        self.alert_part = AlertPart(self.alerts, self.pager, self.log, self._paged)
        self.report = ReportPart(self.plant, self.log, self.began, self._is_joined)
        parts: list[Part] = [
            self.fault_part,
            WorldPart(self.plant),
            MaterializerPart(self.plant),
            ClusterPart(self.plant),
            ScrapePart(self.plant, self._busy),
            self.report,
            self.alert_part,
            *(
                ReviewPart(self.plant, person, self._complaint)
                for person in drill.people
                if person.review_at_s is not None
            ),
        ]
        self.drive = VirtualDrive(parts, self.plant.advance)

    @property
    def now_s(self) -> float:
        return self.plant.now_s

    def snapshot(self) -> Snapshot:
        """This simulation as it is now, in milliseconds; it goes on as if nothing had been."""
        return Snapshot.of(self, self.drill, self.plant.image)

    @staticmethod
    def restore(snapshot: Snapshot) -> Simulation:
        """A simulation that goes on from there, equal to the bit to the one that was not interrupted."""
        simulation = snapshot.restored()
        assert isinstance(simulation, Simulation), "a snapshot is made of a simulation"
        return simulation

    def advance(self, to_s: float, keep_going: Callable[[], bool]) -> float:
        """Run to `to_s`; stops early when `keep_going` says so, or the instant the responder joins."""
        joined_before = self._is_joined()
        return self.drive.run(to_s, lambda: keep_going() and self._is_joined() == joined_before)

    def run_until_joined(self, keep_going: Callable[[float], bool]) -> bool:
        """Run to the page or complaint. `keep_going(now_s)` is asked after every event; True when joined."""
        last_s = self.drill.joins_by_s
        while not self._is_joined():
            reached = self.advance(last_s, lambda: keep_going(self.now_s))
            if self._is_joined():
                break
            if reached >= last_s:
                self.join("shift")
                self.drive.arm()
            elif not keep_going(reached):
                return False
        return True

    def _is_joined(self) -> bool:
        return math.isfinite(self.incident.joined_s)

    def _busy(self) -> bool:
        return self._is_joined() or any(
            status.state != "resolved" and status.severity != "P3" for status in self.alerts.alerts()
        )

    def join(self, reason: str) -> None:
        """The responder's clock starts now."""
        if self._is_joined():
            return
        self.incident.joined_s = self.now_s
        self.incident.ends_s = self.now_s + self.drill.drill_s
        self.log.append(self.now_s, "session", "session.joined", {"reason": reason, "drill_s": self.drill.drill_s})
        self.fault_part.joined(self.now_s)
        self.report.joined(self.now_s)

    def _paged(self, text: str) -> None:
        self.incident.comms.append(Message(self.now_s, "pager", text))
        if self.drill.joins == "first_page" and self.began:
            self.join("page")

    def _complaint(self, person: Person, text: str) -> None:
        self.incident.comms.append(Message(self.now_s, person.name, text))
        self.log.append(self.now_s, "people", "comms", {"author": person.name, "text": text})
        if self.drill.joins == "complaint":
            self.join("complaint")

    def _begin_fault(self, name: str) -> None:
        fault, planned = self.faults[name], self._planned[name]
        self.began[name] = fault
        own_name = [planned.cause] if planned.cause else []
        accepted = dict.fromkeys((*own_name, *fault.accepted_in(self.plant), *planned.accepted))
        models = [model.name for model in self.plant.spec.models]
        near = [pair for pair in dict.fromkeys((*planned.near, *fault.near(models))) if pair not in accepted]
        component, mechanism = next(iter(accepted))
        data: dict[str, JsonValue] = {
            "fault": planned.fault_id,
            "component": component,
            "mechanism": mechanism,
            "accepted": [list(pair) for pair in accepted],
            "near": [list(pair) for pair in near],
            "also_safe": list(among(fault.also_safe, models)),
            "harmless": fault.harmless_in(self.plant),
        }
        self.log.append(self.now_s, "truth", "truth.fault", data, visible=False)
        fault.begin(self.plant)

    def _emit(self, source: str, kind: str, data: Mapping[str, object]) -> None:
        self.log.append(self.plant.now_s, source, kind, data)  # type: ignore[arg-type]


def platform_rules(drill: DrillSpec) -> list[AlertRule]:
    """The platform's alert rules: those of its document and the error budgets of its routes."""
    spec = drill.platform
    written = [
        AlertRule(
            name=item.name,
            expr=item.expr,
            for_s=item.hold,
            severity=item.severity,
            component=item.component,
            summary=item.summary,
            runbook=item.runbook,
        )
        for item in spec.alerts
    ]
    return written + burn_rate_rules([model.name for model in spec.models], spec.slo.availability)
