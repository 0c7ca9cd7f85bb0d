from __future__ import annotations

import numpy as np
import pytest

from reference_platform.models.catalogue import CARDS, all_versions, schema_of, version_spec
from reference_platform.models.schema import assemble


def test_columns_come_view_by_view_and_context_last() -> None:
    schema = schema_of("fraud-detection", 2)
    views = {part.view: np.full((5, len(part.columns)), i, np.float32) for i, part in enumerate(schema.views)}
    views["unread_view"] = np.full((5, 2), 9, np.float32)
    x = assemble(schema, views, np.full((5, 4), 7, np.float32))
    assert x.shape == (5, len(schema.columns))
    assert x.dtype == np.float32
    owners = [name.split(".")[0] for name in schema.columns]
    expected = {"card_velocity": 0, "merchant_risk": 1, "context": 7}
    np.testing.assert_array_equal(x[0], [expected[owner] for owner in owners])


def test_a_part_of_the_wrong_width_is_refused_by_name() -> None:
    schema = schema_of("search-ranking", 2)
    with pytest.raises(ValueError, match=r"product_popularity has shape \(5, 3\)"):
        assemble(schema, {"product_popularity": np.zeros((5, 3), np.float32)}, np.zeros((5, 1), np.float32))
    with pytest.raises(KeyError):
        assemble(schema, {}, np.zeros((5, 1), np.float32))


def test_log_columns_exist() -> None:
    for spec in all_versions():
        assert set(spec.schema.log_columns) <= set(spec.schema.columns)


def test_the_first_fraud_model_reads_the_card_only() -> None:
    assert [part.view for part in schema_of("fraud-detection", 1).views] == ["card_velocity"]
    assert [part.view for part in schema_of("fraud-detection", 2).views] == ["card_velocity", "merchant_risk"]


@pytest.mark.parametrize("name", CARDS)
def test_a_card_keeps_to_itself(name: str) -> None:
    """Versions count from one, every alias points at one of them, and none reads more than the card says."""
    card = CARDS[name]
    assert card.name == name
    assert [spec.version for spec in card.versions] == list(range(1, len(card.versions) + 1))
    assert "champion" in card.aliases
    assert set(card.aliases.values()) <= {spec.version for spec in card.versions}
    for spec in card.versions:
        assert spec.model == name
        assert set(spec.schema.columns) <= set(card.schema.columns)
        assert spec.schema.rows_per_request == card.schema.rows_per_request
    ages = [spec.footprint.trained_days_ago for spec in card.versions]
    assert ages == sorted(ages, reverse=True)


def test_the_fourth_recommender_is_widest() -> None:
    widths = [max(version_spec("recommendation", version).hidden, default=0) for version in (1, 2, 3, 4)]
    assert widths == sorted(set(widths))
    with pytest.raises(KeyError, match="recommendation version 9"):
        version_spec("recommendation", 9)
