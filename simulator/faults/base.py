"""What a fault is: data, the knob it turns, and how to tell that its cause is gone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from simulator.plant.plant import Plant


class Fault(BaseModel, ABC):
    """A fault with its parameters. It turns knobs of the plant; it never writes a log line, a metric or an alert."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    component: ClassVar[str]
    mechanism: ClassVar[str]
    also_right: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Other diagnoses that name the same cause."""
    harmless: ClassVar[bool] = False
    shows: ClassVar[tuple[str, ...]]
    cured_by: ClassVar[tuple[str, ...]]

    def accepted(self) -> tuple[tuple[str, str], ...]:
        """Diagnoses, as (component, mechanism), that name this cause; the plainest one first."""
        return ((self.component, self.mechanism), *self.also_right)

    @abstractmethod
    def begin(self, plant: Plant) -> None:
        """Turn the knob, now."""

    @abstractmethod
    def active(self, plant: Plant) -> bool:
        """True while the cause is still in the platform's state."""
