"""What a transform is: the one piece of code that turns raw events into feature values, for history and for serving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.definitions import FeatureView
from reference_platform.shop.decay import DecayedSums
from reference_platform.shop.topics import EventColumns, column_of

REFRESH_STRIPES = 72
"""Each step also recomputes one stripe of the entities, so that a quiet one is refreshed every 72 steps (6 h)."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Rows a step wrote: `entity` i4[n] ascending, `values` f4[n, features], all as of one instant."""

    entity: NDArray[np.int32]
    values: NDArray[np.float32]


class Transform(Protocol):
    """Raw events in, feature values out. A missing value adds to no sum and counts in no mean, as in SQL."""

    @property
    def view(self) -> FeatureView: ...

    def update(self, columns: EventColumns, now_s: float) -> Changed:
        """Take in events with ts <= `now_s` and return the entities whose values are rewritten, as of `now_s`."""

    def values(self, entity: NDArray[np.integer], now_s: float) -> NDArray[np.float32]:
        """Values of `entity` as of `now_s`, shape (n, features). Changes nothing."""

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Everything it remembers, as named arrays."""

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Take over what `state` returned. Raises ValueError when a shape or name does not fit."""


def told(columns: EventColumns, name: str) -> NDArray[np.bool_]:
    """Where the flag called `name` is known to be set."""
    flag = column_of(columns, name)
    return flag.values.astype(np.bool_) & flag.mask()


class DecayState:
    """The named decayed sums behind a transform, plus the step counter that picks the stripe to refresh."""

    def __init__(self, count: int, sums: dict[str, DecayedSums], last: dict[str, NDArray[np.float64]]) -> None:
        self.count = count
        self.sums = sums
        self.last = last
        self.step = 0

    def due(self, entity: NDArray[np.integer]) -> NDArray[np.int32]:
        """The entities with events and this step's stripe, ascending; moves on to the next stripe."""
        stripe = np.arange(self.step % REFRESH_STRIPES, self.count, REFRESH_STRIPES)
        self.step += 1
        return np.union1d(entity, stripe).astype(np.int32)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """State as named arrays (copies)."""
        out: dict[str, NDArray[np.generic]] = {"step": np.array(self.step)}
        for name, part in self.sums.items():
            out[f"{name}.sums"] = part.sums.copy()
            out[f"{name}.at_s"] = part.at_s.copy()
        for name, values in self.last.items():
            out[f"{name}.last"] = values.copy()
        return out

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Take over arrays that `arrays` returned."""
        expected = self.arrays()
        if expected.keys() != state.keys():
            raise ValueError(f"transform state has arrays {sorted(state)}, expected {sorted(expected)}")
        for name, values in state.items():
            if values.shape != expected[name].shape:
                raise ValueError(f"{name} has shape {values.shape}, expected {expected[name].shape}")
        self.step = int(state["step"].item())
        for name, part in self.sums.items():
            part.sums[...] = state[f"{name}.sums"]
            part.at_s[...] = state[f"{name}.at_s"]
        for name, values in self.last.items():
            values[...] = state[f"{name}.last"]
