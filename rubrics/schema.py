"""What a rubric file may say. A criterion is judged by a pattern over events or by one of the built-in measures."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from reference_platform.durations import Duration
from rubrics.documents import Model, Ratio
from rubrics.measures import FlagMeasure, Measure

DEPTH_MAX = 6


class Test(Model):
    """Limits on one value: numbers by min and max, texts by their words, lists by their length."""

    min: float | None = None
    max: float | None = None
    words_min: int | None = None
    count_min: int | None = None


Condition = Test | str | bool | int | float | list[str]


class Pattern(Model):
    """Something that happened since the responder joined.

    `where` compares fields of the event: a text or number must be equal (or be in the list, when the field is one), a
    list means any of these. Times count from joining, or from the anchor when `after` is given.
    """

    event: str | None = None
    where: dict[str, Condition] = Field(default_factory=dict)
    before: Pattern | None = None
    after: Pattern | None = None
    without: Pattern | None = None
    within: Duration | None = None
    at_least: int = Field(default=1, ge=1)
    all: list[Pattern] | None = None
    any: list[Pattern] | None = None
    sequence: list[Pattern] | None = None
    never: Pattern | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Pattern:
        kinds = [name for name in ("event", "all", "any", "sequence", "never") if getattr(self, name) is not None]
        if len(kinds) != 1:
            raise ValueError("name exactly one of event, all, any, sequence, never")
        [kind] = kinds
        if kind != "event" and self.model_fields_set - {kind}:
            raise ValueError(f'"{kind}" stands alone; put conditions on the patterns inside it')
        inner = self.all if self.all is not None else self.any if self.any is not None else self.sequence
        if inner is not None and not inner:
            raise ValueError(f'"{kind}" needs at least one pattern')
        if self.depth() > DEPTH_MAX:
            raise ValueError(f"patterns may nest {DEPTH_MAX} deep")
        return self

    def depth(self) -> int:
        inner = [*(self.all or []), *(self.any or []), *(self.sequence or [])]
        inner += [item for item in (self.before, self.after, self.without, self.never) if item is not None]
        return 1 + max((item.depth() for item in inner), default=0)


class AppliesWhen(Model):
    """In which drills a criterion counts. Left out means in all of them."""

    drill: Literal["faulted", "harmless"] | None = None
    joined_by: Literal["page", "complaint"] | None = None


class NoChance(Model):
    """When a criterion could not be shown by anybody; it then counts neither way."""

    when: Pattern
    because: str


class Criterion(Model):
    """One thing a good responder does. `why` teaches; `how` names the command that would have shown or done it.

    Strong Hire needs at least the share `strong_needs` of its points; a critical one all of them, and Lean some.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: str = Field(min_length=1, max_length=30)
    asks: str
    points: float = Field(gt=0, le=100)
    critical: bool = False
    strong_needs: Ratio = 0.0
    applies_when: AppliesWhen = AppliesWhen()
    no_chance: NoChance | None = None
    met: Pattern | None = None
    partly: Pattern | None = None
    partly_ratio: Ratio = 0.5
    measure: Measure | None = None
    why: str
    how: str

    @model_validator(mode="after")
    def _one_judge(self) -> Criterion:
        if (self.met is None) == (self.measure is None):
            raise ValueError("judge by either met or measure")
        if self.partly is not None and self.met is None:
            raise ValueError("partly goes with met")
        return self


class Flag(Model):
    """One thing that must not happen."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: str
    level: Literal["fatal", "major", "minor"]
    applies_when: AppliesWhen = AppliesWhen()
    seen: Pattern | None = None
    measure: FlagMeasure | None = None
    why: str

    @model_validator(mode="after")
    def _one_judge(self) -> Flag:
        if (self.seen is None) == (self.measure is None):
            raise ValueError("judge by either seen or measure")
        return self


class Verdicts(Model):
    """The published bar. A fatal flag is always No; a major one at most Lean."""

    strong_score: float = Field(le=100)
    lean_score: float = Field(ge=0)
    lean_critical_partly_max: int = Field(ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> Verdicts:
        if self.lean_score >= self.strong_score:
            raise ValueError("lean_score must be below strong_score")
        return self


class Rubric(Model):
    """A whole rubric file."""

    schema_version: Literal[1]
    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: str
    verdicts: Verdicts
    criteria: list[Criterion] = Field(min_length=1)
    red_flags: list[Flag] = Field(default_factory=list)

    @model_validator(mode="after")
    def _unique_ids(self) -> Rubric:
        for kind, ids in (("criterion", [c.id for c in self.criteria]), ("red flag", [f.id for f in self.red_flags])):
            twice = sorted({name for name in ids if ids.count(name) > 1})
            if twice:
                raise ValueError(f"{kind} id {twice[0]!r} is used twice")
        return self
