from __future__ import annotations

import numpy as np
import pytest

from reference_platform.models.decisions import FALLBACK_AMOUNT_MAX_EUR, decide, fallback_decisions
from reference_platform.models.schema import FRAUD, RANKING, RECOMMENDATION

POPULAR = np.array([4, 1, 7, 2], dtype=np.int32)


def test_recommendation_shows_the_three_best_categories_best_first() -> None:
    scores = np.random.default_rng(0).normal(size=(200, 24)).astype(np.float32)
    np.testing.assert_array_equal(decide(RECOMMENDATION, scores), np.argsort(-scores, axis=1)[:, :3])


def test_fraud_declines_above_the_threshold_only() -> None:
    scores = np.array([0.2, 0.5, 0.7], dtype=np.float32)
    np.testing.assert_array_equal(decide(FRAUD, scores, 0.5), [False, False, True])


def test_ranking_orders_each_search_by_itself() -> None:
    scores = np.random.default_rng(0).normal(size=(30, 10)).astype(np.float32)
    np.testing.assert_array_equal(decide(RANKING, scores.ravel()), np.argsort(-scores, axis=1))


def test_the_fallback_knows_nobody() -> None:
    shown = fallback_decisions(RECOMMENDATION, np.zeros((3, 2), np.float32), POPULAR)
    np.testing.assert_array_equal(shown, [[4, 1, 7]] * 3)
    amounts = np.log1p(np.array([FALLBACK_AMOUNT_MAX_EUR * 0.9, FALLBACK_AMOUNT_MAX_EUR * 1.1], np.float32))
    context = np.stack([amounts, np.zeros(2), np.zeros(2), np.zeros(2)], axis=1).astype(np.float32)
    np.testing.assert_array_equal(fallback_decisions(FRAUD, context, POPULAR), [False, True])
    relevance = np.linspace(0.0, 1.0, 10, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(fallback_decisions(RANKING, relevance, POPULAR), [np.arange(9, -1, -1)])


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(KeyError):
        decide("pricing", np.zeros(3, np.float32))
    with pytest.raises(KeyError):
        fallback_decisions("pricing", np.zeros((3, 1), np.float32), POPULAR)
