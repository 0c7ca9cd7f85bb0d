"""Exponentially decayed sums per entity, exact whatever the steps in which events arrive.

S_e(t) = sum over events i of entity e with ts_i <= t of w_i * exp(-(t - ts_i) / tau)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reference_platform.arithmetic import exp_of

FADED = 0.01
"""A count that has decayed below this says nothing any more. Without a floor a count never returns to zero, and its
distribution keeps changing for as long as the platform runs."""


def settled(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Counts with the faded ones set to zero."""
    return np.where(counts < FADED, 0.0, counts)


class DecayedSums:
    """`width` decayed sums for each of `count` entities, all with the time constant `tau_s`.

    An entity's sums are brought forward only when it has new events or when somebody asks, so a step costs
    as much as the events in it.
    """

    def __init__(self, count: int, width: int, tau_s: float) -> None:
        assert tau_s > 0
        self.tau_s = tau_s
        self.sums = np.zeros((count, width))
        self.at_s = np.full(count, -np.inf)

    def add(
        self,
        entity: NDArray[np.integer],
        column: NDArray[np.integer] | int,
        weight: NDArray[np.floating] | float,
        ts: NDArray[np.float64],
        now_s: float,
    ) -> None:
        """Add events at `ts` <= `now_s` to the sums of their entities."""
        if entity.size == 0:
            return
        touched = np.unique(entity)
        self.sums[touched] = self.read(touched, now_s)
        self.at_s[touched] = now_s
        cell = entity.astype(np.int64) * self.sums.shape[1] + column
        np.add.at(self.sums.reshape(-1), cell, weight * exp_of((ts - now_s) / self.tau_s))

    def read(self, entity: NDArray[np.integer], now_s: float) -> NDArray[np.float64]:
        """The sums of `entity` as of `now_s`, shape (len(entity), width). Changes nothing."""
        factor = exp_of((self.at_s[entity] - now_s) / self.tau_s)
        sums: NDArray[np.float64] = self.sums[entity] * factor[:, None]
        return sums
