"""Transforms over payments: how fast a card is used, and how suspicious a merchant looks before any chargeback."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.definitions import Columns, FeatureView
from reference_platform.shop.decay import DecayedSums, settled
from reference_platform.shop.transform import Changed, DecayState

HOUR_S = 3600.0
DAY_S = 86400.0
MONTH_S = 30 * DAY_S
COUNT_MIN = 1e-9
"""Keeps a mean over no payments at zero."""
SPIKE_PRIOR = 1.0
"""Payments at the merchant's usual amount that every spike ratio starts from."""


class CardVelocity:
    """Recent payments of one customer against their own month."""

    def __init__(self, view: FeatureView) -> None:
        self.view = view
        count = view.entity.count
        self._hour = DecayedSums(count, 2, HOUR_S)
        self._month = DecayedSums(count, 2, MONTH_S)
        self._device = DecayedSums(count, 1, DAY_S)
        sums = {"hour": self._hour, "month": self._month, "device": self._device}
        self._state = DecayState(count, sums, {})

    def update(self, columns: Columns, now_s: float) -> Changed:
        """Take in payments up to `now_s`."""
        customer = columns["customer"].astype(np.int64)
        ts = columns["ts"].astype(np.float64)
        amount = columns["amount_eur"].astype(np.float64)
        new = columns["new_device"].astype(np.bool_)
        for sums in (self._hour, self._month):
            sums.add(customer, 0, 1.0, ts, now_s)
            sums.add(customer, 1, amount, ts, now_s)
        self._device.add(customer[new], 0, 1.0, ts[new], now_s)
        due = self._state.due(customer)
        return Changed(due, self.values(due, now_s))

    def values(self, entity: NDArray[np.integer], now_s: float) -> NDArray[np.float32]:
        """Values of `entity` as of `now_s`."""
        hour = self._hour.read(entity, now_s)
        month = self._month.read(entity, now_s)
        mean = month[:, 1] / np.maximum(month[:, 0], COUNT_MIN)
        payments = settled(hour[:, 0])
        amount = np.where(payments > 0, hour[:, 1], 0.0)
        device = settled(self._device.read(entity, now_s)[:, 0])
        return np.column_stack([payments, amount, mean, device]).astype(np.float32)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Everything it remembers, as named arrays."""
        return self._state.arrays()

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Take over what `state` returned."""
        self._state.restore(state)


class MerchantRisk:
    """Payments at one merchant, how many come from new devices, and how large they are against its own month."""

    def __init__(self, view: FeatureView) -> None:
        self.view = view
        count = view.entity.count
        self._day = DecayedSums(count, 3, DAY_S)
        self._month = DecayedSums(count, 2, MONTH_S)
        self._state = DecayState(count, {"day": self._day, "month": self._month}, {})

    def update(self, columns: Columns, now_s: float) -> Changed:
        """Take in payments up to `now_s`."""
        merchant = columns["merchant"].astype(np.int64)
        ts = columns["ts"].astype(np.float64)
        amount = columns["amount_eur"].astype(np.float64)
        new = columns["new_device"].astype(np.bool_)
        for sums in (self._day, self._month):
            sums.add(merchant, 0, 1.0, ts, now_s)
            sums.add(merchant, 1, amount, ts, now_s)
        self._day.add(merchant[new], 2, 1.0, ts[new], now_s)
        due = self._state.due(merchant)
        return Changed(due, self.values(due, now_s))

    def values(self, entity: NDArray[np.integer], now_s: float) -> NDArray[np.float32]:
        """Values of `entity` as of `now_s`."""
        day = self._day.read(entity, now_s)
        month = self._month.read(entity, now_s)
        usual = month[:, 1] / np.maximum(month[:, 0], COUNT_MIN)
        recent = (day[:, 1] + SPIKE_PRIOR * usual) / (day[:, 0] + SPIKE_PRIOR)
        spike = np.divide(recent, usual, out=np.ones_like(recent), where=usual > 0)
        share = day[:, 2] / (day[:, 0] + SPIKE_PRIOR)
        return np.column_stack([day[:, 0], share, spike]).astype(np.float32)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Everything it remembers, as named arrays."""
        return self._state.arrays()

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Take over what `state` returned."""
        self._state.restore(state)
