"""Draw from a fixed distribution by its cumulative shares: a table finds the place where a search would look long."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reference_platform.compilation import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Places:
    """`edges.searchsorted(u, "right")`, at most the last place, for u in [0, 1): the same places, found sooner.

    The unit interval is cut into as many cells as there are edges; a search starts where its cell does.
    Source: Chen & Asau, "On generating random variates from an empirical distribution", 1974 (the guide table).
    """

    def __init__(self, edges: Floats) -> None:
        self._edges = np.ascontiguousarray(edges, dtype=np.float64)
        cells = max(1, len(edges))
        starts = np.searchsorted(self._edges, np.arange(cells) / cells, side="right")
        self._starts = np.minimum(starts, len(edges) - 1).astype(np.int64)

    def of(self, u: Floats) -> Ints:
        """The place of each of `u`."""
        found = np.empty(len(u), dtype=np.int64)
        _places(self._edges, self._starts, u, found)
        return found


@compiled
def _places(edges: Floats, starts: Ints, u: Floats, found: Ints) -> None:
    cells, last = len(starts), len(edges) - 1
    for i in range(len(u)):
        # A cell's border, rounded, may lie on either side of u: hence the step back.
        place = starts[min(cells - 1, int(u[i] * cells))]
        while place > 0 and edges[place - 1] > u[i]:
            place -= 1
        while place < last and edges[place] <= u[i]:
            place += 1
        found[i] = place
