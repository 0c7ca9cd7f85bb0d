"""The rubric that ships: its bar, its points, and that its measures are used as they are by default."""

from __future__ import annotations

import pytest

from rubrics.loader import incident_rubric
from rubrics.schema import Criterion

OTHERWISE = {
    "mitigation": {"collateral_ratios"},
    "quiet-explained": {"repeated_ratio"},
    "quiet-status": {"met", "partly"},
    "quiet-follow-up": {"words_min"},
    "act-before-look": {"named"},
    "early-all-clear": {"corrected"},
    "scaled-to-zero": {"actions"},
    "deleted": {"actions", "components"},
}
"""Parameters that a criterion or flag sets to something else than what they are when left out."""


def by_drill(drill: str) -> list[Criterion]:
    return [item for item in incident_rubric().criteria if item.applies_when.drill in (None, drill)]


@pytest.mark.parametrize("item", [*incident_rubric().criteria, *incident_rubric().red_flags], ids=lambda item: item.id)
def test_a_parameter_that_is_left_out_is_what_the_shipped_rubric_says(item: object) -> None:
    """A team that writes its own rubric and names a measure alone judges as this one does."""
    measure = getattr(item, "measure", None)
    own = OTHERWISE.get(str(getattr(item, "id", "")), set())
    if measure is None:
        assert not own
        return
    plain = type(measure).model_validate({"name": measure.name, **({"actions": []} if "actions" in own else {})})
    differs = {name for name in type(measure).model_fields if getattr(plain, name) != getattr(measure, name)}
    assert differs == own


@pytest.mark.parametrize("drill", ["faulted", "harmless"])
def test_what_is_critical_weighs_more_than_the_bar_leaves_open(drill: str) -> None:
    """Nobody who misses what is critical gets through, whatever else they do; and points alone do not make Strong."""
    criteria = by_drill(drill)
    bar = incident_rubric().verdicts
    assert sum(item.points for item in criteria) == 100
    critical = sum(item.points for item in criteria if item.critical)
    assert critical >= 100 - bar.lean_score
    assert bar.lean_score < bar.strong_score <= 100
    assert all(item.strong_needs > 0 or item.points <= 10 for item in criteria if not item.critical)


@pytest.mark.parametrize("level", ["fatal", "major"])
def test_there_are_flags_of_both_weights_and_each_says_why(level: str) -> None:
    assert [flag for flag in incident_rubric().red_flags if flag.level == level]
    assert all(flag.why.endswith(".") for flag in incident_rubric().red_flags)
