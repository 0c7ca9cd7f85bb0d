"""Who asks for what, when: Poisson arrivals with the shop's daily and weekly rhythm.

Arrivals are drawn in blocks of one minute, in order, from a stream of their own. They do not depend on anything a
responder does, so two plays of one seed meet exactly the same shoppers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


@dataclass(frozen=True, slots=True)
class Surge:
    """From `begin_s` until `end_s` these routes are asked `factor` times as often as the rhythm of the week has it."""

    begin_s: float
    end_s: float
    factor: float
    routes: tuple[int, ...]


class Arrivals:
    """Blocks in order. `shares` are the routes' shares of all requests; `weights` how often each customer comes.

    What a surge adds is drawn from `surge_rng`, so that everybody else comes as they would have.
    """

    def __init__(
        self,
        rhythm: Rhythm,
        requests_per_s: float,
        shares: NDArray[np.float64],
        weights: NDArray[np.float64],
        rng: np.random.Generator,
        surge_rng: np.random.Generator | None = None,
    ) -> None:
        self._rhythm = rhythm
        self._rate = requests_per_s
        self._shares = shares / shares.sum()
        self._routes = Places(np.cumsum(self._shares))
        self._entities = Places(np.cumsum(weights / weights.sum()))
        self._rng = rng
        self._surge_rng = surge_rng
        self._surges: list[Surge] = []
        self._index = 0
        self._comes: Callable[[float], bool] | None = None

    def keep(self, comes: Callable[[float], bool]) -> None:
        """From now on nobody comes in a minute for whose beginning, in seconds, `comes` says no."""
        self._comes = comes

    def rate_per_s(self, t_s: float) -> float:
        """Requests per second that the rhythm of the week lets expect at `t_s`, before retries and without surges."""
        return float(self._rate * self._rhythm.ratio(t_s))

    def route_rate_per_s(self, route: int, t_s: float) -> float:
        """Requests per second to expect for one route at `t_s`, before retries, surges included."""
        usual = self.rate_per_s(t_s) * float(self._shares[route])
        more = sum(s.factor - 1.0 for s in self._surges if route in s.routes and s.begin_s <= t_s < s.end_s)
        return usual * (1.0 + more)

    def surges(self, route: int, t_s: float) -> bool:
        """Whether a surge multiplies the requests of a route at `t_s`."""
        return any(route in surge.routes and surge.begin_s <= t_s < surge.end_s for surge in self._surges)

    def add_surge(self, surge: Surge) -> None:
        """More requests from then on, in every minute that is not drawn yet."""
        self._surges.append(surge)

    def next_block(self) -> Block:
        """The following minute."""
        begin = self._index * BLOCK_S
        self._index += 1
        n = (
            int(self._rng.poisson(self.rate_per_s(begin + BLOCK_S / 2) * BLOCK_S))
            if self._comes is None or self._comes(begin)
            else 0
        )
        times = np.sort(begin + BLOCK_S * self._rng.random(n))
        route = self._routes.of(self._rng.random(n))
        entity = self._entities.of(self._rng.random(n))
        parts = [Block(begin, times, route, entity)]
        parts += [
            self._added(surge, begin)
            for surge in self._surges
            if surge.begin_s < begin + BLOCK_S and begin < surge.end_s
        ]
        return parts[0] if len(parts) == 1 else _merged(parts)

    def _added(self, surge: Surge, begin_s: float) -> Block:
        """What a surge adds to the minute from `begin_s`."""
        assert self._surge_rng is not None, "who plans surges gives them a stream"
        rng = self._surge_rng
        from_s = max(begin_s, surge.begin_s)
        length_s = min(begin_s + BLOCK_S, surge.end_s) - from_s
        shares = self._shares[list(surge.routes)]
        rate = self.rate_per_s(begin_s + BLOCK_S / 2) * float(shares.sum()) * (surge.factor - 1.0)
        n = int(rng.poisson(rate * length_s))
        times = np.sort(from_s + length_s * rng.random(n))
        chosen = Places(np.cumsum(shares / shares.sum())).of(rng.random(n))
        route = np.asarray(surge.routes, dtype=np.int64)[chosen]
        return Block(begin_s, times, route, self._entities.of(rng.random(n)))


def _merged(parts: Sequence[Block]) -> Block:
    """Arrivals of one minute from several sources, ascending; the first source comes first at the same instant."""
    times = np.concatenate([part.time_s for part in parts])
    order = np.argsort(times, kind="stable")
    route = np.concatenate([part.route for part in parts])
    entity = np.concatenate([part.entity for part in parts])
    return Block(parts[0].begin_s, times[order], route[order], entity[order])


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
