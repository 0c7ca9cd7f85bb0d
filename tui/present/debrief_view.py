"""The debrief as the front ends draw it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from simulator.session.view import DashboardView, Mark

Verdict = Literal["strong", "lean", "no"]
Met = Literal["met", "partly", "missed", "no chance"]
Who = Literal["world", "you", "expert"]

LETTERS: dict[str, str] = {
    "fault": "F", "alert": "a", "ack": "k", "look": "o", "hypothesis": "h", "change": "x", "status": "s",
    "recovery": "V", "resolve": "R", "prevention": "p",
}  # fmt: skip
VERDICT_WORDS: dict[Verdict, str] = {"strong": "Strong Hire", "lean": "Lean Hire", "no": "No Hire"}


@dataclass(frozen=True, slots=True)
class CriterionRow:
    """One judged criterion. `points` is None when there was no chance to show it. `evidence` are event numbers."""

    criterion: str
    points: float | None
    points_max: float
    verdict: Met
    because: str
    evidence: tuple[int, ...] = ()
    critical: bool = False
    why: str = ""
    """Why it matters on call; shown when points were lost."""
    how: str = ""
    """How to earn it next time."""
    expert: str = ""
    """What the expert did about it."""


@dataclass(frozen=True, slots=True)
class TimelineMark:
    """Something that happened at a simulation time. `kind` is a key of LETTERS, `text` explains it."""

    t_s: float
    who: Who
    kind: str
    text: str
    n: int = 0

    @property
    def letter(self) -> str:
        """The mark on the lane."""
        return LETTERS.get(self.kind, "*")


@dataclass(frozen=True, slots=True)
class DebriefView:
    """A finished drill, judged. Times are simulation seconds; `harm_eur` is what the incident cost."""

    scenario_id: str
    title: str
    verdict: Verdict
    score: float
    expert_score: float | None
    joined_s: float
    drill_s: float
    harm_eur: float
    harm_idle_eur: float | None
    harm_expert_eur: float | None
    summary: str
    rows: tuple[CriterionRow, ...]
    reasons: tuple[str, ...] = ()
    """What stands between the verdict and the next better one."""
    hints: str = ""
    """What hints cost; empty when none was taken."""
    red_flags: tuple[str, ...] = ()
    timeline: tuple[TimelineMark, ...] = ()
    expert: tuple[str, ...] = ()
    """What an expert did and why, one paragraph each."""
    lessons: tuple[str, ...] = ()
    """What to do next time, dearest first."""
    times_s: Mapping[str, float | None] = field(default_factory=dict)
    """Time to acknowledge, diagnose, mitigate, recover; None where it did not happen."""
    events: Mapping[int, str] = field(default_factory=dict)
    """Readable text of every event that a row or a mark cites."""
    dashboards: tuple[DashboardView, ...] = ()
    marks: tuple[Mark, ...] = ()
    run_path: str = ""

    @property
    def exit_code(self) -> int:
        """0 when resolved well (strong or lean), 1 when it fell short."""
        return 0 if self.verdict in ("strong", "lean") else 1
