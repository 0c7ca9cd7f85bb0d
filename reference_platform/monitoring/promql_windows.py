"""Functions over a window of one series: from a series to one number, or None where Prometheus answers nothing."""

from __future__ import annotations

from collections.abc import Callable

from reference_platform.monitoring.series import Series, Window

WindowFunction = Callable[[Series, float, float], float | None]
"""(series, range start, range end), both in seconds."""

LINE_MIN = 2
"""A change needs so many points."""
_GAP_RATIO_MAX = 1.1
"""A window edge further from the nearest point than this many sampling intervals counts as a real gap."""


def increase(series: Series, since_s: float, until_s: float) -> float | None:
    """Growth of a counter over the whole range, resets added back, extrapolated to the range's edges."""
    return _extrapolated(series, since_s, until_s, counter=True)


def rate(series: Series, since_s: float, until_s: float) -> float | None:
    """`increase` per second of the range."""
    growth = _extrapolated(series, since_s, until_s, counter=True)
    return None if growth is None else growth / (until_s - since_s)


def delta(series: Series, since_s: float, until_s: float) -> float | None:
    """Change of a gauge over the whole range, extrapolated to the range's edges."""
    return _extrapolated(series, since_s, until_s, counter=False)


def _extrapolated(series: Series, since_s: float, until_s: float, *, counter: bool) -> float | None:
    """Observed change times (covered + edges) / covered, where an edge is the way from the outermost point to the
    range's end, or half a sampling interval when that way is a gap; a counter is never extended below zero.

    Source: Prometheus promql/functions.go, extrapolatedRate.
    """
    course = series.course(since_s, until_s)
    if course is None:
        return None
    count, first_s, last_s, first, last, lost = course
    change = last - first
    if counter:
        change += lost
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


def _last_two(series: Series, since_s: float, until_s: float) -> tuple[float, float, float] | None:
    """The two newest values of the range, and the time between them."""
    window = series.window(since_s, until_s)
    if len(window) < LINE_MIN or window.times_s[-1] == window.times_s[-2]:
        return None
    return float(window.values[-2]), float(window.values[-1]), float(window.times_s[-1] - window.times_s[-2])


def irate(series: Series, since_s: float, until_s: float) -> float | None:
    """Growth of a counter per second between its two newest points; a counter that fell began again at 0.

    Source: Prometheus promql/functions.go, instantValue.
    """
    pair = _last_two(series, since_s, until_s)
    if pair is None:
        return None
    before, last, apart_s = pair
    return (last if last < before else last - before) / apart_s


def idelta(series: Series, since_s: float, until_s: float) -> float | None:
    """Change of a gauge between its two newest points."""
    pair = _last_two(series, since_s, until_s)
    return None if pair is None else pair[1] - pair[0]


def deriv(series: Series, since_s: float, until_s: float) -> float | None:
    """Slope per second of the line of least squares through the points of the range."""
    window = series.window(since_s, until_s)
    if len(window) < LINE_MIN:
        return None
    times, values = window.times_s - window.times_s[0], window.values
    apart = times - times.mean()
    spread = float((apart * apart).sum())
    return float((apart * (values - values.mean())).sum()) / spread if spread else None


def _over(fold: Callable[[Window], float]) -> WindowFunction:
    """`fold` where the window holds anything."""

    def answer(series: Series, since_s: float, until_s: float) -> float | None:
        window = series.window(since_s, until_s)
        return fold(window) if len(window) else None

    return answer


WINDOW_FUNCTIONS: dict[str, WindowFunction] = {
    "rate": rate,
    "increase": increase,
    "delta": delta,
    "irate": irate,
    "idelta": idelta,
    "deriv": deriv,
    "changes": _over(lambda window: float((window.values[1:] != window.values[:-1]).sum())),
    "resets": _over(lambda window: float((window.values[1:] < window.values[:-1]).sum())),
    "stddev_over_time": _over(lambda window: float(window.values.std())),
    "avg_over_time": _over(lambda window: float(window.values.mean())),
    "max_over_time": _over(lambda window: float(window.values.max())),
    "min_over_time": _over(lambda window: float(window.values.min())),
    "sum_over_time": _over(lambda window: float(window.values.sum())),
    "count_over_time": _over(lambda window: float(len(window))),
    "last_over_time": _over(lambda window: float(window.values[-1])),
}
KEEPS_NAME = frozenset({"last_over_time"})
"""Functions that answer a value of the metric itself, so its name stays."""
