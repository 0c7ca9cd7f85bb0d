"""A responder's desk in a real drill: type lines, read what they printed and what they left in the log."""

from __future__ import annotations

import time
from collections.abc import Mapping

from scenarios.compile import to_drill
from scenarios.loader import load_scenario
from simulator.engine.events import JsonValue
from simulator.image.builder import ensure_image
from simulator.session.session import Session
from simulator.session.simulation import Simulation
from simulator.shell.context import Operator
from simulator.shell.run import Ran, begin, run, understand

SEED = 1
LEAK = "gateway-504-at-3am"
STALE = "stale-predictions-three-days"
QUIET = "healthy-night"


class Desk:
    """One drill advanced to some instant, or to its page.

    `type` runs a line at once; `submit` goes through a session, and time passes.
    """

    def __init__(self, scenario: str, to_s: float, *, mode: str = "practice") -> None:
        image = ensure_image()
        drill = to_drill(load_scenario(scenario), SEED)
        self.simulation = Simulation(drill, image, SEED)
        self.simulation.advance(to_s, lambda: True)
        self.simulation.join("shift")
        self.session = Session(
            self.simulation, seed=SEED, image=image, player="test", mode=mode, wall_clock=time.monotonic
        )

    @property
    def op(self) -> Operator:
        return self.session.operator

    def type(self, line: str) -> Ran:
        """Run a line now; no output is kept, and time passes only for what has set something going."""
        typed = understand(line)
        for step in typed.steps:
            if step.command.begin is not None:
                begin(self.op, step)
                self.wait(step.takes_s)
        return run(self.op, typed)

    def submit(self, line: str) -> str:
        """Enter a line as a person would."""
        return self.session.submit(line).text

    def wait(self, seconds: float) -> None:
        self.session.advance(self.session.now_s + seconds)

    def events(self, kind: str) -> list[Mapping[str, JsonValue]]:
        """What events of that kind say, oldest first."""
        return [event.data for event in self.simulation.log if event.kind == kind]
