"""Random plays of random nights: parts of good play at random times, with mischief among them."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from rubrics.findings import Scorecard
from rubrics.loader import incident_rubric
from rubrics.scoring import score
from tests.unit.rubrics.drill_logs import (
    DRILL_S,
    EXPERT,
    NIGHT,
    PASSING,
    POSTMORTEM,
    QUIET,
    QUIET_EXPERT,
    RELAPSING,
    SILENT,
    TWICE,
    Night,
    Step,
    change,
    decide,
    evidence,
    look,
    postmortem,
    refused,
    resolve,
    status,
    suspect,
)

BANDS = ("no", "lean", "strong")
STALLED: tuple[Step, ...] = (
    suspect("stall", 335),
    look("jobs", 338, "features status materializer", "jobs", "features"),
    evidence("stall", 340, "for", "jobs"),
    decide("stall", 345, "confirmed"),
    change("unlock", 380, "unlock", "materializer"),
)
SURGED: tuple[Step, ...] = tuple(step for step in EXPERT if step.kind != "changed" and "store" not in step.name)
NIGHTS: tuple[tuple[Night, tuple[Step, ...]], ...] = (
    (NIGHT, EXPERT),
    (SILENT, EXPERT),
    (QUIET, QUIET_EXPERT),
    (TWICE, (*EXPERT, *STALLED)),
    (RELAPSING, EXPERT),
    (PASSING, SURGED),
    (replace(NIGHT, ends_s=900.0), EXPERT),
)
NAMING = ("hypothesis.confirmed", "postmortem.filed")
"""Steps that name the cause; before the first look they are no better than a guess."""
STRANGERS = ("gateway", "recommendation", "search-ranking", "fraud-detection", "dns", "gpu-1")
"""Components that no fault of these nights is about and no cure touches."""
CURES = {"fix": "confirmed-store", "unlock": "confirmed-stall"}
WRONG = ("dns", "node")
GOOD_KINDS = (
    "alert.rule_added",
    "changed",
    "command",
    "hypothesis.confirmed",
    "hypothesis.evidence",
    "hypothesis.ruled_out",
    "page.acked",
    "postmortem.filed",
    "scope.declared",
    "status.sent",
)
"""Steps of an expert that are good whenever they are taken. A resolve is good only when it is true."""


@dataclass(frozen=True, slots=True)
class Play:
    """A night and what was done on it."""

    night: Night
    steps: tuple[Step, ...]

    def card(self) -> Scorecard:
        return score(self.night.log(self.steps), incident_rubric())

    def without(self, name: str) -> Play:
        return replace(self, steps=tuple(step for step in self.steps if step.name != name))

    def also(self, step: Step) -> Play:
        return replace(self, steps=(*self.steps, step))

    def good_steps(self) -> list[str]:
        """Names of steps whose absence must not help. A repair is good once its cause was
        confirmed, as far as there is one cause."""
        looked_s = min((step.at_s for step in self.steps if step.data.get("looked")), default=float("inf"))
        confirmed_s = {step.name: step.at_s for step in self.steps if step.kind == "hypothesis.confirmed"}
        return [
            step.name
            for step in self.steps
            if step.kind.startswith(GOOD_KINDS)
            and not step.name.startswith("bad")
            and (step.kind not in NAMING or step.at_s > looked_s)
            and (step.kind != "changed" or len(self.night.faults) == 1)
            and (step.kind != "changed" or confirmed_s.get(CURES[step.name], step.at_s) < step.at_s)
        ]


def random_play(rng: random.Random) -> Play:
    """Most of an expert's steps or few of them, faster or slower, with up to four bad ones."""
    night, expert = rng.choice(NIGHTS)
    keeps, pace = rng.choice((0.3, 0.6, 0.9, 1.0)), rng.choice((0.6, 1.0, 1.0, 1.4))
    steps = [replace(step, at_s=min(step.at_s * pace, DRILL_S)) for step in expert if rng.random() < keeps]
    steps = [*_suspected(expert, steps), *steps]
    if rng.random() < 0.3:
        steps = [replace(step, at_s=max(0.0, step.at_s + rng.uniform(-200, 200))) for step in steps]
    bad = [random_harm(rng, f"bad-{k}", night, steps) for k in range(rng.choice((0, 0, 1, 2, 4)))]
    return Play(night, (*steps, *bad))


def _suspected(expert: tuple[Step, ...], steps: list[Step]) -> list[Step]:
    """What is cited for or decided about a suspect was written down first."""
    ids = {step.data["hyp_id"] for step in steps if step.kind.startswith("hypothesis.")}
    added = {step.data["hyp_id"] for step in steps if step.kind == "hypothesis.added"}
    return [step for step in expert if step.kind == "hypothesis.added" and step.data["hyp_id"] in ids - added]


def random_harm(rng: random.Random, name: str, night: Night, steps: list[Step] | tuple[Step, ...]) -> Step:
    """One step that helps nobody, at a random time."""
    at_s = rng.uniform(0.0, night.ends_s)
    wrong = rng.choice(WRONG)
    kinds = {
        "change": lambda: change(
            name, at_s, rng.choice(("restart", "rollback", "scale", "set_limit")), rng.choice(STRANGERS)
        ),
        "remove": lambda: change(name, at_s, "scale_to_zero", rng.choice(STRANGERS[:4])),
        "refused": lambda: refused(name, at_s, rng.choice(STRANGERS)),
        "confirm": lambda: replace(decide(wrong, at_s, "confirmed"), name=name),
        "give up": lambda: replace(decide("dip" if night.harmless else "store", night.ends_s, "ruled_out"), name=name),
        "hush": lambda: Step(name, at_s, "alert.silenced", {"name": "slo-burn", "for_s": 600, "alert_ids": [1]}),
        "hint": lambda: Step(name, at_s, "hint.taken", {"step": 1, "of": 4, "costs_points": rng.choice((1, 4, 10))}),
        "nonsense": lambda: _said(name, at_s, "lorem ipsum dolor", "sit amet"),
        "all clear": lambda: resolve(_before_any_cure(rng, steps), wrong, name),
        "false paper": lambda: _paper(name, night.ends_s, wrong),
    }
    return kinds[rng.choice(list(kinds))]()


def _said(name: str, at_s: float, impact: str, doing: str) -> Step:
    step = status(name, at_s)
    return replace(step, data={**step.data, "impact": impact, "doing": doing})


def _paper(name: str, at_s: float, hyp: str) -> Step:
    step = postmortem(at_s, hyp, POSTMORTEM)
    return replace(step, name=name, data={**step.data, "prevention": ""})


def _before_any_cure(rng: random.Random, steps: list[Step] | tuple[Step, ...]) -> float:
    """A time at which the fault is still at work, whoever plays."""
    first_s = min((step.at_s for step in steps if step.kind == "changed"), default=500.0)
    return rng.uniform(0.0, min(first_s, 500.0))
