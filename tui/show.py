"""How a person wants to see a drill."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Show:
    """Choices made on the command line that no event of the run depends on, except `interview`."""

    interview: bool
    speed: int
    """Simulated seconds per second at the start."""
    plain: bool
    ascii_only: bool
    no_color: bool
