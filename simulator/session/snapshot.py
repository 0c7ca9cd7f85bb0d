"""A drill as it is at one instant, to go on from as often as wanted: players and forks share what came before."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.drill.spec import DrillSpec
from simulator.engine.freezing import Frozen, freeze, thaw
from simulator.image.image import Image


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
    def of(simulation: object, drill: DrillSpec, image: Image) -> Snapshot:
        """The simulation as it is now; `drill` and `image` are its own."""
        return Snapshot(drill, image, freeze(simulation, _shared(drill, image)))

    def restored(self) -> object:
        """What goes on from here and shares nothing that changes with anybody."""
        return thaw(self.state, _shared(self.drill, self.image))


def _shared(drill: DrillSpec, image: Image) -> dict[str, object]:
    return {"drill": drill, "platform": drill.platform, "image": image}
