"""How busy the shop is: hour of day, day of week, and scheduled exceptions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reference_platform.arithmetic import circle_of
from simulator.world.columns import Floats

HOUR_S = 3600.0
DAY_S = 86_400.0
WEEK_S = 7 * DAY_S

# Relative intensity at the start of each hour: quiet at 04:00, a lunch shoulder, a peak at 20:00.
_NIGHT_AND_MORNING = (0.42, 0.26, 0.17, 0.13, 0.12, 0.16, 0.30, 0.55, 0.82, 1.02, 1.14, 1.22)
_AFTERNOON_AND_EVENING = (1.34, 1.28, 1.18, 1.16, 1.22, 1.36, 1.58, 1.84, 1.96, 1.74, 1.24, 0.78)
_HOURS = np.array(_NIGHT_AND_MORNING + _AFTERNOON_AND_EVENING)
# Monday first.
_DAYS = np.array([0.95, 0.94, 0.96, 0.98, 1.04, 1.10, 1.14])
_MEAN = float(_HOURS.mean() * _DAYS.mean())


def rhythm_ratio(calendar_s: Floats | float) -> Floats:
    """Intensity relative to the weekly mean, which is 1. `calendar_s` counts from a Monday 00:00, also backwards."""
    calendar = np.asarray(calendar_s, dtype=np.float64)
    hour = np.mod(calendar, DAY_S) / HOUR_S
    low = hour.astype(np.int64)
    share = hour - low
    by_hour = _HOURS[low % 24] * (1.0 - share) + _HOURS[(low + 1) % 24] * share
    day = (np.mod(calendar, WEEK_S) // DAY_S).astype(np.int64)
    return np.asarray(by_hour * _DAYS[day % 7] / _MEAN, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Modifier:
    """A scheduled exception: intensity is multiplied by `ratio` from `begin_s` to `end_s` (simulation time)."""

    begin_s: float
    end_s: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Intensity at simulation time. `calendar_offset_s` is the calendar time of t=0, in seconds since Monday 00:00."""

    calendar_offset_s: float
    modifiers: tuple[Modifier, ...] = ()

    def ratio(self, t_s: Floats | float) -> Floats:
        """Intensity relative to an ordinary week's mean."""
        t = np.asarray(t_s, dtype=np.float64)
        intensity = rhythm_ratio(t + self.calendar_offset_s)
        for modifier in self.modifiers:
            intensity = np.where((t >= modifier.begin_s) & (t < modifier.end_s), intensity * modifier.ratio, intensity)
        return intensity

    def hour_circle(self, t_s: Floats | float) -> Floats:
        """Hour of day as a point on a circle: columns sin, cos."""
        return circle_of(np.mod(np.asarray(t_s, dtype=np.float64) + self.calendar_offset_s, DAY_S) / DAY_S)
