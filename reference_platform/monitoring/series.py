"""Time series in memory, bounded in age and in number, cheap to append to.

A series holds its points in one contiguous buffer of at most twice `points_max` slots. Old points leave when the
buffer is full, so an append costs constant time on average and a window is a view, never a copy.
The stale marker says that the thing measured is gone, so queries stop answering at once instead of repeating the last
value for the whole lookback. It is one NaN of many, told by its bits; every other NaN is a value like 1.
"""

from __future__ import annotations

import math
import struct
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reference_platform.pattern import Pattern

Labels = tuple[tuple[str, str], ...]
Course = tuple[int, float, float, float, float, float]
"""Points, first time, last time, first value, last value, sum of the values from which it fell back."""
MatchOp = Literal["=", "!=", "=~", "!~"]

SERIES_MAX = 20_000
_CAPACITY_FIRST = 64
_SELECTIONS_MAX = 2_000
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_0000_0002))[0]
"""The stale marker. Source: Prometheus, model/value: StaleNaN has this payload, though it is a signalling NaN there."""
_STALE_BYTES = struct.pack("<d", STALE)
_STALE_BITS = struct.unpack("<q", _STALE_BYTES)[0]


@dataclass(frozen=True, slots=True)
class Window:
    """Points of one series, oldest first, without stale markers. Both arrays are read-only views."""

    times_s: NDArray[np.float64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.times_s)


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on one label. A label that is absent counts as the empty string; patterns match the whole value.

    Source: Prometheus documentation, "Querying basics", time series selectors.
    """

    label: str
    op: MatchOp
    value: str

    def matches(self, labels: Mapping[str, str]) -> bool:
        actual = labels.get(self.label, "")
        if self.op == "=":
            return actual == self.value
        if self.op == "!=":
            return actual != self.value
        return Pattern(self.value, dot_all=True).is_whole(actual) == (self.op == "=~")


def is_stale(value: float) -> bool:
    """Whether a value is the stale marker."""
    return value != value and struct.pack("<d", value) == _STALE_BYTES  # comparing first costs least


class Series:
    """One metric with one set of labels. Times ascend; a second value for the same instant replaces the first."""

    __slots__ = ("_end", "_fell_at", "_points_max", "_retention_s", "_stale_seen", "_times", "_times_view", "_values",
                 "_values_view", "full_labels", "labels", "last_t_s", "last_value", "name")  # fmt: skip

    def __init__(self, name: str, labels: Labels, retention_s: float, points_max: int) -> None:
        self.name = name
        self.labels = labels
        self.full_labels: Labels = tuple(sorted((("__name__", name), *labels)))
        self.last_t_s = -math.inf
        self.last_value = STALE
        self._retention_s = retention_s
        self._points_max = points_max
        self._stale_seen = False
        self._fell_at = 0  # place of the newest point that is, or was before it was replaced, below the one before it
        self._end = 0
        self._allocate(min(_CAPACITY_FIRST, 2 * points_max))

    def __getstate__(self) -> tuple[Any, ...]:
        """The points kept, without the room for more."""
        what = self.name, self.labels, self._retention_s, self._points_max, self._stale_seen
        first = self._first()
        kept = slice(first, self._end)
        times, values = self._times_view[kept].copy(), self._values_view[kept].copy()
        times.flags.writeable = values.flags.writeable = False
        return *what, self.last_t_s, self.last_value, max(0, self._fell_at - first), times, values

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        name, labels, retention_s, points_max, stale_seen, last_t_s, last_value, fell_at, times, values = state
        Series.__init__(self, name, labels, retention_s, points_max)
        self._stale_seen, self._fell_at, self._end = stale_seen, fell_at, len(times)
        self.last_t_s, self.last_value = last_t_s, last_value
        if len(times) > len(self._times):
            buffers = array("d"), array("d")
            buffers[0].frombytes(times.view(np.uint8).data)
            buffers[1].frombytes(values.view(np.uint8).data)
            self._take_over(*buffers)
        else:
            self._times_view[: len(times)] = times
            self._values_view[: len(times)] = values

    def append(self, t_s: float, value: float) -> None:
        """Add a point. `t_s` is never below the newest time; STALE marks the series stale from `t_s` on."""
        end = self._end
        if t_s <= self.last_t_s:
            assert t_s == self.last_t_s, f"{self.name}: point at {t_s} after {self.last_t_s}"
            end -= 1
            self._fell_at = end
        elif end == len(self._times):
            self._make_room()
            end = self._end
        if value < self.last_value:
            self._fell_at = end
        self._times[end] = t_s
        self._values[end] = value
        self._end = end + 1
        self.last_t_s = t_s
        self.last_value = value
        if value != value and is_stale(value):
            self._stale_seen = True

    def mark_stale(self, t_s: float) -> None:
        """From `t_s` on the series has no value, until the next append."""
        self.append(t_s, STALE)

    @property
    def times_s(self) -> NDArray[np.float64]:
        """Times of all points kept, stale markers included."""
        return _frozen(self._times_view[self._first() : self._end])

    @property
    def values(self) -> NDArray[np.float64]:
        """Values of all points kept, stale markers included."""
        return _frozen(self._values_view[self._first() : self._end])

    def __len__(self) -> int:
        return self._end - self._first()

    def window(self, since_s: float, until_s: float) -> Window:
        """Points with since_s < t <= until_s.

        Source: Prometheus 3.0 migration guide: ranges are open on the left and closed on the right.
        """
        low, high = self._span(since_s, until_s)
        times, values = self._times_view[low:high], self._values_view[low:high]
        if self._stale_seen:
            present = values.view(np.int64) != _STALE_BITS
            times, values = times[present], values[present]
        return Window(_frozen(times), _frozen(values))

    def course(self, since_s: float, until_s: float) -> Course | None:
        """How the series went over that window, without an array where that is possible; None below two points."""
        if self._stale_seen:
            window = self.window(since_s, until_s)
            times, values, high = window.times_s.tolist(), window.values.tolist(), len(window)
            return None if high < 2 else (high, times[0], times[-1], values[0], values[-1], _lost(window.values))
        low, high = self._span(since_s, until_s)
        if high - low < 2:
            return None
        lost = _lost(self._values_view[low:high]) if self._fell_at > low else 0.0
        return (high - low, self._times[low], self._times[high - 1], self._values[low], self._values[high - 1], lost)

    def value_at(self, t_s: float, lookback_s: float) -> float | None:
        """Newest value at or before `t_s` and younger than `lookback_s`; None when there is none or it is stale."""
        if self.last_t_s <= t_s:
            newest_s, value = self.last_t_s, self.last_value
        else:
            index = bisect_right(self._times, t_s, 0, self._end) - 1
            if index < self._first():
                return None
            newest_s, value = self._times[index], self._values[index]
        return None if t_s - newest_s >= lookback_s or (value != value and is_stale(value)) else value

    def _span(self, since_s: float, until_s: float) -> tuple[int, int]:
        """Places of the points kept with since_s < t <= until_s."""
        end = self._end
        low = bisect_right(self._times, since_s, max(0, end - self._points_max), end)
        if since_s < self.last_t_s - self._retention_s:
            low = max(low, self._first())
        return low, end if until_s >= self.last_t_s else bisect_right(self._times, until_s, 0, end)

    def _first(self) -> int:
        """Index of the oldest point that retention and `points_max` still allow."""
        first = max(0, self._end - self._points_max)
        oldest_s = self.last_t_s - self._retention_s
        if self._end and self._times[first] < oldest_s:
            first = bisect_left(self._times, oldest_s, first, self._end)
        return first

    def _make_room(self) -> None:
        first, end, capacity = self._first(), self._end, len(self._times)
        live = end - first
        times, values = self._times_view, self._values_view
        if live > capacity // 2:
            self._allocate(min(2 * capacity, 2 * self._points_max))
        self._times_view[:live] = times[first:end]
        self._values_view[:live] = values[first:end]
        self._fell_at = max(0, self._fell_at - first)
        self._end = live

    def _allocate(self, capacity: int) -> None:
        """An array of numbers each for reading and writing one at a time; a view each on the same bytes for NumPy."""
        self._take_over(array("d", bytes(8 * capacity)), array("d", bytes(8 * capacity)))

    def _take_over(self, times: array[float], values: array[float]) -> None:
        self._times, self._values = times, values
        self._times_view, self._values_view = np.frombuffer(self._times), np.frombuffer(self._values)


class SeriesStore:
    """All series of one platform. `refused` counts series beyond `series_max`, which are written but never found.

    `generation` grows with every series added: while it stands still, a selection stays as it is.
    """

    def __init__(self, retention_s: float, points_max: int, series_max: int = SERIES_MAX) -> None:
        assert retention_s > 0
        assert points_max >= 1
        self.retention_s = retention_s
        self.points_max = points_max
        self.series_max = series_max
        self.refused = 0
        self.generation = 0
        self._series: dict[tuple[str, Labels], Series] = {}
        self._by_name: dict[str, list[Series]] = {}
        self._selections: dict[tuple[str, tuple[Matcher, ...]], tuple[Series, ...]] = {}

    def series(self, name: str, labels: Mapping[str, str]) -> Series:
        """The handle of one series, made on first use; keep it to append without looking it up again."""
        key = (name, tuple(sorted((label, value) for label, value in labels.items() if value)))
        found = self._series.get(key)
        if found is not None:
            return found
        made = Series(name, key[1], self.retention_s, self.points_max)
        if len(self._series) >= self.series_max:
            self.refused += 1
            return made
        self._series[key] = made
        self.generation += 1
        same_name = self._by_name.setdefault(name, [])
        same_name.append(made)
        same_name.sort(key=lambda series: series.labels)
        self._selections = {query: hit for query, hit in self._selections.items() if query[0] != name}
        return made

    def append(self, name: str, labels: Mapping[str, str], t_s: float, value: float) -> None:
        """Add one point, looking the series up by name and labels."""
        self.series(name, labels).append(t_s, value)

    def select(self, name: str, matchers: Sequence[Matcher] = ()) -> tuple[Series, ...]:
        """Series of that name whose labels satisfy every matcher, ordered by labels."""
        query = (name, tuple(matchers))
        hit = self._selections.get(query)
        if hit is None:
            hit = tuple(
                series
                for series in self._by_name.get(name, ())
                if all(matcher.matches(dict(series.labels)) for matcher in matchers)
            )
            if len(self._selections) >= _SELECTIONS_MAX:
                self._selections.clear()
            self._selections[query] = hit
        return hit

    def names(self) -> list[str]:
        """Metric names that have at least one series, sorted."""
        return sorted(self._by_name)

    def __len__(self) -> int:
        return len(self._series)


def _frozen(array: NDArray[np.float64]) -> NDArray[np.float64]:
    view = array.view()
    view.flags.writeable = False
    return view


def _lost(values: NDArray[np.float64]) -> float:
    fell = values[1:] < values[:-1]
    return float(values[:-1][fell].sum()) if fell.any() else 0.0
