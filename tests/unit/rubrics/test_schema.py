"""What a rubric file may say: every limit on both sides of its border, and what the error names."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from rubrics.schema import Criterion, Pattern, Rubric, Verdicts

CRITERION: dict[str, Any] = {
    "id": "a", "title": "A", "asks": "?", "points": 1, "met": {"event": "x"}, "why": "because", "how": "so",
}  # fmt: skip
BAR = {"strong_score": 80, "lean_score": 50, "lean_critical_partly_max": 1}
RUBRIC: dict[str, Any] = {
    "schema_version": 1, "id": "test", "title": "Test", "verdicts": BAR, "criteria": [CRITERION],
}  # fmt: skip


def never(depth: int) -> dict[str, Any]:
    """A pattern of so many levels."""
    return {"event": "x"} if depth == 1 else {"never": never(depth - 1)}


@pytest.mark.parametrize("depth", [1, 2, 6])
def test_patterns_nest(depth: int) -> None:
    assert Pattern.model_validate(never(depth)).depth() == depth


@pytest.mark.parametrize("place", ["all", "any", "sequence", "before", "after", "without"])
def test_patterns_nest_six_deep_wherever_they_stand(place: str) -> None:
    def outer(inner: dict[str, Any]) -> dict[str, Any]:
        return {place: [{"event": "y"}, inner]} if place in ("all", "any", "sequence") else {"event": "y", place: inner}

    assert Pattern.model_validate(outer(never(5))).depth() == 6
    with pytest.raises(ValidationError, match="patterns may nest 6 deep"):
        Pattern.model_validate(outer(never(6)))


@pytest.mark.parametrize("kind", ["all", "any", "sequence", "never"])
def test_only_events_have_conditions(kind: str) -> None:
    inner: Any = {"event": "x"} if kind == "never" else [{"event": "x"}]
    with pytest.raises(ValidationError, match=f'"{kind}" stands alone'):
        Pattern.model_validate({kind: inner, "within": "5m"})


@pytest.mark.parametrize("kind", ["all", "any", "sequence"])
def test_a_list_of_patterns_is_not_empty(kind: str) -> None:
    with pytest.raises(ValidationError, match=f'"{kind}" needs at least one pattern'):
        Pattern.model_validate({kind: []})


def test_something_happens_at_least_once() -> None:
    assert Pattern.model_validate({"event": "x", "at_least": 1}) == Pattern(event="x", at_least=1)
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        Pattern.model_validate({"event": "x", "at_least": 0})


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("title", ["x", "x" * 30], ["", "x" * 31]),
        ("points", [0.001, 100], [0, 100.001]),
        ("strong_needs", [0, 1], [-0.001, 1.001]),
    ],
)
def test_a_criterion_has_a_short_title_and_some_points(key: str, good: list[object], bad: list[object]) -> None:
    for value in good:
        assert getattr(Criterion.model_validate({**CRITERION, key: value}), key) == value
    for value in bad:
        with pytest.raises(ValidationError, match=key):
            Criterion.model_validate({**CRITERION, key: value})


@pytest.mark.parametrize(
    ("bar", "says"),
    [
        ({"strong_score": 100, "lean_score": 99.999}, ""),
        ({"strong_score": 0.001, "lean_score": 0}, ""),
        ({"lean_critical_partly_max": 0}, ""),
        ({"strong_score": 100.001}, "less than or equal to 100"),
        ({"lean_score": -0.001}, "greater than or equal to 0"),
        ({"strong_score": 50}, "below strong_score"),
        ({"strong_score": -1}, "below strong_score"),
        ({"lean_score": 101}, "below strong_score"),
        ({"lean_critical_partly_max": -1}, "greater than or equal to 0"),
    ],
)
def test_the_bars_lie_between_nothing_and_all_and_lean_below_strong(bar: dict[str, float], says: str) -> None:
    if not says:
        assert Verdicts.model_validate({**BAR, **bar}).model_dump() == {**BAR, **bar}
        return
    with pytest.raises(ValidationError, match=says):
        Verdicts.model_validate({**BAR, **bar})


def test_a_rubric_judges_something() -> None:
    assert len(Rubric.model_validate(RUBRIC).criteria) == 1
    with pytest.raises(ValidationError, match="at least 1 item"):
        Rubric.model_validate({**RUBRIC, "criteria": []})


def test_the_first_name_that_is_used_twice_is_told() -> None:
    twice = [{**CRITERION, "id": name} for name in "babca"]
    with pytest.raises(ValidationError, match="criterion id 'a' is used twice"):
        Rubric.model_validate({**RUBRIC, "criteria": twice})
