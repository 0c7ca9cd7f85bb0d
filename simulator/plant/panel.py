"""Requests drawn whole before anybody serves them: who, when, what is asked, and what would have been right.

Nobody needs the content of every request. An even share of each minute's is drawn as the minute begins, from streams
that hang on seed, route and minute alone: what is asked never depends on how it is answered. These are the requests
that are judged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.engine.streams import stream_seed
from simulator.traffic.arrivals import BLOCK_S, Arrivals, Block
from simulator.world.catalogue import draw_requests, side_of
from simulator.world.requests import Requests
from simulator.world.world import World

KEPT_S = 900.0
"""Longer than a request can be under way and an answer wait for its judge."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Requests of one route and minute. `numbers` are theirs in the served log, ascending."""

    begin_s: float
    numbers: NDArray[np.int64]
    requests: Requests


class Panel:
    """Hands on the arrivals minute by minute, and knows what some of them ask."""

    def __init__(self, arrivals: Arrivals, world: World, routes: Sequence[str], seed: int) -> None:
        self.judged_max: Mapping[str, int] = {route: side_of(route).judged_max for route in routes}
        """Requests judged per route and interval, and drawn per route and minute."""
        self._arrivals = arrivals
        self._world = world
        self._routes = tuple(routes)
        self._seed = seed
        self._arrived = 0
        self._drawn: dict[str, deque[Drawn]] = {route: deque() for route in routes}

    def next_block(self) -> Block:
        """The following minute; its requests are drawn, and the entities are those that they are about."""
        block = self._arrivals.next_block()
        numbers = self._arrived + np.arange(len(block.time_s))
        self._arrived += len(numbers)
        for index, route in enumerate(self._routes):
            places = _spread(np.flatnonzero(block.route == index), self.judged_max[route])
            kept = self._drawn[route]
            while kept and kept[0].begin_s < block.begin_s - KEPT_S:
                kept.popleft()
            if len(places):
                minute = round(block.begin_s / BLOCK_S)
                rng = np.random.Generator(np.random.PCG64(stream_seed(self._seed, f"requests/{route}/{minute}")))
                customers = block.entity[places].astype(np.int32)
                asked = draw_requests(self._world, route, customers, block.time_s[places], rng)
                kept.append(Drawn(block.begin_s, numbers[places], asked))
                block.entity[places] = asked.customer  # a thief pays with somebody else's card
        return block

    def judged(self, route: str, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], Requests | None]:
        """Which of these requests are judged, as places in `numbers`, and what they asked; None when none is."""
        kept = self._drawn[route]
        known = np.concatenate([drawn.numbers for drawn in kept]) if kept else np.zeros(0, dtype=np.int64)
        found = np.searchsorted(known, numbers)
        is_known = found < len(known)
        is_known[is_known] = known[found[is_known]] == numbers[is_known]
        places = _spread(np.flatnonzero(is_known), self.judged_max[route])
        if not len(places):
            return places, None
        return places, Requests.joined([drawn.requests for drawn in kept]).take(found[places])


def _spread(places: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most so many of `places`, evenly."""
    if len(places) <= most:
        return places
    return places[np.linspace(0, len(places) - 1, most).astype(np.int64)]
