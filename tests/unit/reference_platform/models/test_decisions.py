"""What each model's decision makes of scores, and what the shop does without any."""

from __future__ import annotations

import numpy as np
import pytest

from reference_platform.models.catalogue import card_of
from reference_platform.models.dynamic_pricing.card import DYNAMIC_PRICING
from reference_platform.models.dynamic_pricing.decision import margins_eur
from reference_platform.models.fraud_detection.card import FRAUD_DETECTION
from reference_platform.models.fraud_detection.decision import (
    CHARGEBACK_FEE_EUR,
    DECLINED_HONEST_EUR,
    FALLBACK_AMOUNT_MAX_EUR,
    MARGIN_RATIO,
    break_even,
)
from reference_platform.models.recommendation.card import RECOMMENDATION
from reference_platform.models.search_ranking.card import SEARCH_RANKING

POPULAR = np.array([4, 1, 7, 2], dtype=np.int32)


def payments(*amounts_eur: float) -> np.ndarray:
    """Request contexts of payments of these amounts."""
    logged = np.log1p(np.array(amounts_eur, np.float32))
    return np.stack([logged, *np.zeros((3, len(logged)))], axis=1).astype(np.float32)


def test_recommendation_shows_the_three_best_categories_best_first() -> None:
    scores = np.random.default_rng(0).normal(size=(200, 24)).astype(np.float32)
    shown = RECOMMENDATION.decide(scores, np.zeros((200, 2), np.float32))
    np.testing.assert_array_equal(shown, np.argsort(-scores, axis=1)[:, :3])
    assert RECOMMENDATION.answer({}, shown[0]) == {"categories": shown[0].tolist()}


def test_fraud_declines_above_the_probability_at_which_both_lose_alike() -> None:
    """Worked by hand: at 100 EUR declining wins from odds of (0.12 * 100 + 4) / (100 + 15) on."""
    odds = (MARGIN_RATIO * 100.0 + DECLINED_HONEST_EUR) / (100.0 + CHARGEBACK_FEE_EUR)
    limit = break_even(payments(100.0))[0]
    assert limit == pytest.approx(odds / (1.0 + odds), rel=1e-6)
    scores = np.array([np.nextafter(limit, np.float32(0)), limit, np.nextafter(limit, np.float32(1))], np.float32)
    np.testing.assert_array_equal(FRAUD_DETECTION.decide(scores, payments(100, 100, 100)), [False, False, True])
    assert FRAUD_DETECTION.answer({"amount_eur": np.float32(12.345)}, np.True_) == {
        "amount_eur": 12.35,
        "decline": True,
    }


def test_ranking_orders_each_search_by_itself() -> None:
    scores = np.random.default_rng(0).normal(size=(30, 10)).astype(np.float32)
    order = SEARCH_RANKING.decide(scores.ravel(), np.zeros((300, 1), np.float32))
    np.testing.assert_array_equal(order, np.argsort(-scores, axis=1))
    candidates = np.arange(100, 110)
    assert SEARCH_RANKING.answer({"candidates": candidates}, order[0]) == {"products": candidates[order[0]].tolist()}


def priced(price_eur: float, cost_ratio: float) -> np.ndarray:
    """The request context of a visit to a product."""
    return np.array([[np.log1p(price_eur), cost_ratio, 0.0, 1.0]], np.float32)


def test_a_discount_is_given_where_it_earns_more_than_it_costs() -> None:
    """At 100 EUR that cost 60, 10 % off leaves 30 of 40 EUR: worth it when a purchase is a third more likely."""
    context = priced(100.0, 0.6)
    np.testing.assert_allclose(margins_eur(context)[0], [40.0, 35.0, 30.0, 25.0, 20.0], rtol=1e-5)
    for more, step in ((1.32, 0), (1.35, 2)):
        bought = np.array([[0.1, 0.1, 0.1 * more, 0.1, 0.1]], np.float32)
        assert DYNAMIC_PRICING.decide(bought, context).tolist() == [step]
    asked = {"product": np.int32(7), "list_price_eur": np.float64(19.999)}
    assert DYNAMIC_PRICING.answer(asked, np.int32(2)) == {
        "product": 7,
        "list_price_eur": 20.0,
        "discount_ratio": 0.10,
        "price_eur": 18.0,
    }
    assert DYNAMIC_PRICING.fallback(np.repeat(context, 3, axis=0), POPULAR).tolist() == [0, 0, 0]


def test_the_fallback_knows_nobody() -> None:
    shown = RECOMMENDATION.fallback(np.zeros((3, 2), np.float32), POPULAR)
    np.testing.assert_array_equal(shown, [[4, 1, 7]] * 3)
    context = payments(FALLBACK_AMOUNT_MAX_EUR * 0.9, FALLBACK_AMOUNT_MAX_EUR * 1.1)
    np.testing.assert_array_equal(FRAUD_DETECTION.fallback(context, POPULAR), [False, True])
    relevance = np.linspace(0.0, 1.0, 10, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(SEARCH_RANKING.fallback(relevance, POPULAR), [np.arange(9, -1, -1)])


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(KeyError):
        card_of("no-such-model")
