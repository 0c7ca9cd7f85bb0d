"""Would the alert that the learner added have caught it, and would it have kept quiet in a healthy week?

The night is on record: what a rule would have seen before anybody joined stands in the metrics of the run itself, so
the rule is evaluated over them. Nothing else before joining depends on a rule that was not there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from reference_platform.monitoring.alerts import AlertEvaluator, AlertRule, Fired
from reference_platform.monitoring.promql import parse
from reference_platform.monitoring.series import SeriesStore
from simulator.drill.spec import DrillSpec
from simulator.engine.events import JsonValue
from simulator.image.image import Image
from simulator.session.healthy_week import WEEK_S
from simulator.session.simulation import ALERT_EVERY_S, Simulation
from simulator.session.week_cache import healthy_store, week_id
from simulator.shell.query import selectors
from simulator.traffic.arrivals import BLOCK_S

Progress = Callable[[float, str], None]
SETTLED_S = 3600.0
"""From here on a recorded week has what rules look back on."""
COUNTED_MAX = 10_000
_COUNTED: dict[tuple[str, AlertRule], int] = {}


def check_prevention(
    simulation: Simulation,
    image: Image,
    at_joining: Callable[[], Simulation],
    on_progress: Progress = lambda *_: None,
) -> None:
    """Leave one `prevention.checked` event for each rule that the responder added and that is still there.

    `fires_at_s` is when it would first have fired up to the moment of joining, None if it would not have;
    `healthy_firings` is how often it would fire in a week in which nothing is wrong. `at_joining` makes the night up to
    then once more.
    """
    added = set(simulation.incident.rules_added)
    rules = [rule for rule in simulation.alerts.rules() if rule.name in added]
    if not rules:
        return
    joined_s = simulation.incident.joined_s
    night = night_of(simulation, at_joining)
    healthy = _healthy_firings(simulation.drill, image, rules, on_progress)
    fault_s = next((event.t_s for event in simulation.log if event.kind == "truth.fault"), None)
    for rule in rules:
        first = firings_of(rule, night, ALERT_EVERY_S, joined_s, ALERT_EVERY_S, firings_max=1)
        fires_at_s = first[0] if first else None
        data: dict[str, JsonValue] = {
            "name": rule.name,
            "fires_at_s": fires_at_s,
            "since_fault_s": None if fires_at_s is None or fault_s is None else fires_at_s - fault_s,
            "joined_after_s": joined_s,
            "healthy_firings": healthy[rule],
        }
        simulation.log.append(simulation.now_s, "session", "prevention.checked", data)


def _healthy_firings(
    drill: DrillSpec, image: Image, rules: Sequence[AlertRule], on_progress: Progress
) -> dict[AlertRule, int]:
    """How often each rule fires in a healthy week; what was counted before is not counted again."""
    week_of = week_id(drill, image)
    counted = {rule: _COUNTED[week_of, rule] for rule in rules if (week_of, rule) in _COUNTED}
    fresh = [rule for rule in rules if rule not in counted]
    if fresh:
        names = sorted({selector.name for rule in fresh for selector in selectors(parse(rule.expr).root)})
        week = healthy_store(drill, image, names, lambda share, doing: on_progress(0.9 * share, doing))
        for index, rule in enumerate(fresh):
            on_progress(0.9 + 0.1 * index / len(fresh), f"would {rule.name} have fired in a healthy week?")
            counted[rule] = len(firings_of(rule, week, SETTLED_S + ALERT_EVERY_S, WEEK_S, BLOCK_S))
    if len(_COUNTED) + len(fresh) > COUNTED_MAX:
        _COUNTED.clear()
    _COUNTED.update({(week_of, rule): counted[rule] for rule in rules})
    return counted


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


def night_of(simulation: Simulation, at_joining: Callable[[], Simulation]) -> SeriesStore:
    """Metrics that are whole up to the moment of joining: the run's own, or those of that moment when the run has
    become so long that it has forgotten its beginning."""
    store = simulation.plant.store
    if all(len(series) < store.points_max for name in store.names() for series in store.select(name)):
        return store
    return at_joining().plant.store
