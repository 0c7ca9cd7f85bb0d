"""Who asks for what, when: Poisson arrivals with the shop's daily and weekly rhythm.

Arrivals are drawn in blocks of one minute, in order, from a stream of their own. They do not depend on anything a
responder does, so two plays of one seed meet exactly the same shoppers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.traffic.quantile import Places
from simulator.world.rhythm import Rhythm

BLOCK_S = 60.0


@dataclass(frozen=True, slots=True)
class Block:
    """Arrivals of one minute, ascending."""

    begin_s: float
    time_s: NDArray[np.float64]
    route: NDArray[np.int64]
    entity: NDArray[np.int64]


class Arrivals:
    """Blocks in order. `shares` are the routes' shares of all requests; `weights` how often each customer comes."""

    def __init__(
        self,
        rhythm: Rhythm,
        requests_per_s: float,
        shares: NDArray[np.float64],
        weights: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> None:
        self._rhythm = rhythm
        self._rate = requests_per_s
        self._routes = Places(np.cumsum(shares / shares.sum()))
        self._entities = Places(np.cumsum(weights / weights.sum()))
        self._rng = rng
        self._index = 0

    def rate_per_s(self, t_s: float) -> float:
        """Expected requests per second at `t_s`, before retries."""
        return float(self._rate * self._rhythm.ratio(t_s))

    def next_block(self) -> Block:
        """The following minute."""
        begin = self._index * BLOCK_S
        self._index += 1
        n = int(self._rng.poisson(self.rate_per_s(begin + BLOCK_S / 2) * BLOCK_S))
        times = np.sort(begin + BLOCK_S * self._rng.random(n))
        route = self._routes.of(self._rng.random(n))
        entity = self._entities.of(self._rng.random(n))
        return Block(begin, times, route, entity)


def history_counts(
    rhythm: Rhythm,
    requests_per_s: float,
    share: float,
    times_s: NDArray[np.float64],
    step_s: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Requests of a route in each step that ends at `times_s`, by the same law as the blocks: for weeks before t=0."""
    rate = requests_per_s * share * rhythm.ratio(times_s - step_s / 2)
    return np.asarray(rng.poisson(rate * step_s), dtype=np.float64)
