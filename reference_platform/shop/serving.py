"""What a model server gets for its feature reads: the store's rows, with values that are too old served as missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.definitions import FeatureView
from reference_platform.features.online_store.port import OnlineStore, Status, ViewRead
from reference_platform.features.times import NEVER_US
from reference_platform.shop.rows import PER_S, to_instant

Instants: TypeAlias = "float | NDArray[np.float64]"
"""Seconds: one instant for all rows, or one for each."""


def _instants(now_s: Instants) -> int | NDArray[np.int64]:
    return np.rint(now_s * PER_S).astype(np.int64) if isinstance(now_s, np.ndarray) else to_instant(now_s)


@dataclass(frozen=True, slots=True)
class ServedRows:
    """Rows of one view as asked. `values` f4[n, features], NaN unless present; `status` i1[n] of `Status`."""

    values: NDArray[np.float32]
    event_us: NDArray[np.int64]
    status: NDArray[np.int8]

    def age_s(self, now_s: Instants) -> NDArray[np.float64]:
        """Ages of the rows that were found, too old or not, at one instant or at one for each row asked for."""
        ages_s: NDArray[np.float64] = (_instants(now_s) - self.event_us)[self.event_us != NEVER_US] / PER_S
        return ages_s

    def share(self, status: Status) -> float:
        """Share of the rows with this status; 0 when nothing was asked."""
        return float(np.mean(self.status == status)) if len(self.status) else 0.0


def read_features(
    store: OnlineStore, asked: Sequence[tuple[FeatureView, NDArray[np.integer]]], now_s: Instants
) -> list[ServedRows]:
    """One round trip for all views, each with the entities wanted of it. With an instant for each row, every view is
    asked for as many rows."""
    reads = [ViewRead(view, (entity.astype(np.int64, copy=False),), checked=True) for view, entity in asked]
    now_us = _instants(now_s)
    served: list[ServedRows] = []
    for (view, _), answer in zip(asked, store.read(reads), strict=True):
        values, event_us = answer.matrix(), answer.event_us
        status = np.full(len(event_us), Status.PRESENT, dtype=np.int8)
        missing = event_us == NEVER_US
        status[missing] = Status.NOT_FOUND
        if view.ttl_us is not None:
            outside = ~missing & (event_us < now_us - view.ttl_us)
            if outside.any():
                status[outside] = Status.OUTSIDE_MAX_AGE
                values = np.where(outside[:, None], np.float32(np.nan), values)
        served.append(ServedRows(values, event_us, status))
    return served
