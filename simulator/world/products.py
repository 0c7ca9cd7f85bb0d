"""Products: what each category sells, what is in fashion this hour, and the searches that find it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reference_platform.arithmetic import exp_of
from simulator.world.columns import Array, Floats, Floats32, Ints
from simulator.world.rhythm import DAY_S, HOUR_S

CANDIDATES = 10
QUERIES_PER_CATEGORY = 40

TREND_HOURS_MEAN = 7.0
TREND_SHARE_RATIO = 0.07
"""Share of products in fashion at any moment; each is boosted for a few hours."""

_TREND_BOOST = (5.0, 14.0)
_APPEAL_SIGMA = 0.6
RELEVANCE_WEIGHT = 2.5
"""How strongly text relevance moves a click: odds multiply by exp(2.5 x relevance)."""


@dataclass(slots=True)
class Products:
    """Products are numbered category by category. `boost` is 1 for a product that is not in fashion."""

    category: Ints
    start: Ints
    appeal: Floats
    boost: Floats
    boost_end_s: Floats
    query_products: Ints
    query_relevance: Floats32
    _cdf: Floats

    @classmethod
    def create(cls, products: int, categories: int, rng: np.random.Generator) -> Products:
        """A fresh catalogue with its searches."""
        assert products >= categories * CANDIDATES, "every category needs a full page of candidates"
        category = np.sort(np.arange(products) % categories).astype(np.int32)
        start = np.searchsorted(category, np.arange(categories + 1)).astype(np.int32)
        appeal = rng.lognormal(0.0, _APPEAL_SIGMA, products)
        queries = categories * QUERIES_PER_CATEGORY
        found = np.empty((queries, CANDIDATES), dtype=np.int32)
        for query in range(queries):
            low, high = start[query // QUERIES_PER_CATEGORY], start[query // QUERIES_PER_CATEGORY + 1]
            found[query] = rng.choice(np.arange(low, high, dtype=np.int32), CANDIDATES, replace=False)
        relevance = rng.beta(2.0, 2.0, (queries, CANDIDATES)).astype(np.float32)
        return cls(
            category, start, appeal, np.ones(products), np.zeros(products), found, relevance, np.zeros(products + 1)
        )._settled()

    def _settled(self) -> Products:
        self._cdf[1:] = np.cumsum(self.appeal * self.boost)
        return self

    def step(self, now_s: float, step_s: float, rng: np.random.Generator) -> None:
        """Fashions end and begin."""
        over = np.flatnonzero((self.boost > 1.0) & (self.boost_end_s <= now_s))
        self.boost[over] = 1.0
        per_day = self.category.shape[0] * TREND_SHARE_RATIO * DAY_S / (TREND_HOURS_MEAN * HOUR_S)
        count = int(rng.poisson(per_day * step_s / DAY_S))
        if count:
            new = rng.integers(0, self.category.shape[0], count)
            self.boost[new] = rng.uniform(*_TREND_BOOST, count)
            self.boost_end_s[new] = now_s + rng.gamma(3.0, TREND_HOURS_MEAN * HOUR_S / 3.0, count)
        if count or over.shape[0]:
            self._settled()

    def draw(self, category: Ints, rng: np.random.Generator) -> Ints:
        """A product for each category, by what is attractive now."""
        low, high = self._cdf[self.start[category]], self._cdf[self.start[category + 1]]
        product = np.searchsorted(self._cdf, low + rng.random(category.shape[0]) * (high - low), side="right") - 1
        return np.clip(product, self.start[category], self.start[category + 1] - 1).astype(np.int32)

    def draw_queries(self, category: Ints, rng: np.random.Generator) -> Ints:
        """A search for each category; row of `query_products` and `query_relevance`."""
        return (category * QUERIES_PER_CATEGORY + rng.integers(0, QUERIES_PER_CATEGORY, category.shape[0])).astype(
            np.int32
        )

    def click_share(self, query: Ints) -> Floats32:
        """Probability f4[n, 10] that each candidate is the one wanted, given the search and the fashion now."""
        pull = (self.appeal * self.boost)[self.query_products[query]] * exp_of(
            RELEVANCE_WEIGHT * self.query_relevance[query]
        )
        return np.asarray(pull / pull.sum(axis=1, keepdims=True), dtype=np.float32)

    def state(self) -> dict[str, Array]:
        """Arrays from which `restore` makes the same catalogue."""
        named: dict[str, Array] = {
            "category": self.category,
            "start": self.start,
            "appeal": self.appeal,
            "boost": self.boost.copy(),
            "boost_end_s": self.boost_end_s.copy(),
            "query_products": self.query_products,
            "query_relevance": self.query_relevance,
        }
        return named

    @classmethod
    def restore(cls, state: dict[str, Array]) -> Products:
        """Inverse of `state`."""
        return cls(
            state["category"],
            state["start"],
            state["appeal"],
            state["boost"].copy(),
            state["boost_end_s"].copy(),
            state["query_products"],
            state["query_relevance"],
            np.zeros(state["category"].shape[0] + 1),
        )._settled()
