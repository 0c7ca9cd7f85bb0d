"""The minute report: SLO, harm, and whether the causes are gone. The measure that scores are made of.

A state is good when the objectives hold and every cause is gone; what a cause leaves behind in the data is the cause's
to tell. So nobody who made both true is ever called too early.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from reference_platform.serving.records import ERROR, FALLBACK, OK
from reference_platform.serving.served_log import latency_quantile_s
from simulator.engine.events import EventLog, JsonValue
from simulator.faults.base import Fault
from simulator.plant.plant import Plant
from simulator.plant.quality import RouteQuality

ACTIVE_S = 60.0
QUIET_S = 300.0
REQUESTS_MIN = 20
"""Fewer requests in an interval say nothing about a route."""


class ReportPart:
    """Every minute once somebody has joined, every five minutes before."""

    def __init__(self, plant: Plant, log: EventLog, faults: Mapping[str, Fault], is_joined: Callable[[], bool]) -> None:
        self._plant = plant
        self._log = log
        self._faults = faults
        self._is_joined = is_joined
        self._due_s = QUIET_S
        self._last_s = 0.0
        self._last = plant.plane.totals.copy()
        self._slo_good = True
        self._told: dict[str, bool] = {}
        self.total_harm_eur = 0.0

    def next_wake_s(self) -> float:
        return self._due_s

    def joined(self, now_s: float) -> None:
        """From now on every minute."""
        self._due_s = min(self._due_s, now_s + ACTIVE_S)

    def tick(self, now_s: float) -> None:
        if now_s < self._due_s:
            return
        self._due_s = now_s + (ACTIVE_S if self._is_joined() else QUIET_S)
        quality = self._plant.judge_quality(now_s)
        self._slo_good = self._slo(now_s)
        self._harm(now_s, quality)
        self._state(now_s, self._cleared())
        self._last_s = now_s

    def look(self, now_s: float) -> None:
        """Tell the state now if a cause came or went since it was last told, so that no claim is judged by old news."""
        cleared = self._cleared()
        if cleared != self._told:
            self._state(now_s, cleared)

    def _cleared(self) -> dict[str, bool]:
        return {name: not fault.active(self._plant) for name, fault in self._faults.items()}

    def _state(self, now_s: float, cleared: dict[str, bool]) -> None:
        self._told = cleared
        all_cleared = all(cleared.values())
        data: dict[str, JsonValue] = {
            "cleared": all_cleared,
            "faults": {name: "cleared" if gone else "active" for name, gone in cleared.items()},
            "good": all_cleared and self._slo_good,
        }
        self._log.append(now_s, "truth", "truth.state", data, visible=False)

    def _slo(self, now_s: float) -> bool:
        grown = self._plant.plane.totals.since(self._last)
        routes: dict[str, JsonValue] = {}
        all_good = True
        for row, model in enumerate(self._plant.spec.models):
            served, fallback, errors = (int(grown.outcomes[row, end]) for end in (OK, FALLBACK, ERROR))
            total = served + fallback + errors
            histogram = grown.latency[row]
            p99_s = latency_quantile_s(histogram, 0.99)
            ratio = served / total if total else 1.0
            known = p99_s == p99_s
            good = objectives_hold(
                histogram, total, total - served, self._plant.spec.slo.availability, model.latency_slo
            )
            all_good = all_good and good
            routes[model.name] = {
                "requests": total,
                "ok": served,
                "fallback": fallback,
                "errors": errors,
                "gateway_504": grown.of_status(row, 504),
                "p99_s": p99_s if known else None,
                "ok_ratio": ratio,
                "good": good,
            }
        self._last = self._plant.plane.totals.copy()
        window_s = now_s - self._last_s
        self._log.append(now_s, "slo", "slo", {"routes": routes, "good": all_good, "window_s": window_s})
        return all_good

    def _harm(self, now_s: float, quality: Mapping[str, RouteQuality]) -> None:
        by_route: dict[str, JsonValue] = {route: item.harm_eur for route, item in quality.items()}
        harm_eur = sum(item.harm_eur for item in quality.values())
        self.total_harm_eur += harm_eur
        data: dict[str, JsonValue] = {"eur": harm_eur, "total_eur": self.total_harm_eur, "by_route": by_route}
        self._log.append(now_s, "truth", "truth.harm", data, visible=False)


def objectives_hold(
    latency: NDArray[np.int64], total: int, failed: int, availability: float, latency_slo_s: float
) -> bool:
    """Whether an interval of one route kept both objectives. A single request, failed or slow, is chance."""
    if total < REQUESTS_MIN:
        return True
    slowest_ratio = max(0.01, 1.0 / total) + 1e-9
    answered = failed <= max(1.0, total * (1.0 - availability))
    return answered and not latency_quantile_s(latency, 1.0 - slowest_ratio) > latency_slo_s
