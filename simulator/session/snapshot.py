"""A drill as it is at one instant, to go on from as often as wanted: players and forks share what came before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from simulator.engine.freezing import Frozen, freeze, thaw
from simulator.image.image import Image
from simulator.session.drill import DrillSpec

if TYPE_CHECKING:
    from simulator.session.simulation import Simulation


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What `Simulation.restore` goes on from. Drill and image are those of the simulation, not copies."""

    drill: DrillSpec
    image: Image
    state: Frozen

    @property
    def nbytes(self) -> int:
        """Bytes that it keeps in memory."""
        return self.state.nbytes

    @staticmethod
    def of(simulation: Simulation) -> Snapshot:
        """The simulation as it is now."""
        drill, image = simulation.drill, simulation.plant.image
        return Snapshot(drill, image, freeze(simulation, _shared(drill, image)))

    def restored(self) -> Simulation:
        """A simulation that goes on from here and shares nothing that changes with anybody."""
        return cast("Simulation", thaw(self.state, _shared(self.drill, self.image)))


def _shared(drill: DrillSpec, image: Image) -> dict[str, object]:
    return {"drill": drill, "platform": drill.platform, "image": image}
