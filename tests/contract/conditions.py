"""The reference platform on a calm night, with whatever fault a test wants on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from scenarios.compile import to_drill
from scenarios.loader import load_scenario
from simulator.drill.spec import DrillSpec, PlannedFault
from simulator.image.builder import ensure_image
from simulator.session.session import Session
from simulator.session.simulation import Simulation
from simulator.shell.run import Ran, begin, run, understand

SEED = 1
BEGINS_S = 600.0
NIGHT_S = 3_600.0


def calm_night(*faults: PlannedFault) -> DrillSpec:
    """The quiet scenario without its floor alert, with these faults instead of its own."""
    drill = to_drill(load_scenario("healthy-night"), SEED)
    alerts = [alert for alert in drill.platform.alerts if alert.name != "PaymentsTooLow"]
    platform = drill.platform.model_copy(update={"alerts": alerts})
    # Long enough to type every form of every command.
    return replace(drill, platform=platform, faults=faults, drill_s=max(drill.drill_s, NIGHT_S))


def simulated(fault_id: str | None = None, params: Mapping[str, object] | None = None) -> Simulation:
    """That night from its first second, with a fault planned at BEGINS_S or none."""
    planned = () if fault_id is None else (PlannedFault(fault_id, BEGINS_S, dict(params or {})),)
    return Simulation(calm_night(*planned), ensure_image(), SEED)


def run_to(simulation: Simulation, to_s: float, until: Callable[[], bool] = lambda: False) -> None:
    """Let time pass up to `to_s`, or until something holds after an event. Somebody joining stops nothing."""
    while simulation.now_s < to_s and not until():
        simulation.advance(to_s, lambda: not until())


def staffed(simulation: Simulation) -> Session:
    """Somebody sits down at this simulation, now."""
    simulation.join("shift")
    image = ensure_image()
    return Session(simulation, seed=SEED, image=image, player="test", mode="practice", wall_clock=time.monotonic)


def type_now(session: Session, line: str) -> Ran:
    """Run a line without the session's bookkeeping, at this instant or when what it set going has had its time."""
    typed = understand(line)
    for step in typed.steps:
        if step.command.begin is not None:
            begin(session.operator, step)
            session.advance(session.now_s + step.takes_s)
    ran = run(session.operator, typed)
    session.simulation.drive.arm()
    return ran


def urgent_alerts(simulation: Simulation) -> list[str]:
    """Alerts so far that would wake somebody."""
    fired = [event.data for event in simulation.log if event.kind == "alert.fired"]
    return [str(data["name"]) for data in fired if data["severity"] in ("P1", "P2")]
