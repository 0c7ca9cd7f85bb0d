"""Functions over a window of one series: from points to one number, or None where Prometheus answers nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from reference_platform.monitoring.series import Window

WindowFunction = Callable[[Window, float, float], float | None]
"""(points, range start, range end), both in seconds."""

_GAP_RATIO_MAX = 1.1
"""A window edge further from the nearest point than this many sampling intervals counts as a real gap."""


def increase(window: Window, since_s: float, until_s: float) -> float | None:
    """Growth of a counter over the whole range, resets added back, extrapolated to the range's edges."""
    return _extrapolated(window, since_s, until_s, counter=True)


def rate(window: Window, since_s: float, until_s: float) -> float | None:
    """`increase` per second of the range."""
    growth = _extrapolated(window, since_s, until_s, counter=True)
    return None if growth is None else growth / (until_s - since_s)


def delta(window: Window, since_s: float, until_s: float) -> float | None:
    """Change of a gauge over the whole range, extrapolated to the range's edges."""
    return _extrapolated(window, since_s, until_s, counter=False)


def _extrapolated(window: Window, since_s: float, until_s: float, *, counter: bool) -> float | None:
    """Observed change times (covered + edges) / covered, where an edge is the way from the outermost point to the
    range's end, or half a sampling interval when that way is a gap; a counter is never extended below zero.

    Source: Prometheus promql/functions.go, extrapolatedRate.
    """
    count = len(window)
    if count < 2:
        return None
    times_s, values = window.times_s, window.values
    first_s, last_s, first = float(times_s[0]), float(times_s[-1]), float(values[0])
    change = float(values[-1]) - first
    if counter:
        change += _lost_in_resets(values)
    covered_s = last_s - first_s
    interval_s = covered_s / (count - 1)
    gap_s = interval_s * _GAP_RATIO_MAX
    before_s, after_s = first_s - since_s, until_s - last_s
    if before_s >= gap_s:
        before_s = interval_s / 2
    if counter and change > 0 and first >= 0:
        before_s = min(before_s, covered_s * first / change)
    if after_s >= gap_s:
        after_s = interval_s / 2
    return change * ((covered_s + before_s + after_s) / covered_s)


def _lost_in_resets(values: NDArray[np.float64]) -> float:
    """Sum of the values from which a counter fell back."""
    fell = values[1:] < values[:-1]
    return float(values[:-1][fell].sum()) if fell.any() else 0.0


def _mean(window: Window, since_s: float, until_s: float) -> float | None:
    return float(window.values.mean()) if len(window) else None


def _max(window: Window, since_s: float, until_s: float) -> float | None:
    return float(window.values.max()) if len(window) else None


def _min(window: Window, since_s: float, until_s: float) -> float | None:
    return float(window.values.min()) if len(window) else None


def _sum(window: Window, since_s: float, until_s: float) -> float | None:
    return float(window.values.sum()) if len(window) else None


def _count(window: Window, since_s: float, until_s: float) -> float | None:
    return float(len(window)) if len(window) else None


def _last(window: Window, since_s: float, until_s: float) -> float | None:
    return float(window.values[-1]) if len(window) else None


WINDOW_FUNCTIONS: dict[str, WindowFunction] = {
    "rate": rate,
    "increase": increase,
    "delta": delta,
    "avg_over_time": _mean,
    "max_over_time": _max,
    "min_over_time": _min,
    "sum_over_time": _sum,
    "count_over_time": _count,
    "last_over_time": _last,
}
KEEPS_NAME = frozenset({"last_over_time"})
"""Functions that answer a value of the metric itself, so its name stays."""
