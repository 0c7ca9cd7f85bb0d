"""What three categories are worth to a visitor who wants one."""

from __future__ import annotations

import numpy as np

from simulator.world.columns import Bools, Floats
from simulator.world.requests import Requests
from simulator.world.side import Decisions

CLICK_GIVEN_RIGHT_CATEGORY_RATIO = 0.30
CLICK_EUR = 0.35


def click_ratio(requests: Requests, decisions: Decisions) -> Floats:
    """Probability f8[n] of a click on what was shown."""
    shown = np.take_along_axis(requests.truth["intent"], decisions.astype(np.int64), axis=1)
    return np.asarray(CLICK_GIVEN_RIGHT_CATEGORY_RATIO * shown.sum(axis=1, dtype=np.float64))


def value_eur(requests: Requests, decisions: Decisions) -> Floats:
    """Expected value f8[n] of the categories shown."""
    return CLICK_EUR * click_ratio(requests, decisions)


def business(requests: Requests, decisions: Decisions, answered: Bools) -> float:
    """Click-through; nobody clicks on an error page."""
    return float(np.where(answered, click_ratio(requests, decisions), 0.0).mean())
