"""Training examples: what happened, as rows to be joined with the features of their instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reference_platform.arithmetic import exp_of
from reference_platform.models.schema import CANDIDATES, FRAUD, RANKING, RECOMMENDATION
from simulator.world.columns import Array, Columns, Floats, Floats32, Ints
from simulator.world.products import RELEVANCE_WEIGHT, Products
from simulator.world.requests import hour_context, payment_context
from simulator.world.world import World

CLICK_LABEL_DELAY_S = (60.0, 600.0)


@dataclass(frozen=True, slots=True)
class Examples:
    """m model rows in time order. For search-ranking 10 consecutive rows are one search; exactly one was clicked.

    `label`: recommendation i8 category, fraud-detection and search-ranking f4 0 or 1. Features must be those known
    at `ts`; the label is known from `label_ts` on.
    """

    route: str
    entities: Mapping[str, Ints]
    ts: Floats
    context: Floats32
    label: Array
    label_ts: Floats

    def __len__(self) -> int:
        return len(self.ts)


def training_examples(
    world: World,
    events: Mapping[str, Columns],
    route: str,
    since_s: float,
    until_s: float,
    rng: np.random.Generator,
    events_max: int = 60_000,
) -> Examples:
    """Examples from the raw events with since_s <= ts < until_s; at most `events_max` of them, drawn evenly.

    `world` tells the calendar and the catalogue. Raises KeyError for an unknown route.
    """
    if route == RECOMMENDATION:
        clicks = _sample(_within(events["clicks"], since_s, until_s), events_max, rng)
        return Examples(
            route=route,
            entities={"customer": clicks["customer"]},
            ts=clicks["ts"],
            context=hour_context(world, clicks["ts"]),
            label=clicks["category"].astype(np.int64),
            label_ts=clicks["ts"] + rng.uniform(*CLICK_LABEL_DELAY_S, len(clicks["ts"])),
        )
    if route == FRAUD:
        paid = _sample(_within(events["payments"], since_s, until_s), events_max, rng)
        return Examples(
            route=route,
            entities={"customer": paid["customer"], "merchant": paid["merchant"]},
            ts=paid["ts"],
            context=payment_context(world, paid["ts"], paid["amount_eur"], paid["new_device"]),
            label=paid["is_fraud"].astype(np.float32),
            label_ts=paid["label_ts"],
        )
    if route == RANKING:
        return _searches(world.products, _within(events["clicks"], since_s, until_s), events_max, rng)
    raise KeyError(route)


def _searches(products: Products, clicks: Columns, events_max: int, rng: np.random.Generator) -> Examples:
    """Searches that could have led to the clicks.

    A click on p came through search q with odds exp(w relevance[q, p]); a click counts by the sum of these odds over
    the searches that find p. So within one search the click falls on p in proportion to attractiveness times
    exp(w relevance), which is how customers choose.
    """
    found = products.query_products.ravel()
    by_product = np.argsort(found, kind="stable")
    odds = exp_of(RELEVANCE_WEIGHT * products.query_relevance.ravel()[by_product].astype(np.float64))
    cdf = np.concatenate([[0.0], np.cumsum(odds)])
    edges = cdf[np.searchsorted(found[by_product], np.arange(len(products.category) + 1))]
    weight = np.cumsum(np.diff(edges)[clicks["product"]])
    count = min(events_max, len(weight))
    picked = np.sort(np.searchsorted(weight, rng.random(count) * (weight[-1] if count else 0.0), side="right"))
    product, ts = clicks["product"][picked], clicks["ts"][picked]
    u = edges[product] + rng.random(count) * (edges[product + 1] - edges[product])
    pair = by_product[np.clip(np.searchsorted(cdf, u, side="right") - 1, 0, len(odds) - 1)]
    query = pair // CANDIDATES
    label = np.zeros((count, CANDIDATES), dtype=np.float32)
    label[np.arange(count), pair % CANDIDATES] = 1.0
    return Examples(
        route=RANKING,
        entities={"product": products.query_products[query].ravel()},
        ts=np.repeat(ts, CANDIDATES),
        context=products.query_relevance[query].reshape(-1, 1),
        label=label.ravel(),
        label_ts=np.repeat(ts + rng.uniform(*CLICK_LABEL_DELAY_S, count), CANDIDATES),
    )


def _within(events: Columns, since_s: float, until_s: float) -> Columns:
    low, high = np.searchsorted(events["ts"], [since_s, until_s])
    return {name: values[low:high] for name, values in events.items()}


def _sample(events: Columns, events_max: int, rng: np.random.Generator) -> Columns:
    count = len(events["ts"])
    if count <= events_max:
        return events
    kept = np.sort(rng.choice(count, events_max, replace=False))
    return {name: values[kept] for name, values in events.items()}
