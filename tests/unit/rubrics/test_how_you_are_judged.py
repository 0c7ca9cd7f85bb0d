"""The page for learners states the numbers that the rubric uses."""

from __future__ import annotations

from pathlib import Path

from rubrics.loader import incident_rubric
from simulator.incident.record import HINT_COSTS_POINTS

PAGE = (Path(__file__).parents[3] / "docs" / "how-you-are-judged.md").read_text(encoding="utf-8")


def test_the_cuts_of_the_verdicts_are_those_of_the_rubric() -> None:
    bar = incident_rubric().verdicts
    assert f"| Strong Hire | {bar.strong_score:g} points" in PAGE
    assert f"| Lean Hire | {bar.lean_score:g} points" in PAGE


def test_the_prices_of_hints_are_those_of_the_drill() -> None:
    *first, last = HINT_COSTS_POINTS
    assert f"{', '.join(map(str, first))} and {last} points" in PAGE


def test_what_strong_asks_for_is_told() -> None:
    told = {
        "hypotheses": "several causes tested",
        "discipline": "a cause before the change",
        "status-content": "one useful update",
        "harm": "much of the avoidable harm avoided",
        "speed": "recovery in good time",
        "postmortem": "a post-mortem",
        "prevention": "a prevention worth reading",
    }
    asked = {c.id for c in incident_rubric().criteria if c.strong_needs and c.applies_when.drill == "faulted"}
    assert asked == set(told)
    assert all(words in PAGE for words in told.values())
