"""What it takes to open a session. Alone, because the briefing needs it first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.drill.spec import DrillSpec

PERSON = "human"
"""How the player of a run is called when a person types."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A drill, its seed, and who plays it how."""

    drill: DrillSpec
    seed: int
    player: str
    mode: str
    kind: str = "script"
    """Whether a person or a script types."""
