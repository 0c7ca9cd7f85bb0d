"""Runs of slots: many ranges laid end to end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def flattened(starts: Ints, ends: Ints) -> Ints:
    """starts[0] .. ends[0] - 1, starts[1] .. ends[1] - 1, and so on."""
    lengths = ends - starts
    total = int(lengths.sum())
    shift: Ints = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
    return np.arange(total, dtype=np.int64) + shift


def starts_of(sorted_groups: Ints) -> Ints:
    """Where each run of equal entries begins."""
    if not len(sorted_groups):
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(np.append(True, sorted_groups[1:] != sorted_groups[:-1]))
