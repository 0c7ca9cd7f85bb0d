"""What an order of ten candidates is worth to somebody who wants one."""

from __future__ import annotations

import numpy as np

from reference_platform.arithmetic import log_of
from simulator.world.columns import Bools, Floats
from simulator.world.products import CANDIDATES
from simulator.world.requests import Requests
from simulator.world.side import Decisions

CLICK_GIVEN_SEARCH_RATIO = 0.60
CLICK_EUR = 0.50


def _seen_ratio() -> Floats:
    """Chance that the eye reaches each rank, 1 at the top: 1 / log2(1 + rank)."""
    return log_of(2.0) / log_of(2.0 + np.arange(CANDIDATES))


def click_ratio(requests: Requests, decisions: Decisions) -> Floats:
    """Probability f8[n] of a click on what was shown."""
    ranked = np.take_along_axis(requests.truth["click_share"], decisions.astype(np.int64), axis=1)
    return np.asarray(CLICK_GIVEN_SEARCH_RATIO * (ranked * _seen_ratio()).sum(axis=1), dtype=np.float64)


def value_eur(requests: Requests, decisions: Decisions) -> Floats:
    """Expected value f8[n] of the orders shown."""
    return CLICK_EUR * click_ratio(requests, decisions)


def business(requests: Requests, decisions: Decisions, answered: Bools) -> float:
    """Click-through; nobody clicks on an error page."""
    return float(np.where(answered, click_ratio(requests, decisions), 0.0).mean())
