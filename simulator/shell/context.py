"""What a command may look at and touch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reference_platform.monitoring.alerts import AlertEvaluator
from reference_platform.monitoring.pager import Pager
from simulator.drill.spec import DrillSpec
from simulator.engine.events import Event, EventLog, JsonValue
from simulator.incident.record import Incident
from simulator.incident.tags import Tag
from simulator.plant.by_hand import ByHand
from simulator.plant.plant import Plant

MASS_WINDOW_S = 60.0
DECLARED: Final = None
"""In place of kinds of evidence: all that the command declares."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a command printed and what it was about.

    `looked` are the kinds of evidence in it, of those that the command declares; `subjects` the components its output
    names. Both go into the event log; scores and evidence checks read them there.
    """

    text: str
    exit: int = 0
    looked: tuple[Tag, ...] | None = ()
    subjects: tuple[str, ...] = ()

    @property
    def seen(self) -> tuple[Tag, ...]:
        """`looked`, once the command has been carried out."""
        assert self.looked is not DECLARED, "whoever carries out a command fills in what it declares"
        return self.looked


@dataclass(slots=True)
class Operator:
    """The responder's hands: plant, alerting, incident record, and the event log they leave traces in."""

    plant: Plant
    alerts: AlertEvaluator
    pager: Pager
    incident: Incident
    drill: DrillSpec
    log: EventLog
    interview: bool
    requests: ByHand

    @property
    def now_s(self) -> float:
        return self.plant.now_s

    def emit(self, kind: str, data: Mapping[str, JsonValue]) -> Event:
        """A visible event of the responder."""
        return self.log.append(self.now_s, "responder", kind, data)

    def changed(self, action: str, components: Sequence[str], detail: str) -> None:
        """Record an accepted mutation of the platform. Call once per command, after the knob was turned."""
        data: dict[str, JsonValue] = {
            "action": action,
            "component": components[0],
            "components": list(components),
            "count_of_components_changed_last_60s": len({*components, *self._changed_lately()}),
            "detail": detail,
        }
        self.emit("changed", data)

    def _changed_lately(self) -> Iterator[str]:
        """Components of what the responder changed in the last minute, the newest change first."""
        for event in reversed(self.log.events):
            if self.now_s - event.t_s > MASS_WINDOW_S:
                return
            if event.kind == "changed" and event.src == "responder":
                yield from event.data["components"]  # type: ignore[misc]
