"""A calm night with one fault on it: type lines, let time pass, ask whether the cause is still there."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.faults.base import Fault
from simulator.plant.plant import Plant
from tests.contract.conditions import BEGINS_S, run_to, simulated, staffed, type_now


class Bench:
    """The night `after_s` seconds after the fault began."""

    def __init__(self, fault_id: str, params: Mapping[str, object] | None = None, after_s: float = 120.0) -> None:
        self.simulation = simulated(fault_id, params)
        run_to(self.simulation, BEGINS_S)
        self.session = staffed(self.simulation)
        self.wait(after_s)

    @property
    def fault(self) -> Fault:
        (fault,) = self.simulation.began.values()
        return fault

    @property
    def plant(self) -> Plant:
        return self.simulation.plant

    @property
    def active(self) -> bool:
        return self.fault.active(self.plant)

    def type(self, *lines: str) -> None:
        """Type lines that have to work, all at this instant."""
        for line in lines:
            ran = type_now(self.session, line)
            assert ran.exit == 0, ran.text

    def wait(self, seconds: float) -> None:
        run_to(self.simulation, self.simulation.now_s + seconds)

    def active_for(self, seconds: float, step_s: float = 1.0) -> set[bool]:
        """What `active` says now and every `step_s` for so long: {True} when it never wavers."""
        seen = {self.active}
        for _ in range(round(seconds / step_s)):
            self.wait(step_s)
            seen.add(self.active)
        return seen
