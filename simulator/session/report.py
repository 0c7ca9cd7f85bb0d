"""The minute report: SLO, harm, and whether the causes are gone. The measure that scores are made of."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from simulator.engine.events import EventLog, JsonValue
from simulator.faults.base import Fault
from simulator.plant.plant import Plant
from simulator.plant.quality import RouteQuality
from simulator.traffic.layout import C_504, C_ERROR, C_FALLBACK, C_SERVED, latency_quantile_s

ACTIVE_S = 60.0
QUIET_S = 300.0
STALE_LOSS_MAX_RATIO = 0.10
"""Predictions count as fresh while they lose at most this share of the value that perfectly fresh ones have."""
SMOOTHING = 5
"""Intervals over which that loss is averaged; one interval alone is a small sample."""
REQUESTS_MIN = 20


class ReportPart:
    """Every minute once somebody has joined, every five minutes before."""

    def __init__(self, plant: Plant, log: EventLog, faults: Mapping[str, Fault], is_joined: Callable[[], bool]) -> None:
        self._plant = plant
        self._log = log
        self._faults = faults
        self._is_joined = is_joined
        self._due_s = QUIET_S
        self._last_s = 0.0
        self._last_counters = plant.plane.path.counters.copy()
        self._last_latency = plant.plane.path.latency.copy()
        self._losses: dict[str, deque[tuple[float, float]]] = {}
        self.total_harm_eur = 0.0
        self.good = True

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
        slo_good = self._slo(now_s)
        self._harm(now_s, quality)
        cleared = {name: not fault.active(self._plant) for name, fault in self._faults.items()}
        self.good = all(cleared.values()) and slo_good and self._fresh(quality)
        data: dict[str, JsonValue] = {
            "cleared": all(cleared.values()),
            "faults": {name: "cleared" if gone else "active" for name, gone in cleared.items()},
            "good": self.good,
        }
        self._log.append(now_s, "truth", "truth.state", data, visible=False)
        self._last_s = now_s

    def _slo(self, now_s: float) -> bool:
        path = self._plant.plane.path
        routes: dict[str, JsonValue] = {}
        all_good = True
        for row, model in enumerate(self._plant.spec.models):
            delta = path.counters[row] - self._last_counters[row]
            served, fallback, errors = int(delta[C_SERVED]), int(delta[C_FALLBACK]), int(delta[C_ERROR])
            total = served + fallback + errors
            p99_s = latency_quantile_s(path.latency[row] - self._last_latency[row], 0.99)
            ratio = served / total if total else 1.0
            known = p99_s == p99_s
            good = total < REQUESTS_MIN or (ratio >= self._plant.spec.slo.availability and p99_s <= model.latency_slo)
            all_good = all_good and good
            routes[model.name] = {
                "requests": total,
                "ok": served,
                "fallback": fallback,
                "errors": errors,
                "gateway_504": int(delta[C_504]),
                "p99_s": p99_s if known else None,
                "ok_ratio": ratio,
                "good": good,
            }
        self._last_counters = path.counters.copy()
        self._last_latency = path.latency.copy()
        window_s = now_s - self._last_s
        self._log.append(now_s, "slo", "slo", {"routes": routes, "good": all_good, "window_s": window_s})
        return all_good

    def _harm(self, now_s: float, quality: Mapping[str, RouteQuality]) -> None:
        by_route: dict[str, JsonValue] = {route: item.harm_eur for route, item in quality.items()}
        harm_eur = sum(item.harm_eur for item in quality.values())
        self.total_harm_eur += harm_eur
        data: dict[str, JsonValue] = {"eur": harm_eur, "total_eur": self.total_harm_eur, "by_route": by_route}
        self._log.append(now_s, "truth", "truth.harm", data, visible=False)

    def _fresh(self, quality: Mapping[str, RouteQuality]) -> bool:
        fresh = True
        for route, item in quality.items():
            if item.click_ratio != item.click_ratio:
                continue
            losses = self._losses.setdefault(route, deque(maxlen=SMOOTHING))
            losses.append((item.harm_eur, item.best_eur))
            lost, best = (sum(column) for column in zip(*losses, strict=True))
            fresh = fresh and lost <= STALE_LOSS_MAX_RATIO * best
        return fresh
