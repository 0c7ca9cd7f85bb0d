"""Customers: how active they are, what they like for years, and what they are after today."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.world.columns import Array, Floats, Floats32, Ints
from simulator.world.rhythm import DAY_S

MISSIONS_PER_DAY = 0.8
"""How often a customer turns to something new. This is what makes three-day-old activity misleading."""

MISSION_RATIO = 0.78
"""Share of a customer's interest that belongs to the current mission; the rest is long-term taste."""

# Within a mission: the category itself, and the two that go with it (a tent, then stoves and boots).
_MISSION_PROFILE = (0.66, 0.22, 0.12)
_MISSION_FROM_TASTE_RATIO = 0.45
_TASTE_CONCENTRATION = 5.0
_POPULARITY_SLOPE = 0.45
_ACTIVITY_SIGMA = 0.9


@dataclass(slots=True)
class Customers:
    """State of every customer. `weights` (sum 1) says who acts next; `mission` is the category sought now."""

    weights: Floats
    taste: Floats
    related: Ints
    popularity: Floats
    mission: Ints
    _weights_cdf: Floats
    _taste_cdf: Floats
    _popularity_cdf: Floats
    _profiles: Floats32
    _mean_taste: Floats

    @classmethod
    def create(cls, customers: int, categories: int, rng: np.random.Generator) -> Customers:
        """A fresh clientele."""
        by_rank = (1.0 + np.arange(categories)) ** -_POPULARITY_SLOPE
        popularity = np.asarray(rng.permutation(by_rank / by_rank.sum()), dtype=np.float64)
        activity = rng.lognormal(0.0, _ACTIVITY_SIGMA, customers)
        taste = rng.dirichlet(popularity * _TASTE_CONCENTRATION, customers)
        steps = np.array([1, categories // 3])
        related = (np.arange(categories)[:, None] + steps) % categories
        mission = rng.integers(0, categories, customers)
        return cls._of(activity / activity.sum(), taste, related, popularity, mission)

    @classmethod
    def _of(cls, weights: Floats, taste: Floats, related: Array, popularity: Floats, mission: Array) -> Customers:
        categories = popularity.shape[0]
        profiles = np.zeros((categories, categories), dtype=np.float32)
        everything = np.arange(categories)
        profiles[everything, everything] = _MISSION_PROFILE[0]
        for slot in (0, 1):
            profiles[everything, related[:, slot]] += _MISSION_PROFILE[slot + 1]
        return cls(
            weights=weights,
            taste=taste,
            related=related.astype(np.int32),
            popularity=popularity,
            mission=mission.astype(np.int32),
            _weights_cdf=np.cumsum(weights),
            _taste_cdf=np.cumsum(taste, axis=1),
            _popularity_cdf=np.cumsum(popularity),
            _profiles=profiles,
            _mean_taste=(weights[:, None] * taste).sum(axis=0),
        )

    def step(self, step_s: float, rng: np.random.Generator) -> None:
        """Some customers begin a new mission."""
        count = int(rng.poisson(self.mission.shape[0] * MISSIONS_PER_DAY * step_s / DAY_S))
        who = rng.integers(0, self.mission.shape[0], count)
        from_taste = rng.random(count) < _MISSION_FROM_TASTE_RATIO
        u = rng.random(count)
        tasteful = self._from_taste(who, u)
        popular = np.searchsorted(self._popularity_cdf, u * self._popularity_cdf[-1], side="right")
        self.mission[who] = np.where(from_taste, tasteful, popular)

    def draw(self, count: int, rng: np.random.Generator) -> Ints:
        """Who acts: `count` customers by activity, with repetition."""
        u = rng.random(count) * self._weights_cdf[-1]
        return np.asarray(np.searchsorted(self._weights_cdf, u, side="right"), dtype=np.int32)

    def draw_categories(self, customer: Ints, rng: np.random.Generator) -> Ints:
        """A category for each customer, by intent."""
        u = rng.random(len(customer))
        kind = rng.random(len(customer))
        mission = self.mission[customer]
        first, second = _MISSION_PROFILE[0], _MISSION_PROFILE[0] + _MISSION_PROFILE[1]
        aim = np.where(u < first, mission, np.where(u < second, self.related[mission, 0], self.related[mission, 1]))
        return np.where(kind < MISSION_RATIO, aim, self._from_taste(customer, u)).astype(np.int32)

    def intent(self, customer: Ints) -> Floats32:
        """Probability f4[n, categories] that the customer's next click falls in each category."""
        aim = self._profiles[self.mission[customer]]
        intent: Floats32 = self.taste[customer].astype(np.float32)
        intent *= np.float32(1.0 - MISSION_RATIO)
        intent += aim * np.float32(MISSION_RATIO)
        return intent

    def mean_intent(self) -> Floats:
        """What the shop's visitors want in the long run, all missions averaged: f8[categories]."""
        missions = _MISSION_FROM_TASTE_RATIO * self._mean_taste + (1.0 - _MISSION_FROM_TASTE_RATIO) * self.popularity
        sought = (missions[:, None] * self._profiles).sum(axis=0)
        return np.asarray((1.0 - MISSION_RATIO) * self._mean_taste + MISSION_RATIO * sought, np.float64)

    def _from_taste(self, customer: Array, u: Floats) -> Ints:
        beyond = u[:, None] * self._taste_cdf[customer, -1:] >= self._taste_cdf[customer]
        return np.asarray(beyond.sum(axis=1), dtype=np.int32)

    def state(self) -> dict[str, Array]:
        """Arrays from which `restore` makes the same clientele."""
        named: dict[str, Array] = {
            "weights": self.weights,
            "taste": self.taste,
            "related": self.related,
            "popularity": self.popularity,
            "mission": self.mission.copy(),
        }
        return named

    @classmethod
    def restore(cls, state: dict[str, Array]) -> Customers:
        """Inverse of `state`."""
        return cls._of(state["weights"], state["taste"], state["related"], state["popularity"], state["mission"].copy())
