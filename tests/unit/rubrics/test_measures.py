"""What a rubric may ask of a measure: every limit on both sides of its border."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from rubrics import measures
from rubrics.documents import Model


@pytest.mark.parametrize(
    ("measure", "limit", "smallest"),
    [
        (measures.EvidenceBackedHypotheses, "at_least", 1),
        (measures.UpdateContent, "words_min", 1),
        (measures.PostmortemCause, "words_min", 1),
        (measures.PostmortemCause, "own_words_min", 1),
        (measures.PostmortemCause, "own_words_met", 1),
        (measures.Prevention, "words_min", 1),
        (measures.NoNeedlessChange, "looks_min", 1),
        (measures.MassChange, "at_least", 2),
        (measures.Guessing, "confirmed_max", 1),
        (measures.Guessing, "thin_max", 1),
        (measures.Guessing, "loose_max", 1),
    ],
    ids=lambda item: getattr(item, "__name__", str(item)),
)
def test_a_count_has_a_smallest_value(measure: type[Model], limit: str, smallest: int) -> None:
    name = measure.model_fields["name"].annotation.__args__[0]  # type: ignore[union-attr]
    asked = measure.model_validate({"name": name, limit: smallest})
    assert getattr(asked, limit) == smallest
    with pytest.raises(ValidationError, match=f"greater than or equal to {smallest}"):
        measure.model_validate({"name": name, limit: smallest - 1})
