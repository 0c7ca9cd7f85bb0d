"""Requests that somebody sends by hand: drawn whole, sent down the path of that instant, and asked about afterwards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reference_platform.models.card import Decisions
from reference_platform.serving.answer import by_default
from reference_platform.serving.records import OK, Records
from simulator.plant.plant import Plant
from simulator.world.catalogue import draw_requests
from simulator.world.requests import Requests

DRAWS_MAX = 50
"""How often to look for a request of somebody who was named."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request under way. `number` is its number in the served log."""

    number: int
    request: Requests


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a request: the status, how long it took, by whom it was answered, and with what.

    `replica` is the pod's name, empty when none was reached; `cause` is why no model answered; `decision` is None then.
    """

    status: int
    took_s: float
    replica: str
    version: int
    cause: int
    decision: Decisions | None


class ByHand:
    """Sends one request at a time; `reply` knows what became of the last one."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._rng = plant.streams.get("shell/curl")
        self._sent: Sent | None = None

    def draw(self, route: str, customer: int | None) -> Requests:
        """What this customer, or anybody, asks now."""
        world, now_s = self._plant.world, np.array([self._plant.now_s])
        count = len(world.customer_weights)
        who = int(self._rng.integers(count)) if customer is None else customer % count
        drawn = draw_requests(world, route, np.array([who]), now_s, self._rng)
        for _ in range(DRAWS_MAX):
            if customer is None or int(drawn.customer[0]) == who:
                break
            drawn = draw_requests(world, route, np.array([who]), now_s, self._rng)  # a thief had come instead
        return drawn

    def send(self, route: str, customer: int | None) -> None:
        """Send a request now."""
        request = self.draw(route, customer)
        self._sent = Sent(self._plant.plane.send(route, int(request.customer[0])), request)

    def reply(self) -> tuple[Requests, Reply | None] | None:
        """The last request sent and what became of it, None while it has no answer. None when nothing was sent."""
        sent, self._sent = self._sent, None
        if sent is None:
            return None
        row = self._plant.plane.take_answer(sent.number)
        return sent.request, None if row is None else self._reply(sent.request, row)

    def default(self, request: Requests) -> Decisions:
        """What the fallback service says to a request."""
        decisions = by_default(request.route, request.context, self._plant.world.popular_categories)
        return np.asarray(decisions[0])

    def _reply(self, request: Requests, row: Records) -> Reply:
        plant = self._plant
        decision = None
        if row.outcome == OK:
            decision = plant.judge.answers(request, int(row.version), np.array([row.features_us])).decisions[0]
        names = {
            plant.plane.serial_of(pod.path_index): pod.name
            for pod in plant.cluster.pods.values()
            if pod.path_index >= 0
        }
        took_s = float(row.answered_us - row.started_us) / 1e6
        return Reply(
            int(row.status), took_s, names.get(int(row.replica), ""), int(row.version), int(row.cause), decision
        )
