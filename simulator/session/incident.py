"""The incident as the responder keeps it: notes, hypotheses with evidence, chat, status updates, hints."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from simulator.session.postmortem import Draft

HypothesisState = Literal["open", "confirmed", "out"]
NOTES_MAX = 500
KEPT_MAX = 20
HYPOTHESES_MAX = 40
COMMS_MAX = 1000
HINT_COSTS_POINTS = (4, 6, 8, 10)
"""What the first, second, third and fourth hint cost; every later one costs what the fourth does."""

ALWAYS = (
    "gateway",
    "fallback",
    "online-store",
    "offline-store",
    "materializer",
    "mlflow",
    "gpu-pool",
    "dns",
    "network",
    "traffic",
    "alerting",
)
"""Components of every platform; models, workloads and machines come with the platform's own names."""

MECHANISMS: dict[str, str] = {
    "bad_deploy": "a roll-out or job that should not have shipped",
    "cache_stampede": "many clients fill the same cold cache at once",
    "capacity_shortage": "healthy, but too few replicas for the load",
    "certificate_expired": "a certificate is past its date",
    "clock_skew": "a machine's clock is ahead or behind",
    "concept_drift": "the world changed, so right features give wrong predictions",
    "config_error": "a setting is wrong",
    "connection_exhaustion": "somebody holds the connections that others need",
    "crash_loop": "a process dies and restarts again and again",
    "data_drift": "inputs look different from training",
    "disk_full": "no space left",
    "dns_failure": "names do not resolve",
    "duplicate_events": "the same event is counted more than once",
    "feature_skew": "training and serving compute a feature differently",
    "gpu_failure": "a device or its driver is broken",
    "label_delay": "labels have not arrived yet",
    "memory_exceeded": "more memory is needed than the limit or device allows",
    "missing_values": "a field is no longer filled",
    "model_regression": "a version predicts worse than the one before",
    "network_partition": "parts cannot reach each other",
    "node_failure": "a machine is down or unhealthy",
    "partition_unassigned": "a part of a stream is read by nobody",
    "retry_storm": "clients repeat requests faster than they can be answered",
    "schema_mismatch": "a column changed name or type",
    "seasonal_dip": "the rhythm of the week, and nothing else",
    "slow_dependency": "something that others wait for has become slow",
    "stalled_job": "a job is alive but does not advance",
    "traffic_spike": "more requests than usual",
    "unit_change": "numbers arrive in another unit",
    "wrong_event_time": "events carry a time that is not when they happened",
}


def hint_cost_points(step: int) -> int:
    """Points that the hint number `step`, counted from 1, costs."""
    return HINT_COSTS_POINTS[min(step, len(HINT_COSTS_POINTS)) - 1]


@dataclass(slots=True)
class Note:
    t_s: float
    text: str


@dataclass(slots=True)
class Evidence:
    """A command output cited for or against. `relevant` is whether that output can show it."""

    event_n: int
    direction: Literal["for", "against"]
    relevant: bool


@dataclass(slots=True)
class Hypothesis:
    hyp_id: int
    component: str
    mechanism: str
    text: str
    state: HypothesisState = "open"
    evidence: list[Evidence] = field(default_factory=list)
    evidence_confirmed: int = 0
    """How much evidence there was at the last confirmation; with more it may be confirmed again."""


@dataclass(slots=True)
class Message:
    t_s: float
    author: str
    text: str


@dataclass(slots=True)
class Output:
    """One command and what it printed.

    `subjects` are the components its output was about, `looked` the kinds of evidence in it.
    """

    n: int
    t_s: float
    line: str
    text: str
    exit: int
    cost_s: float
    subjects: tuple[str, ...]
    looked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """Output that was written to a name with > or tee, and what it was evidence of."""

    t_s: float
    text: str
    looked: tuple[str, ...]
    subjects: tuple[str, ...]


@dataclass(slots=True)
class Incident:
    """Everything the responder has written down or done; bounded lists, newest last."""

    joined_s: float = float("inf")
    severity: str = ""
    scope: str = ""
    notes: list[Note] = field(default_factory=list)
    kept: dict[str, Kept] = field(default_factory=dict)
    """By name; at most KEPT_MAX."""
    hypotheses: list[Hypothesis] = field(default_factory=list)
    comms: list[Message] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    status_due_s: float | None = None
    hints_taken: int = 0
    rules_added: list[str] = field(default_factory=list)
    resolved: bool = False
    draft: Draft = field(default_factory=Draft)
    postmortem: bool = False
    """Whether one was filed; filing again replaces it."""
    ended: str | None = None
    ends_s: float = float("inf")

    def hypothesis(self, hyp_id: int) -> Hypothesis | None:
        return next((item for item in self.hypotheses if item.hyp_id == hyp_id), None)

    def output(self, n: int) -> Output | None:
        return next((item for item in self.outputs if item.n == n), None)
