"""Would the alert that the learner added have caught it? Play the night again with that alert in place and see."""

from __future__ import annotations

from reference_platform.monitoring.alerts import AlertRule
from simulator.engine.events import Event, JsonValue
from simulator.image.image import Image
from simulator.session.simulation import Simulation


def check_prevention(simulation: Simulation, image: Image, seed: int) -> None:
    """Re-run the drill from its first second with the added rules until each has fired or the responder had joined.

    Leaves one `prevention.checked` event per rule. A rule that already fires before the fault begins proves nothing
    and is reported with that time.
    """
    added = set(simulation.incident.rules_added)
    rules = [rule for rule in simulation.alerts.rules() if rule.name in added]
    fired = _first_firings(simulation, image, seed, rules)
    joined_s = simulation.incident.joined_s
    fault_s = next((event.t_s for event in simulation.log if event.kind == "truth.fault"), None)
    for rule in rules:
        fires_at_s = fired.get(rule.name)
        since_s = None if fires_at_s is None or fault_s is None else fires_at_s - fault_s
        data: dict[str, JsonValue] = {
            "name": rule.name,
            "fires_at_s": fires_at_s,
            "since_fault_s": since_s,
            "joined_after_s": joined_s,
        }
        simulation.log.append(simulation.now_s, "session", "prevention.checked", data)


def _first_firings(simulation: Simulation, image: Image, seed: int, rules: list[AlertRule]) -> dict[str, float]:
    again = Simulation(simulation.drill, image, seed, extra_rules=rules)
    wanted = {rule.name for rule in rules}
    fired: dict[str, float] = {}

    def remember(event: Event) -> None:
        if event.kind == "alert.fired" and event.data["name"] in wanted:
            fired.setdefault(str(event.data["name"]), event.t_s)

    again.log.listen(remember)
    # A rule that pages brings the responder in early; the run stops at that instant, the others still get their chance.
    while len(fired) < len(wanted) and again.now_s < simulation.incident.joined_s:
        again.advance(simulation.incident.joined_s, lambda: len(fired) < len(wanted))
    return fired
