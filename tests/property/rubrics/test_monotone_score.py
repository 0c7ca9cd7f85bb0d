"""Good steps never hurt: over random subsets of expert play with random mischief, at random times."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from rubrics.findings import Scorecard
from rubrics.loader import incident_rubric
from rubrics.scoring import score
from tests.unit.rubrics.drill_logs import (
    EXPERT,
    NIGHT,
    QUIET,
    QUIET_EXPERT,
    SILENT,
    Night,
    Step,
    change,
    decide,
    evidence,
    look,
    suspect,
)

MISCHIEF: tuple[Step, ...] = (
    change("m1", 20, "restart", "gateway"),
    change("m2", 350, "restart", "recommendation"),
    change("m3", 355, "rollback", "search-ranking"),
    change("m4", 700, "scale_to_zero", "fraud-detection"),
    suspect("dns", 400),
    decide("dns", 410, "confirmed"),
    Step("m5", 200, "alert.silenced", {"name": "slo-burn", "for_s": 60}),
)
NIGHTS = st.sampled_from([(NIGHT, EXPERT), (SILENT, EXPERT), (QUIET, QUIET_EXPERT)])


def play(night: Night, steps: list[Step]) -> Scorecard:
    return score(night.log(steps), incident_rubric())


@st.composite
def plays(draw: st.DrawFn) -> tuple[Night, list[Step], list[Step]]:
    """A night, the good steps taken on it, and the bad ones."""
    night, expert = draw(NIGHTS)
    good = draw(st.lists(st.sampled_from(expert), unique_by=lambda step: step.name))
    bad = draw(st.lists(st.sampled_from(MISCHIEF), unique_by=lambda step: step.name, max_size=4))
    return night, good, bad


@given(plays())
@settings(max_examples=150, deadline=None)
def test_the_score_stays_in_range_and_explains_itself(case: tuple[Night, list[Step], list[Step]]) -> None:
    night, good, bad = case
    log = night.log([*good, *bad])
    card = score(log, incident_rubric())
    assert 0.0 <= card.score <= 100.0
    numbers = {event.n for event in log}
    for evidence_n in (*(item.evidence for item in card.findings), *(flag.evidence for flag in card.red_flags)):
        assert evidence_n
        assert set(evidence_n) <= numbers
    if any(flag.level == "fatal" for flag in card.red_flags):
        assert card.verdict == "no"


@given(plays(), st.data())
@settings(max_examples=200, deadline=None)
def test_removing_a_good_step_never_raises_the_score(
    case: tuple[Night, list[Step], list[Step]], data: st.DataObject
) -> None:
    night, good, bad = case
    steps = [step for step in good if step.kind not in ("changed", "resolve.claimed")]
    if not steps:
        return
    gone = data.draw(st.sampled_from(steps))
    less = play(night, [step for step in [*good, *bad] if step.name != gone.name])
    assert less.score <= play(night, [*good, *bad]).score, gone.name


@given(plays(), st.floats(0, 1100), st.sampled_from(["for", "against"]))
@settings(max_examples=150, deadline=None)
def test_adding_useful_evidence_never_lowers_the_score(
    case: tuple[Night, list[Step], list[Step]], at_s: float, direction: str
) -> None:
    night, good, bad = case
    hyp = "dip" if night is QUIET else "store"
    extra = replace(evidence(hyp, at_s, direction, ""), name="extra")
    shown = look("extra-look", max(0.0, at_s - 1), "metrics pool", "metrics")
    before = play(night, [*good, *bad])
    after = play(night, [*good, *bad, shown, extra])
    assert after.score >= before.score


@given(plays())
@settings(max_examples=60, deadline=None)
def test_mischief_never_lifts_the_verdict(case: tuple[Night, list[Step], list[Step]]) -> None:
    night, good, bad = case
    order = ("no", "lean", "strong")
    clean, dirty = play(night, good), play(night, [*good, *bad])
    assert order.index(dirty.verdict) <= order.index(clean.verdict)
