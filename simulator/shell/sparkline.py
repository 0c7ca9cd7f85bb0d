"""A row of blocks for a row of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float]) -> str:
    """One block per value between the smallest and the largest; a blank where a value is missing (NaN)."""
    real = [value for value in values if math.isfinite(value)]
    if not real:
        return " " * len(values)
    low, high = min(real), max(real)
    scale = (len(BLOCKS) - 1) / (high - low) if high > low else 0.0
    cells = []
    for value in values:
        if math.isnan(value):
            cells.append(" ")
        else:
            level = (min(high, max(low, value)) - low) * scale
            cells.append(BLOCKS[round(level)] if math.isfinite(level) else BLOCKS[0])
    return "".join(cells)
