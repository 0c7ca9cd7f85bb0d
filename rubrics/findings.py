"""What scoring says: findings with evidence, red flags, and the scorecard they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["met", "partly", "missed", "no_chance"]
Level = Literal["fatal", "major", "minor"]
Band = Literal["strong", "lean", "no"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a pattern or a measure decided. `share` is the fraction of the points earned, 0..1.

    `critical` is false when a criterion that is critical elsewhere was not on this night.
    """

    verdict: Verdict
    share: float
    evidence: tuple[int, ...]
    because: str
    critical: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """One criterion, judged. `evidence` holds event numbers, never none; raises ValueError otherwise."""

    criterion: str
    title: str
    verdict: Verdict
    points: float
    points_max: float
    evidence: tuple[int, ...]
    because: str
    critical: bool = False
    strong_needs: float = 0.0
    why: str = ""
    how: str = ""

    def __post_init__(self) -> None:
        if not self.evidence:
            raise ValueError(f"finding {self.criterion!r} cites no event")
        if not self.because:
            raise ValueError(f"finding {self.criterion!r} gives no reason")
        if not 0.0 <= self.points <= self.points_max:
            raise ValueError(f"finding {self.criterion!r} gives {self.points} of {self.points_max} points")


@dataclass(frozen=True, slots=True)
class RedFlag:
    """Something that must not happen on call. Fatal means No; major means at most Lean; minor is advice."""

    flag: str
    title: str
    level: Level
    evidence: tuple[int, ...]
    text: str

    def __post_init__(self) -> None:
        if not self.evidence:
            raise ValueError(f"red flag {self.flag!r} cites no event")


@dataclass(frozen=True, slots=True)
class Hints:
    """Hints that were taken, and the points that they cost; `evidence` is empty when there were none."""

    taken: int
    points: float
    evidence: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds since the responder joined; None where it did not happen.

    tta: first page acknowledged. ttd: first right cause confirmed for good. ttm: start of the final good stretch that
    a change of the responder brought about. ttr: a claim of resolution that was right and had held.
    """

    tta_s: float | None
    ttd_s: float | None
    ttm_s: float | None
    ttr_s: float | None


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The result of one drill. `score` is 0..100, what hints cost taken off.

    `reasons` say what stands between the verdict and the next better one; `critical_missed` names the critical criteria
    that were not met.
    """

    rubric: str
    score: float
    verdict: Band
    reasons: tuple[str, ...]
    findings: tuple[Finding, ...]
    red_flags: tuple[RedFlag, ...]
    critical_missed: tuple[str, ...]
    hints: Hints
    times: Times
    harm_eur: float
    harm_idle_eur: float | None
