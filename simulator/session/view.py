"""What a front end may see of a session: plain frozen data, no behaviour, nothing a responder could not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

AlertState = Literal["FIRING", "ACKED", "RESOLVED", "SILENCED"]
ServiceState = Literal["OK", "DEGRADED", "DOWN", "UNKNOWN"]
HypothesisState = Literal["open", "confirmed", "out"]


@dataclass(frozen=True, slots=True)
class AlertView:
    alert_id: int
    name: str
    severity: str
    state: AlertState
    since_s: float
    component: str
    summary: str


@dataclass(frozen=True, slots=True)
class SeriesView:
    """One line of a dashboard. `times_s` ascending simulation seconds; `limit` is an SLO or capacity line, or None."""

    title: str
    unit: str
    times_s: NDArray[np.float64]
    values: NDArray[np.float64]
    limit: float | None


@dataclass(frozen=True, slots=True)
class DashboardView:
    name: str
    series: tuple[SeriesView, ...]


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A node of the service map; `parent` is who depends on it ("" for the root)."""

    name: str
    parent: str
    state: ServiceState
    detail: str


@dataclass(frozen=True, slots=True)
class LogLine:
    t_s: float
    source: str
    level: Literal["INFO", "WARN", "ERROR"]
    text: str


@dataclass(frozen=True, slots=True)
class NoteView:
    t_s: float
    text: str


@dataclass(frozen=True, slots=True)
class HypothesisView:
    hyp_id: int
    component: str
    mechanism: str
    text: str
    state: HypothesisState
    evidence_for: tuple[int, ...]
    evidence_against: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CommsLine:
    t_s: float
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class TerminalEntry:
    """One command and its output. `n` is the event number to cite as evidence."""

    n: int
    t_s: float
    line: str
    text: str
    exit: int
    cost_s: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment drawn on every chart: d deploy, a alert, y your change."""

    t_s: float
    kind: Literal["d", "a", "y"]
    text: str


@dataclass(frozen=True, slots=True)
class CommandResult:
    text: str
    exit: int
    cost_s: float
    n: int


@dataclass(frozen=True, slots=True)
class SessionView:
    scenario_id: str
    title: str
    brief: str
    mode: Literal["practice", "interview"]
    now_s: float
    joined_s: float
    drill_s: float
    clock: str
    """Calendar time at now_s, `Wed 03:07:42`."""
    severity: str
    burn_rate: float
    error_ratio: float
    status_due_s: float | None
    """Simulation time by which the next status update was promised, or None."""
    ended: str | None
    alerts: tuple[AlertView, ...]
    dashboards: tuple[DashboardView, ...]
    services: tuple[ServiceView, ...]
    logs: tuple[LogLine, ...]
    notes: tuple[NoteView, ...]
    hypotheses: tuple[HypothesisView, ...]
    comms: tuple[CommsLine, ...]
    terminal: tuple[TerminalEntry, ...]
    marks: tuple[Mark, ...]
    hints_used: int
    hints_total: int
    hint_costs_points: int = 0
    """What the next hint costs; 0 when there is none to take."""
