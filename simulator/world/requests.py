"""What visitors ask of the models, with the truth that only the world knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reference_platform.arithmetic import log1p_of
from reference_platform.models.schema import CANDIDATES, FRAUD, RANKING, RECOMMENDATION
from simulator.world.columns import Array, Bools, Floats, Floats32, Ints
from simulator.world.world import World


@dataclass(frozen=True, slots=True)
class RequestTruth:
    """What a perfectly informed judge would know. A column that the route does not have is empty: shape (n, 0)."""

    intent: Floats32
    """recommendation: f4[n, categories], where the next click falls."""
    fraud_probability: Floats
    """fraud-detection: f8[n, 1]."""
    click_share: Floats32
    """search-ranking: f4[n, 10], which candidate is wanted."""


@dataclass(frozen=True, slots=True)
class Requests:
    """A batch of n requests on one route.

    `entities` and `context` hold one row per model row: n of them, or 10 n for search-ranking (10 candidates per
    request, consecutive). `candidates` is i4[n, 10] product ids for search-ranking, else i4[n, 0]. `amount_eur`
    and `new_device` describe the payment for fraud-detection, else they are zero and False.
    """

    route: str
    customer: Ints
    t_s: Floats
    entities: Mapping[str, Ints]
    context: Floats32
    candidates: Ints
    amount_eur: Floats32
    new_device: Bools
    truth: RequestTruth

    def __len__(self) -> int:
        return len(self.customer)

    @property
    def rows_per_request(self) -> int:
        return CANDIDATES if self.route == RANKING else 1

    def take(self, index: Array) -> Requests:
        """The requests at `index` (positions or a mask), in that order."""
        positions = np.arange(len(self))[index]
        rows = (positions[:, None] * self.rows_per_request + np.arange(self.rows_per_request)).ravel()
        truth = self.truth
        return Requests(
            route=self.route,
            customer=self.customer[positions],
            t_s=self.t_s[positions],
            entities={name: values[rows] for name, values in self.entities.items()},
            context=self.context[rows],
            candidates=self.candidates[positions],
            amount_eur=self.amount_eur[positions],
            new_device=self.new_device[positions],
            truth=RequestTruth(
                truth.intent[positions], truth.fraud_probability[positions], truth.click_share[positions]
            ),
        )


def draw_requests(world: World, route: str, customer_idx: Ints, t_s: Floats, rng: np.random.Generator) -> Requests:
    """What these customers ask at these instants, given the world's state at its last step.

    A fraud-detection request may come from a thief: then `customer` is the stolen card, not the arrival. Thieves
    appear in proportion to the bursts under way. Raises KeyError for an unknown route.
    """
    customer = np.asarray(customer_idx, dtype=np.int32)
    times = np.asarray(t_s, dtype=np.float64)
    assert customer.shape == times.shape, "one instant per customer"
    if route == RECOMMENDATION:
        return _recommendation(world, customer, times)
    if route == FRAUD:
        return _fraud(world, customer, times, rng)
    if route == RANKING:
        return _ranking(world, customer, times, rng)
    raise KeyError(route)


def hour_context(world: World, t_s: Floats) -> Floats32:
    """Columns hour_sin, hour_cos."""
    return world.rhythm.hour_circle(t_s).astype(np.float32)


def payment_context(world: World, t_s: Floats, amount_eur: Floats32, new_device: Bools) -> Floats32:
    """Columns log_amount, new_device, hour_sin, hour_cos."""
    own = np.stack([log1p_of(amount_eur), new_device.astype(np.float32)], axis=1)
    return np.concatenate([own, hour_context(world, t_s)], axis=1).astype(np.float32)


def _recommendation(world: World, customer: Ints, t_s: Floats) -> Requests:
    n = len(customer)
    return Requests(
        route=RECOMMENDATION,
        customer=customer,
        t_s=t_s,
        entities={"customer": customer},
        context=hour_context(world, t_s),
        candidates=np.empty((n, 0), dtype=np.int32),
        amount_eur=np.zeros(n, dtype=np.float32),
        new_device=np.zeros(n, dtype=np.bool_),
        truth=RequestTruth(world.customers.intent(customer), np.empty((n, 0)), np.empty((n, 0), dtype=np.float32)),
    )


def _fraud(world: World, customer: Ints, t_s: Floats, rng: np.random.Generator) -> Requests:
    n = len(customer)
    busy_ratio = float(world.rhythm.ratio(world.now_s))
    drawn = world.payments.draw(customer, world.now_s, busy_ratio, rng)
    nothing = np.empty((n, 0), dtype=np.float32)
    return Requests(
        route=FRAUD,
        customer=drawn.customer,
        t_s=t_s,
        entities={"customer": drawn.customer, "merchant": drawn.merchant},
        context=payment_context(world, t_s, drawn.amount_eur, drawn.new_device),
        candidates=np.empty((n, 0), dtype=np.int32),
        amount_eur=drawn.amount_eur,
        new_device=drawn.new_device,
        truth=RequestTruth(nothing, drawn.fraud_probability[:, None], nothing),
    )


def _ranking(world: World, customer: Ints, t_s: Floats, rng: np.random.Generator) -> Requests:
    n = len(customer)
    query = world.products.draw_queries(world.customers.draw_categories(customer, rng), rng)
    candidates = world.products.query_products[query]
    return Requests(
        route=RANKING,
        customer=customer,
        t_s=t_s,
        entities={"product": candidates.ravel()},
        context=world.products.query_relevance[query].reshape(-1, 1),
        candidates=candidates,
        amount_eur=np.zeros(n, dtype=np.float32),
        new_device=np.zeros(n, dtype=np.bool_),
        truth=RequestTruth(np.empty((n, 0), dtype=np.float32), np.empty((n, 0)), world.products.click_share(query)),
    )
