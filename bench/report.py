"""Lines of a bench: what was promised, what was measured."""

from __future__ import annotations

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure. `bound` is the most it may be."""

    what: str
    value: float
    bound: float
    unit: str

    @property
    def kept(self) -> bool:
        return self.value <= self.bound


def conclude(figures: list[Measured]) -> int:
    """Print the figures; 0 when every bound was kept."""
    for item in figures:
        word = "ok" if item.kept else "FELL SHORT"
        print(f"{item.what:<56} {item.value:9.2f} {item.unit:<4} at most {item.bound:g} {item.unit:<4} {word}")
    return 0 if all(item.kept for item in figures) else 1


def smoke_wanted() -> bool:
    """Whether the command line asks for fewer rounds."""
    return "--smoke" in sys.argv[1:]
