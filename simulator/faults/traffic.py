"""Conditions of the traffic: one that looks like a fault and is none, and one that is a fault where capacity ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from reference_platform.durations import Duration
from reference_platform.serving.capacity import capacity_per_s
from simulator.faults.base import EVERY_MODEL, MOVE, Fault, Pair
from simulator.plant.knobs import AddSurge, turn

if TYPE_CHECKING:
    from simulator.plant.plant import Plant

EVERY_ROUTE = ""
BUSY_MAX_RATIO = 0.94
"""Share of their capacity up to which model servers still answer in time; above it the queues of a minute of chance
grow beyond the latency objective."""
LOOK_S = 60.0
"""How finely the hours of a surge are looked at."""


class SeasonalDip(Fault):
    """The quietest hour of the week is below a floor that was set on a busier night. Nothing is broken."""

    component: ClassVar[str] = "traffic"
    mechanism: ClassVar[str] = "seasonal_dip"
    also_right: ClassVar[tuple[Pair, ...]] = (
        ("traffic", "config_error"),
        ("alerting", "config_error"),
        ("alerting", "seasonal_dip"),
    )
    neighbours: ClassVar[tuple[str, ...]] = ("gateway", "fraud-detection", EVERY_MODEL)
    nearly_right: ClassVar[tuple[Pair, ...]] = (
        ("fraud-detection", "config_error"),
        ("alerting", "bad_deploy"),
        ("traffic", "concept_drift"),
        ("traffic", "data_drift"),
    )
    harmless: ClassVar[bool] = True
    shows: ClassVar[tuple[str, ...]] = ("request rates fall to last week's value of the same hour",)
    cured_by: ClassVar[tuple[str, ...]] = ()

    def begin(self, plant: Plant) -> None:
        assert plant.now_s >= 0.0, "the rhythm of the week is part of the world, not of this condition"

    def active(self, plant: Plant) -> bool:
        return False


class Surge(Fault):
    """More visitors than this hour has, for a while: a campaign, a crawler, a partner's home page.

    It hurts where the servers of a route cannot take it, and is nothing but good news where they can.
    """

    component: ClassVar[str] = "traffic"
    mechanism: ClassVar[str] = "traffic_spike"
    also_right: ClassVar[tuple[Pair, ...]] = (
        ("traffic", "capacity_shortage"),
        ("gpu-pool", "capacity_shortage"),
    )
    neighbours: ClassVar[tuple[str, ...]] = ("gateway",)
    nearly_right: ClassVar[tuple[Pair, ...]] = (("gateway", "retry_storm"), ("traffic", "retry_storm"))
    also_safe: ClassVar[tuple[str, ...]] = (EVERY_MODEL,)
    shows: ClassVar[tuple[str, ...]] = (
        "request rates of the routes rise by the factor against last week's same hour",
        "where servers are too few: queues, p99 and 504s rise, DCGM_FI_DEV_GPU_UTIL nears 100, retries add to it",
    )
    cured_by: ClassVar[tuple[str, ...]] = (f"{MOVE}; kubectl scale deployment MODEL --replicas=12",)

    factor: float = Field(default=3.0, gt=1, le=50)
    """Requests against what the hour would have."""
    route: str = EVERY_ROUTE
    """The one route that is asked more often; empty means all."""
    lasts: Duration = Field(default=3600.0, ge=60, le=7 * 86400)

    def accepted(self) -> tuple[Pair, ...]:
        own = ((self.route, "traffic_spike"), (self.route, "capacity_shortage")) if self.route else ()
        return (*super().accepted(), *own)

    def accepted_in(self, plant: Plant) -> tuple[Pair, ...]:
        """Whoever names a route that runs out of servers is right as well."""
        short = [route for route in self._routes(plant) if not self._holds(plant, route, plant.now_s, self.lasts)]
        own = [(route, mechanism) for route in short for mechanism in ("capacity_shortage", "traffic_spike")]
        return tuple(dict.fromkeys((*self.accepted(), *own)))

    def harmless_in(self, plant: Plant) -> bool:
        """Whether what runs now could take all of the surge."""
        return all(self._holds(plant, route, plant.now_s, self.lasts) for route in self._routes(plant))

    def begin(self, plant: Plant) -> None:
        from simulator.traffic.arrivals import Surge as Crowd  # naming a fault does not need the compiled request path

        rows = tuple(plant.plane.routes.index(route) for route in self._routes(plant))
        turn(plant, AddSurge(Crowd(plant.now_s, plant.now_s + self.lasts, self.factor, rows)))

    def active(self, plant: Plant) -> bool:
        """While a route is asked more than its ready servers can answer, because of the surge."""
        return any(self._short_now(plant, route) for route in self._routes(plant))

    def _routes(self, plant: Plant) -> list[str]:
        return [route for route in plant.plane.routes if self.route in (EVERY_ROUTE, route)]

    def _short_now(self, plant: Plant, route: str) -> bool:
        row = plant.plane.routes.index(route)
        surges = plant.arrivals.surges(row, plant.now_s)
        return surges and plant.arrivals.route_rate_per_s(row, plant.now_s) > self._most_per_s(plant, route)

    def _holds(self, plant: Plant, route: str, from_s: float, length_s: float) -> bool:
        """Whether the ready servers can answer the route's requests times the factor, at every minute of the time."""
        row = plant.plane.routes.index(route)
        minutes = np.arange(from_s, from_s + length_s, LOOK_S)
        busiest_per_s = max(plant.arrivals.route_rate_per_s(row, at_s) for at_s in minutes.tolist())
        return busiest_per_s * self.factor <= self._most_per_s(plant, route)

    def _most_per_s(self, plant: Plant, route: str) -> float:
        slowdowns = [plant.cluster.slowdown(pod) for pod in plant.cluster.ready_pods(route)]
        return BUSY_MAX_RATIO * capacity_per_s(plant.spec.model(route), slowdowns)
