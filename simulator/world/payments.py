"""Payments and the people who steal: merchants, ordinary purchases, and bursts of fraud that last for hours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reference_platform.arithmetic import exp_of
from simulator.world.columns import Array, Bools, Columns, Floats, Floats32, Ints
from simulator.world.customers import Customers
from simulator.world.rhythm import DAY_S, HOUR_S

PAYMENTS_PER_CUSTOMER_DAY = 1.0
CHARGEBACK_DAYS = (30.0, 90.0)
"""A fraud is reported 30 to 90 days after the payment; silence for 90 days means it was none."""

CARD_TEST, CARD_SPREE, MERCHANT_BREACH = 0, 1, 2
"""A stolen card is first tested with many small payments, then emptied; a breached merchant leaks many cards."""

CARD_THEFTS_PER_DAY = 10.0
BREACHES_PER_DAY = 3.0
_CARD_TEST_PER_HOUR = 9.0
_CARD_SPREE_PER_HOUR = 1.2
_BREACH_PER_HOUR = 4.0
_BURST_FRAUD_RATIO = 0.95
_BURST_FIELDS = ("kind", "target", "begin_s", "end_s", "per_hour")

_NEW_DEVICE_RATIO = 0.05
_NEW_DEVICE_FRAUD = (0.80, 0.85, 0.70)
_LONE_FRAUD_RATIO = 0.002
_LONE_FRAUD_NEW_DEVICE_FACTOR = 6.0


@dataclass(frozen=True, slots=True)
class PaymentDraw:
    """Payments at given instants, with the probability that each is fraud as only the world knows it."""

    customer: Ints
    merchant: Ints
    amount_eur: Floats32
    new_device: Bools
    fraud_probability: Floats


@dataclass(slots=True)
class Payments:
    """Merchants and the bursts of fraud under way. One row of `bursts` is kind, target, begin_s, end_s, per_hour."""

    merchant_cdf: Floats
    merchant_amount_eur: Floats
    budget_ratio: Floats
    bursts: Floats

    @classmethod
    def create(cls, customers: int, merchants: int, rng: np.random.Generator) -> Payments:
        """Fresh merchants, and nobody stealing yet."""
        share = rng.permutation((5.0 + np.arange(merchants)) ** -0.8)
        return cls(
            merchant_cdf=np.cumsum(share / share.sum()),
            merchant_amount_eur=rng.lognormal(3.4, 0.6, merchants),
            budget_ratio=rng.lognormal(0.0, 0.35, customers),
            bursts=np.empty((0, len(_BURST_FIELDS))),
        )

    def step(self, now_s: float, step_s: float, rng: np.random.Generator) -> None:
        """Bursts end and begin."""
        if (self.bursts[:, 3] <= now_s).any():
            self.bursts = self.bursts[self.bursts[:, 3] > now_s]
        thefts = int(rng.poisson(CARD_THEFTS_PER_DAY * step_s / DAY_S))
        breaches = int(rng.poisson(BREACHES_PER_DAY * step_s / DAY_S))
        fresh: list[tuple[float, ...]] = []
        for _ in range(thefts):
            card = float(rng.integers(0, self.budget_ratio.shape[0]))
            tested_s = now_s + HOUR_S * rng.uniform(0.6, 1.4)
            emptied_s = tested_s + HOUR_S * rng.uniform(1.0, 4.0)
            fresh.append((CARD_TEST, card, now_s, tested_s, _CARD_TEST_PER_HOUR))
            fresh.append((CARD_SPREE, card, tested_s, emptied_s, _CARD_SPREE_PER_HOUR))
        for _ in range(breaches):
            merchant = float(rng.integers(0, self.merchant_cdf.shape[0]))
            fresh.append((MERCHANT_BREACH, merchant, now_s, now_s + HOUR_S * rng.uniform(3.0, 9.0), _BREACH_PER_HOUR))
        if fresh:
            self.bursts = np.concatenate([self.bursts, np.array(fresh)])

    def active(self, now_s: float) -> Floats:
        """Rows of `bursts` under way at `now_s`."""
        return self.bursts[(self.bursts[:, 2] <= now_s) & (self.bursts[:, 3] > now_s)]

    def draw_step(
        self, customers: Customers, now_s: float, step_s: float, busy_ratio: float, rng: np.random.Generator
    ) -> Columns:
        """The payments of one step as raw events, sorted by ts."""
        honest_per_s = self._honest_per_s(busy_ratio)
        stolen_per_s = float(self._stolen_per_s(self.active(now_s), busy_ratio).sum())
        count = int(rng.poisson((honest_per_s + stolen_per_s) * step_s))
        ts = now_s + np.sort(rng.random(count)) * step_s
        drawn = self.draw(customers.draw(count, rng), now_s, busy_ratio, rng)
        is_fraud = rng.random(count) < drawn.fraud_probability
        known_s = np.where(is_fraud, rng.uniform(*CHARGEBACK_DAYS, count), CHARGEBACK_DAYS[1]) * DAY_S
        return {
            "ts": ts,
            "customer": drawn.customer,
            "merchant": drawn.merchant,
            "amount_eur": drawn.amount_eur,
            "new_device": drawn.new_device,
            "is_fraud": is_fraud,
            "label_ts": ts + known_s,
        }

    def draw(self, customer: Ints, now_s: float, busy_ratio: float, rng: np.random.Generator) -> PaymentDraw:
        """One payment for each arrival. Where a thief pays instead, `customer` becomes the card that was stolen."""
        count = len(customer)
        u = rng.random(count) * self.merchant_cdf[-1]
        merchant = np.searchsorted(self.merchant_cdf, u, side="right").astype(np.int32)
        spread = rng.standard_normal(count)
        device = rng.random(count)
        which = rng.random(count)
        amount = self.merchant_amount_eur[merchant] * self.budget_ratio[customer] * exp_of(0.55 * spread)
        new_device = device < _NEW_DEVICE_RATIO
        odd = np.where(new_device, _LONE_FRAUD_NEW_DEVICE_FACTOR, 1.0) * np.clip(amount / 60.0, 0.3, 8.0)
        probability = np.minimum(_LONE_FRAUD_RATIO * odd, 0.5)
        active = self.active(now_s)
        cdf = np.cumsum([self._honest_per_s(busy_ratio), *self._stolen_per_s(active, busy_ratio)])
        source = np.searchsorted(cdf, which * cdf[-1], side="right") - 1
        stolen = np.flatnonzero(source >= 0)
        customer = customer.copy()
        if stolen.shape[0]:
            burst = active[np.minimum(source[stolen], active.shape[0] - 1)]
            kind, target = burst[:, 0].astype(np.int32), burst[:, 1].astype(np.int32)
            at_merchant = kind == MERCHANT_BREACH
            customer[stolen] = np.where(at_merchant, customer[stolen], target)
            merchant[stolen] = np.where(at_merchant, target, merchant[stolen])
            amount[stolen] = self._stolen_amount_eur(kind, merchant[stolen], spread[stolen])
            new_device[stolen] = device[stolen] < np.array(_NEW_DEVICE_FRAUD)[kind]
            probability[stolen] = _BURST_FRAUD_RATIO
        return PaymentDraw(customer, merchant, amount.astype(np.float32), new_device, probability)

    def _stolen_amount_eur(self, kind: Ints, merchant: Ints, spread: Floats) -> Floats:
        small = 1.4 * exp_of(0.5 * spread)
        large = 380.0 * exp_of(0.45 * spread)
        resold = 3.2 * self.merchant_amount_eur[merchant] * exp_of(0.4 * spread)
        return np.asarray(np.choose(kind, [small, large, resold]), dtype=np.float64)

    def _honest_per_s(self, busy_ratio: float) -> float:
        return busy_ratio * len(self.budget_ratio) * PAYMENTS_PER_CUSTOMER_DAY / DAY_S

    @staticmethod
    def _stolen_per_s(active: Floats, busy_ratio: float) -> Floats:
        """Thieves sleep less than customers: their rhythm is half as deep."""
        return np.asarray(active[:, 4] * (np.sqrt(busy_ratio) / HOUR_S), dtype=np.float64)

    def state(self) -> dict[str, Array]:
        """Arrays from which `restore` makes the same merchants and bursts."""
        named: dict[str, Array] = {
            "merchant_cdf": self.merchant_cdf,
            "merchant_amount_eur": self.merchant_amount_eur,
            "budget_ratio": self.budget_ratio,
            "bursts": self.bursts.copy(),
        }
        return named

    @classmethod
    def restore(cls, state: dict[str, Array]) -> Payments:
        """Inverse of `state`."""
        return cls(state["merchant_cdf"], state["merchant_amount_eur"], state["budget_ratio"], state["bursts"].copy())
