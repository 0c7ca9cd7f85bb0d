"""Transforms over payments: how fast a card is used, and how suspicious a merchant looks before any chargeback."""

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
MONTH_S = 30 * DAY_S
COUNT_MIN = 1e-9
"""Keeps a mean over no payments at zero."""
AMOUNT, PRICED, PAYMENTS, NEW_DEVICE, IDENTIFIED = range(5)
"""Columns of a merchant's sums: amount, payments whose amount is known, all payments, those from a new device, those
whose device is known. A month needs the first two."""
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

    def update(self, columns: EventColumns, now_s: float) -> Changed:
        """Take in payments up to `now_s`."""
        customer = column_of(columns, "customer").values.astype(np.int64)
        ts = column_of(columns, "ts").values.astype(np.float64)
        paid = column_of(columns, "amount_eur")
        amount = paid.values.astype(np.float64)
        known = paid.mask()
        self._hour.add(customer, 0, 1.0, ts, now_s)
        self._hour.add(customer[known], 1, amount[known], ts[known], now_s)
        for column, weight in ((0, np.ones(len(ts))), (1, amount)):
            self._month.add(customer[known], column, weight[known], ts[known], now_s)
        new = told(columns, "new_device")
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
        self._day = DecayedSums(count, 5, DAY_S)
        self._month = DecayedSums(count, 2, MONTH_S)
        self._state = DecayState(count, {"day": self._day, "month": self._month}, {})

    def update(self, columns: EventColumns, now_s: float) -> Changed:
        """Take in payments up to `now_s`."""
        shop = column_of(columns, "merchant")
        at = np.flatnonzero(shop.mask())
        merchant = shop.values[at].astype(np.int64)
        ts = column_of(columns, "ts").values.astype(np.float64)[at]
        paid = column_of(columns, "amount_eur").take(at)
        amount = paid.values.astype(np.float64)
        known = paid.mask()
        device = column_of(columns, "new_device").mask()[at]
        new = told(columns, "new_device")[at]
        self._day.add(merchant, PAYMENTS, 1.0, ts, now_s)
        for sums in (self._day, self._month):
            sums.add(merchant[known], PRICED, 1.0, ts[known], now_s)
            sums.add(merchant[known], AMOUNT, amount[known], ts[known], now_s)
        self._day.add(merchant[device], IDENTIFIED, 1.0, ts[device], now_s)
        self._day.add(merchant[new], NEW_DEVICE, 1.0, ts[new], now_s)
        due = self._state.due(merchant)
        return Changed(due, self.values(due, now_s))

    def values(self, entity: NDArray[np.integer], now_s: float) -> NDArray[np.float32]:
        """Values of `entity` as of `now_s`."""
        day = self._day.read(entity, now_s)
        month = self._month.read(entity, now_s)
        usual = month[:, AMOUNT] / np.maximum(month[:, PRICED], COUNT_MIN)
        recent = (day[:, AMOUNT] + SPIKE_PRIOR * usual) / (day[:, PRICED] + SPIKE_PRIOR)
        spike = np.divide(recent, usual, out=np.ones_like(recent), where=usual > 0)
        share = day[:, NEW_DEVICE] / (day[:, IDENTIFIED] + SPIKE_PRIOR)
        return np.column_stack([day[:, PAYMENTS], share, spike]).astype(np.float32)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Everything it remembers, as named arrays."""
        return self._state.arrays()

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Take over what `state` returned."""
        self._state.restore(state)
