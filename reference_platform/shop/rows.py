"""Rows of one of the shop's views, and how seconds become the instants that the feature store counts in.

The shop's seconds run from its own t = 0, which the store is told is the beginning of 1970.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.times import NEVER_US

PER_S = 1_000_000


def to_instant(t_s: float) -> int:
    """Microseconds of `t_s`, to the nearest; NEVER_US for -inf."""
    return NEVER_US if t_s == -math.inf else round(t_s * PER_S)


def to_seconds(instant_us: int) -> float:
    """Inverse of `to_instant`."""
    return -math.inf if instant_us == NEVER_US else instant_us / PER_S


@dataclass(frozen=True, slots=True)
class FeatureRows:
    """Rows of one view: `entity` i4[n], `event_us` and `created_us` i8[n], `values` f4[n, features]."""

    entity: NDArray[np.int32]
    event_us: NDArray[np.int64]
    created_us: NDArray[np.int64]
    values: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.entity)

    @staticmethod
    def known_at(entity: NDArray[np.int32], values: NDArray[np.float32], now_s: float) -> FeatureRows:
        """Rows that describe `now_s` and are known at once."""
        instant = np.full(len(entity), to_instant(now_s))
        return FeatureRows(entity, instant, instant, values)

    def take(self, index: NDArray[np.integer]) -> FeatureRows:
        """The rows at `index`, copied."""
        return FeatureRows(self.entity[index], self.event_us[index], self.created_us[index], self.values[index])

    def part(self, begin: int, end: int) -> FeatureRows:
        """The rows from `begin` up to `end`, on the same memory."""
        some = slice(begin, end)
        return FeatureRows(self.entity[some], self.event_us[some], self.created_us[some], self.values[some])

    def frozen(self) -> FeatureRows:
        """These rows; nobody can write to them any more."""
        for column in (self.entity, self.event_us, self.created_us, self.values):
            column.flags.writeable = False
        return self

    @staticmethod
    def joined(parts: Sequence[FeatureRows], width: int) -> FeatureRows:
        """All parts one after another; `width` matters only when there are none."""
        if not parts:
            none = np.zeros(0, dtype=np.int64)
            return FeatureRows(np.zeros(0, dtype=np.int32), none, none, np.zeros((0, width), dtype=np.float32))
        return FeatureRows(
            np.concatenate([part.entity for part in parts]),
            np.concatenate([part.event_us for part in parts]),
            np.concatenate([part.created_us for part in parts]),
            np.concatenate([part.values for part in parts]),
        )
