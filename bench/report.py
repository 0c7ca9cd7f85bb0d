"""Lines of a bench: what was promised, what was measured."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass

SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}


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
    """Print the figures, as JSON lines with `--json`; 0 when every bound was kept."""
    for item in figures:
        if json_wanted():
            bound = item.bound if math.isfinite(item.bound) else None
            line = {"work": item.what, "value": item.value, "unit": item.unit, "bound": bound, "kept": item.kept}
            print(json.dumps(line | ({"ours_s": item.value * SECONDS[item.unit]} if item.unit in SECONDS else {})))
            continue
        word = "ok" if item.kept else "FELL SHORT"
        print(f"{item.what:<56} {item.value:9.2f} {item.unit:<4} at most {item.bound:g} {item.unit:<4} {word}")
    return 0 if all(item.kept for item in figures) else 1


def json_wanted() -> bool:
    """Whether the command line asks for one JSON object per line."""
    return "--json" in sys.argv[1:]


def smoke_wanted() -> bool:
    """Whether the command line asks for fewer rounds."""
    return "--smoke" in sys.argv[1:]
