"""The served log: one row for each attempt as it was answered, and what its rows add up to.

Metrics, service logs, objectives, quality and `curl` read this, so that all tell one story.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from reference_platform.arithmetic import exp_of, log
from reference_platform.compilation import compiled
from reference_platform.serving import records as rec

LATENCY_BINS = 256
LATENCY_BIN_MIN_S = 1e-4
LATENCY_BIN_GROWTH = 1.05
LOG_LATENCY_BIN_GROWTH = 0.04879016416943205
STATUSES = (200, 504, 503, 500)

REQUEST_ENDS = (rec.OK, rec.FALLBACK, rec.ERROR)
"""Outcomes after which a visitor is gone."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts since the beginning, one row for each route. What a shadow did is not among them.

    statuses [routes, STATUSES]; outcomes [routes, OK | FALLBACK | ERROR | RETRIED]; causes [routes, CAUSES]; lookups
    [routes, miss | hit]; latency of all attempts
    [routes, LATENCY_BINS].
    """

    statuses: NDArray[np.int64]
    outcomes: NDArray[np.int64]
    causes: NDArray[np.int64]
    lookups: NDArray[np.int64]
    latency: NDArray[np.int64]

    @classmethod
    def none(cls, routes: int) -> Totals:
        """Nothing yet."""
        widths = (len(STATUSES), 4, rec.CAUSES, 2, LATENCY_BINS)
        return cls(*(np.zeros((routes, width), np.int64) for width in widths))

    def copy(self) -> Totals:
        """As it is now, for a difference later."""
        return Totals(*(array.copy() for array in self._arrays()))

    def since(self, before: Totals) -> Totals:
        """What was added since `before`."""
        return Totals(*(now - then for now, then in zip(self._arrays(), before._arrays(), strict=True)))

    def add(self, rows: rec.Records) -> None:
        """Count answered attempts."""
        _count(rows, *self._arrays())

    def of_status(self, route: int, status: int) -> int:
        """Attempts on a route that were answered with this status."""
        return int(self.statuses[route, STATUSES.index(status)])

    def ended(self, route: int) -> int:
        """Requests of a route that came to an end, whichever."""
        return int(self.outcomes[route, list(REQUEST_ENDS)].sum())

    def _arrays(self) -> tuple[NDArray[np.int64], ...]:
        return (self.statuses, self.outcomes, self.causes, self.lookups, self.latency)


@compiled
def _count(
    rows: rec.Records,
    statuses: NDArray[np.int64],
    outcomes: NDArray[np.int64],
    causes: NDArray[np.int64],
    lookups: NDArray[np.int64],
    latency: NDArray[np.int64],
) -> None:
    for at in range(len(rows)):
        row = rows[at]
        if row.outcome == rec.SHADOWED:
            continue
        route = row.route
        outcomes[route, row.outcome] += 1
        causes[route, row.cause] += 1
        if row.cache_hit >= 0:
            lookups[route, row.cache_hit] += 1
        seconds = (row.answered_us - row.started_us) * 1e-6
        place = 0
        if seconds > LATENCY_BIN_MIN_S:
            place = min(LATENCY_BINS - 1, int(log(seconds / LATENCY_BIN_MIN_S) / LOG_LATENCY_BIN_GROWTH))
        latency[route, place] += 1
        if row.status == 200:
            statuses[route, 0] += 1
        elif row.status == 504:
            statuses[route, 1] += 1
        elif row.status == 503:
            statuses[route, 2] += 1
        else:
            statuses[route, 3] += 1


class Phase(IntEnum):
    """Where an attempt spends its time."""

    STORE_WAIT = 0
    FEATURE_READ = 1
    BATCH_QUEUE = 2
    COMPUTE = 3


@dataclass(frozen=True, slots=True)
class Trouble:
    """Attempts that failed alike. `replica` is a serial number, -1 when none was reached; `slowest` is where most of
    the time went until the answer."""

    route: int
    replica: int
    cause: int
    slowest: Phase


def troubles(rows: rec.Records) -> dict[Trouble, int]:
    """How many attempts failed in which way."""
    failed = rows[(rows["cause"] != rec.NO_CAUSE) & (rows["outcome"] != rec.SHADOWED)]
    spent = np.stack([failed[name] for name in ("wait_us", "read_us", "queue_us", "compute_us")], axis=1)
    keys = np.stack([failed["route"], failed["replica"], failed["cause"], spent.argmax(axis=1)], axis=1)
    kinds, counts = np.unique(keys, axis=0, return_counts=True)
    return {
        Trouble(int(route), int(replica), int(cause), Phase(int(slowest))): int(count)
        for (route, replica, cause, slowest), count in zip(kinds, counts, strict=True)
    }


@dataclass(frozen=True, slots=True)
class Reply:
    """Attempts that an arm (its row) answered alike, whether anybody waited for them or not."""

    arm: int
    version: int
    status: int


def replies(rows: rec.Records) -> dict[Reply, int]:
    """How many attempts each arm and version answered with which status."""
    reached = rows["replica"] >= 0
    arm, version = (rows[name][reached].astype(np.int64) for name in ("arm", "version"))
    # Below 2**10 statuses and 2**32 versions, so that one number stands for all three.
    keys = (arm << 42) | (version << 10) | rows["status"][reached]
    kinds, counts = np.unique(keys, return_counts=True)
    return {
        Reply(kind >> 42, (kind >> 10) & 0xFFFFFFFF, kind & 0x3FF): count
        for kind, count in zip(kinds.tolist(), counts.tolist(), strict=True)
    }


def latency_quantile_s(histogram: NDArray[np.int64], q: float) -> float:
    """The q-quantile in seconds of a row (or difference of rows) of `Totals.latency`; nan when it is empty."""
    total = int(histogram.sum())
    if total == 0:
        return float("nan")
    cumulative = np.cumsum(histogram)
    rank = q * total
    index = int(np.searchsorted(cumulative, rank, side="left"))
    index = min(index, LATENCY_BINS - 1)
    before = int(cumulative[index - 1]) if index else 0
    inside = (rank - before) / max(1, int(histogram[index]))
    bins = index + min(1.0, max(0.0, inside))
    return float(LATENCY_BIN_MIN_S * exp_of(bins * LOG_LATENCY_BIN_GROWTH))
