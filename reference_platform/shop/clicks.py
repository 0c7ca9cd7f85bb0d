"""Transforms over clicks: what a customer is interested in, and how popular a product is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.definitions import Columns, FeatureView
from reference_platform.shop.decay import DecayedSums, settled
from reference_platform.shop.transform import Changed, DecayState

HOUR_S = 3600.0
DAY_S = 86400.0
SILENCE_MAX_H = 168.0
"""`hours_since_click` stops counting after a week, and starts there for a customer who never clicked."""
TREND_PRIOR = 1.0
"""Clicks added to both sides of a trend, so that a product with hardly any clicks reads 1."""


class CustomerActivity:
    """Decayed click share per category, time since the last click, purchases and clicks of one customer."""

    def __init__(self, view: FeatureView, categories: int) -> None:
        assert view.width == categories + 3
        self.view = view
        self._categories = categories
        count = view.entity.count
        self._clicks = DecayedSums(count, categories, DAY_S)
        self._bought = DecayedSums(count, 1, 7 * DAY_S)
        self._last_s = np.full(count, -np.inf)
        self._state = DecayState(count, {"clicks": self._clicks, "bought": self._bought}, {"click_s": self._last_s})

    def update(self, columns: Columns, now_s: float) -> Changed:
        """Take in clicks up to `now_s`."""
        customer = columns["customer"].astype(np.int64)
        ts = columns["ts"].astype(np.float64)
        bought = columns["purchased"].astype(np.bool_)
        self._clicks.add(customer, columns["category"].astype(np.int64), 1.0, ts, now_s)
        self._bought.add(customer[bought], 0, 1.0, ts[bought], now_s)
        np.maximum.at(self._last_s, customer, ts)
        due = self._state.due(customer)
        return Changed(due, self.values(due, now_s))

    def values(self, entity: NDArray[np.integer], now_s: float) -> NDArray[np.float32]:
        """Values of `entity` as of `now_s`."""
        clicks = settled(self._clicks.read(entity, now_s))
        total = clicks.sum(axis=1)
        out = np.empty((len(entity), self.view.width), dtype=np.float32)
        out[:, : self._categories] = clicks / np.maximum(total, 1e-12)[:, None]
        out[:, -3] = np.minimum((now_s - self._last_s[entity]) / HOUR_S, SILENCE_MAX_H)
        out[:, -2] = settled(self._bought.read(entity, now_s)[:, 0])
        out[:, -1] = total
        return out

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Everything it remembers, as named arrays."""
        return self._state.arrays()

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Take over what `state` returned."""
        self._state.restore(state)


class ProductPopularity:
    """Clicks and purchases of one product, and whether it is rising.

    The trend compares with the whole shop's hour, so that neither night nor evening looks like a fashion.
    """

    def __init__(self, view: FeatureView) -> None:
        self.view = view
        count = view.entity.count
        self._day = DecayedSums(count, 2, DAY_S)
        self._hour = DecayedSums(count, 1, HOUR_S)
        self._state = DecayState(count, {"day": self._day, "hour": self._hour}, {})

    def update(self, columns: Columns, now_s: float) -> Changed:
        """Take in clicks up to `now_s`."""
        product = columns["product"].astype(np.int64)
        ts = columns["ts"].astype(np.float64)
        bought = columns["purchased"].astype(np.bool_)
        self._day.add(product, 0, 1.0, ts, now_s)
        self._day.add(product[bought], 1, 1.0, ts[bought], now_s)
        self._hour.add(product, 0, 1.0, ts, now_s)
        due = self._state.due(product)
        return Changed(due, self.values(due, now_s))

    def values(self, entity: NDArray[np.integer], now_s: float) -> NDArray[np.float32]:
        """Values of `entity` as of `now_s`."""
        everything = np.arange(self.view.entity.count)
        shop = self._day.read(everything, now_s)[:, 0].sum(), self._hour.read(everything, now_s).sum()
        day = settled(self._day.read(entity, now_s))
        hour = settled(self._hour.read(entity, now_s)[:, 0])
        usual = day[:, 0] * (shop[1] / max(shop[0], TREND_PRIOR))
        trend = (hour + TREND_PRIOR) / (usual + TREND_PRIOR)
        return np.column_stack([day[:, 0], day[:, 1], hour, trend]).astype(np.float32)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Everything it remembers, as named arrays."""
        return self._state.arrays()

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Take over what `state` returned."""
        self._state.restore(state)
