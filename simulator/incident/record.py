"""The incident as the responder keeps it: notes, hypotheses with evidence, chat, status updates, hints."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from simulator.incident.postmortem import Draft
from simulator.incident.tags import Tag

HypothesisState = Literal["open", "confirmed", "out"]
NOTES_MAX = 500
KEPT_MAX = 20
HYPOTHESES_MAX = 40
COMMS_MAX = 1000
HINT_COSTS_POINTS = (4, 6, 8, 10)
"""What the first, second, third and fourth hint cost; every later one costs what the fourth does."""


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
    looked: tuple[Tag, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """Output that was written to a name with > or tee, and what it was evidence of."""

    t_s: float
    text: str
    looked: tuple[Tag, ...]
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
