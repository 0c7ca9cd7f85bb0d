"""A drill of a few simulated minutes with little traffic, for tests of what plays drills."""

from __future__ import annotations

from scenarios.compile import to_drill
from scenarios.fleet import NightRequest, Task
from scenarios.loaded import LoadedScenario
from scenarios.loader import load_scenario_text
from simulator.drill.spec import Step

TEXT = """\
schema: 1
id: short-shift
title: A slow store
level: junior
family: serving
platform: reference
overlay:
  traffic: {requests_per_s: 30}
clock: {starts: "Tue 10:00", drill: 9m, joins: first_page, joins_by: 10m}
brief: Something is slow.
faults:
  - fault: online_store.slow
    at: 40s..80s
    with: {sync_ms: 900}
people:
  - {name: Dana, role: product manager, knows: Nothing.}
hints: [What do all models share?]
runbooks: {gateway: Look at what they share.}
expert:
  - ack
  - store info
  - store config set appendfsync everysec
  - resolve online-store:slow_dependency the store waits for its disk at every write
"""

LOOK = (Step("ack", 0.0), Step("slo", 0.0), Step("", 60.0), Step("kubectl get pods", 0.0))
CURE = (Step("store config set appendfsync everysec", 0.0),)


def short_scenario(text: str = TEXT) -> LoadedScenario:
    return load_scenario_text(text, "short-shift.yaml")


def short_night(seed: int = 1, **scripts: tuple[Step, ...] | None) -> NightRequest:
    """That drill with these scripts; None is the healthy twin."""
    chosen = scripts or {"idle": (), "look": LOOK, "cure": CURE}
    tasks = tuple(Task(name, steps) for name, steps in chosen.items())
    return NightRequest(to_drill(short_scenario(), seed), seed, tasks)
