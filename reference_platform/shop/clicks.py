"""Transforms over clicks: what a customer is interested in, and how popular a product is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.definitions import FeatureView
from reference_platform.shop.decay import DecayedSums, settled
from reference_platform.shop.topics import EventColumns, column_of
from reference_platform.shop.transform import Changed, DecayState, told

HOUR_S = 3600.0
DAY_S = 86400.0
SILENCE_MAX_H = 168.0
"""`hours_since_click` stops counting after a week, and starts there for a customer who never clicked."""
TREND_PRIOR = 1.0
"""Clicks added to both sides of a trend, so that a product with hardly any clicks reads 1."""


class CustomerActivity:
    """Decayed click share per category, time since the last click, purchases and clicks of one customer.

    A click whose category is missing counts as a click, but for no category.
    """

    def __init__(self, view: FeatureView, categories: int) -> None:
        assert view.width == categories + 3
        self.view = view
        self._categories = categories
        count = view.entity.count
        self._clicks = DecayedSums(count, categories + 1, DAY_S)
        self._bought = DecayedSums(count, 1, 7 * DAY_S)
        self._last_s = np.full(count, -np.inf)
        self._state = DecayState(count, {"clicks": self._clicks, "bought": self._bought}, {"click_s": self._last_s})

    def update(self, columns: EventColumns, now_s: float) -> Changed:
        """Take in clicks up to `now_s`."""
        customer = column_of(columns, "customer").values.astype(np.int64)
        ts = column_of(columns, "ts").values.astype(np.float64)
        bought = told(columns, "purchased")
        category = column_of(columns, "category")
        cell = np.where(category.mask(), category.values.astype(np.int64), self._categories)
        self._clicks.add(customer, cell, 1.0, ts, now_s)
        self._bought.add(customer[bought], 0, 1.0, ts[bought], now_s)
        np.maximum.at(self._last_s, customer, ts)
        due = self._state.due(customer)
        return Changed(due, self.values(due, now_s))

    def values(self, entity: NDArray[np.integer], now_s: float) -> NDArray[np.float32]:
        """Values of `entity` as of `now_s`."""
        settled_clicks = settled(self._clicks.read(entity, now_s))
        clicks = settled_clicks[:, : self._categories]
        known = clicks.sum(axis=1)
        out = np.empty((len(entity), self.view.width), dtype=np.float32)
        out[:, : self._categories] = clicks / np.maximum(known, 1e-12)[:, None]
        out[:, -3] = np.minimum((now_s - self._last_s[entity]) / HOUR_S, SILENCE_MAX_H)
        out[:, -2] = settled(self._bought.read(entity, now_s)[:, 0])
        out[:, -1] = known + settled_clicks[:, -1]
        return out

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Everything it remembers, as named arrays."""
        return self._state.arrays()

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Take over what `state` returned."""
        self._state.restore(state)


class ProductPopularity:
    """Clicks and purchases of one product, and whether it is rising.

    The trend compares with the whole shop's hour, so that neither night nor evening looks like a fashion. A click whose
    product is missing cannot count for any.
    """

    def __init__(self, view: FeatureView) -> None:
        self.view = view
        count = view.entity.count
        self._day = DecayedSums(count, 2, DAY_S)
        self._hour = DecayedSums(count, 1, HOUR_S)
        self._state = DecayState(count, {"day": self._day, "hour": self._hour}, {})

    def update(self, columns: EventColumns, now_s: float) -> Changed:
        """Take in clicks up to `now_s`."""
        product = column_of(columns, "product")
        at = np.flatnonzero(product.mask())
        bought = told(columns, "purchased")[at]
        ts = column_of(columns, "ts").values.astype(np.float64)[at]
        product_id = product.values[at].astype(np.int64)
        self._day.add(product_id, 0, 1.0, ts, now_s)
        self._day.add(product_id[bought], 1, 1.0, ts[bought], now_s)
        self._hour.add(product_id, 0, 1.0, ts, now_s)
        due = self._state.due(product_id)
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
