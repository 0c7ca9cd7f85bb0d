"""The registry of models: the one place where they are listed. A new model is a folder and a line here."""

from __future__ import annotations

from collections.abc import Iterator

from reference_platform.models.card import ModelCard, VersionSpec
from reference_platform.models.dynamic_pricing.card import DYNAMIC_PRICING
from reference_platform.models.fraud_detection.card import FRAUD_DETECTION
from reference_platform.models.recommendation.card import RECOMMENDATION
from reference_platform.models.schema import ModelSchema
from reference_platform.models.search_ranking.card import SEARCH_RANKING

CARDS: dict[str, ModelCard] = {
    card.name: card for card in (RECOMMENDATION, FRAUD_DETECTION, SEARCH_RANKING, DYNAMIC_PRICING)
}


def card_of(model: str) -> ModelCard:
    """The card of a model. Raises KeyError for an unknown one."""
    return CARDS[model]


def version_spec(model: str, version: int) -> VersionSpec:
    """The spec of a known version. Raises KeyError otherwise."""
    return card_of(model).version(version)


def schema_of(model: str, version: int) -> ModelSchema:
    """Input contract of a version. Raises KeyError for an unknown one."""
    return version_spec(model, version).schema


def all_versions() -> Iterator[VersionSpec]:
    """Every version of every model, in the order in which they are registered."""
    for card in CARDS.values():
        yield from card.versions
