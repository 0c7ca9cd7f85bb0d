from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from reference_platform.errors import ContentError
from rubrics.loader import LIBRARY, incident_rubric, load_rubric, parse_rubric

TEXT = (LIBRARY / "incident.yaml").read_text(encoding="utf-8")


def test_the_shipped_rubric_loads_and_names_a_way_to_earn_every_point() -> None:
    assert all(item.how and item.why for item in incident_rubric().criteria)
    assert load_rubric(LIBRARY / "incident.yaml") == incident_rubric()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("points: 14", "points: fourteen", '"points"'),
        ("points: 14", "points: -1", "greater than 0"),
        ("name: mitigation,", "name: mitigatoin,", 'did you mean "mitigation"?'),
        ("wrong_cost_ratio: 0.35, repeated_ratio: 0.2", "wrong_cost: 0.35", 'did you mean "wrong_cost_ratio"?'),
        ("within: 10m, before", "within: 10, before", "with a unit"),
        ("id: scope\n", "id: fallback\n", "used twice"),
        ("level: major", "level: grave", '"level" cannot be "grave"'),
        ("strong_score: 80", "strong_score: 50", "below strong_score"),
        ("    measure: {name: harm", "    met: {event: x}\n    measure: {name: harm", "either met or measure"),
        ("{event: scope.declared}", "{event: page.acked, never: {event: changed}}", "exactly one of"),
        ("{event: scope.declared}", "{any: []}", "at least one"),
    ],
)
def test_a_mistake_in_a_rubric_names_its_line(old: str, new: str, says: str) -> None:
    assert old in TEXT
    with pytest.raises(ContentError) as caught:
        parse_rubric(TEXT.replace(old, new, 1), "mine.yaml")
    assert says in str(caught.value)
    source, line, column = caught.value.where.split(":")
    assert (source, int(line) > 0, int(column) > 0) == ("mine.yaml", True, True)


@pytest.mark.parametrize(
    ("ratio", "says"),
    [("-0.001", "greater than or equal to 0"), ("0", ""), ("1", ""), ("1.001", "less than or equal to 1")],
)
def test_a_share_lies_between_nothing_and_all(ratio: str, says: str) -> None:
    changed = TEXT.replace("repeated_ratio: 0.2", f"repeated_ratio: {ratio}", 1)
    if not says:
        assert parse_rubric(changed, "mine.yaml") != incident_rubric()
        return
    with pytest.raises(ContentError, match=says):
        parse_rubric(changed, "mine.yaml")


def test_a_rubric_that_was_loaded_cannot_be_changed() -> None:
    """It is loaded once and shared."""
    with pytest.raises(ValidationError, match="frozen"):
        incident_rubric().criteria[0].points = 99.0


def test_a_missing_rubric_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="no such file"):
        load_rubric(tmp_path / "gone.yaml")
