"""Would the alert that the learner added have caught it, and would it have kept quiet in a healthy week?

The night is on record: what a rule would have seen before anybody joined stands in the metrics of the run itself, so
the rule is evaluated over them. Nothing else before joining depends on a rule that was not there.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from reference_platform.monitoring.alerts import AlertEvaluator, AlertRule, Fired
from reference_platform.monitoring.series import SeriesStore
from simulator.engine.events import JsonValue
from simulator.image.image import Image
from simulator.session.simulation import ALERT_EVERY_S, Simulation

Progress = Callable[[float, str], None]


def check_prevention(simulation: Simulation, image: Image, seed: int, on_progress: Progress = lambda *_: None) -> None:
    """Leave one `prevention.checked` event for each rule that the responder added and that is still there."""
    added = set(simulation.incident.rules_added)
    rules = [rule for rule in simulation.alerts.rules() if rule.name in added]
    joined_s = simulation.incident.joined_s
    store = night_until(simulation, image, seed, joined_s)
    fault_s = next((event.t_s for event in simulation.log if event.kind == "truth.fault"), None)
    for rule in rules:
        firings = firings_of(rule, store, ALERT_EVERY_S, joined_s, ALERT_EVERY_S, firings_max=1)
        fires_at_s = firings[0] if firings else None
        since_s = None if fires_at_s is None or fault_s is None else fires_at_s - fault_s
        data: dict[str, JsonValue] = {
            "name": rule.name,
            "fires_at_s": fires_at_s,
            "since_fault_s": since_s,
            "joined_after_s": joined_s,
        }
        simulation.log.append(simulation.now_s, "session", "prevention.checked", data)


def firings_of(
    rule: AlertRule, store: SeriesStore, begin_s: float, end_s: float, every_s: float, firings_max: int | None = None
) -> list[float]:
    """The first `firings_max` instants at which `rule` would have fired, evaluated every `every_s` between both."""
    evaluator = AlertEvaluator(store, every_s=every_s, start_s=begin_s)
    evaluator.add_rule(rule)
    firings: list[float] = []
    for step in range(math.floor((end_s - begin_s) / every_s) + 1):
        now_s = begin_s + step * every_s
        firings += [now_s for change in evaluator.tick(now_s) if isinstance(change, Fired)]
        if firings_max is not None and len(firings) >= firings_max:
            return firings[:firings_max]
    return firings


def night_until(simulation: Simulation, image: Image, seed: int, to_s: float) -> SeriesStore:
    """Metrics of this night that are whole up to `to_s`: the run's own, or those of another run when it was so long
    that it has forgotten its beginning."""
    store = simulation.plant.store
    if all(len(series) < store.points_max for name in store.names() for series in store.select(name)):
        return store
    again = Simulation(simulation.drill, image, seed)
    while again.now_s < to_s:  # joining stops it once
        again.advance(to_s, lambda: True)
    return again.plant.store
