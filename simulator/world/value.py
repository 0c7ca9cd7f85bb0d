"""What a decision is worth in expectation, judged with the truth: the yardstick of harm."""

from __future__ import annotations

import numpy as np

from reference_platform.arithmetic import log_of
from reference_platform.models.decisions import (
    CHARGEBACK_FEE_EUR,
    DECLINED_HONEST_EUR,
    MARGIN_RATIO,
    Decisions,
    fallback_decisions,
)
from reference_platform.models.schema import CANDIDATES, FRAUD, RANKING, RECOMMENDATION
from simulator.world.columns import Floats
from simulator.world.requests import Requests
from simulator.world.world import World

CLICK_GIVEN_RIGHT_CATEGORY_RATIO = 0.30
RECOMMENDATION_CLICK_EUR = 0.35

CLICK_GIVEN_SEARCH_RATIO = 0.60
SEARCH_CLICK_EUR = 0.50


def _seen_ratio() -> Floats:
    """Chance that the eye reaches each rank, 1 at the top: 1 / log2(1 + rank)."""
    return log_of(2.0) / log_of(2.0 + np.arange(CANDIDATES))


def expected_click_ratio(requests: Requests, decisions: Decisions) -> Floats:
    """Probability f8[n] of a click on what was shown. Recommendation and search-ranking only, else KeyError."""
    if requests.route == RECOMMENDATION:
        shown = np.take_along_axis(requests.truth.intent, decisions.astype(np.int64), axis=1)
        return np.asarray(CLICK_GIVEN_RIGHT_CATEGORY_RATIO * shown.sum(axis=1, dtype=np.float64))
    if requests.route == RANKING:
        ranked = np.take_along_axis(requests.truth.click_share, decisions.astype(np.int64), axis=1)
        return np.asarray(CLICK_GIVEN_SEARCH_RATIO * (ranked * _seen_ratio()).sum(axis=1), dtype=np.float64)
    raise KeyError(requests.route)


def value_eur(requests: Requests, decisions: Decisions) -> Floats:
    """Expected value f8[n] of each decision, in the forms of `reference_platform.models.decisions.decide`."""
    if requests.route == RECOMMENDATION:
        return RECOMMENDATION_CLICK_EUR * expected_click_ratio(requests, decisions)
    if requests.route == RANKING:
        return SEARCH_CLICK_EUR * expected_click_ratio(requests, decisions)
    if requests.route == FRAUD:
        fraud = requests.truth.fraud_probability[:, 0]
        amount = requests.amount_eur.astype(np.float64)
        approved = (1.0 - fraud) * MARGIN_RATIO * amount - fraud * (amount + CHARGEBACK_FEE_EUR)
        declined = -(1.0 - fraud) * DECLINED_HONEST_EUR
        return np.asarray(np.where(decisions, declined, approved), dtype=np.float64)
    raise KeyError(requests.route)


def default_decisions(world: World, requests: Requests) -> Decisions:
    """What the shop does for these requests without any model."""
    return fallback_decisions(requests.route, requests.context, world.popular_categories)
