"""Clicks as examples of which candidate of a search is wanted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reference_platform.arithmetic import exp_of
from simulator.world.columns import Columns
from simulator.world.examples import CLICK_LABEL_DELAY_S, Examples, within
from simulator.world.products import CANDIDATES, RELEVANCE_WEIGHT
from simulator.world.world import World


def examples(
    world: World,
    events: Mapping[str, Columns],
    since_s: float,
    until_s: float,
    rng: np.random.Generator,
    events_max: int,
) -> Examples:
    """Searches that could have led to the clicks, ten rows each; the label is f4 1 for the candidate clicked, else 0.

    A click on p came through search q with odds exp(w relevance[q, p]); a click counts by the sum of these odds over
    the searches that find p. So within one search the click falls on p in proportion to attractiveness times
    exp(w relevance), which is how customers choose.
    """
    products = world.products
    clicks = within(events["clicks"], since_s, until_s)
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
        route="search-ranking",
        entities={"product": products.query_products[query].ravel()},
        ts=np.repeat(ts, CANDIDATES),
        context=products.query_relevance[query].reshape(-1, 1),
        label=label.ravel(),
        label_ts=np.repeat(ts + rng.uniform(*CLICK_LABEL_DELAY_S, count), CANDIDATES),
    )
