"""A week in which nothing is wrong, as metrics: what an alert rule must be quiet over.

Everything but the requests runs in full for seven days: shop, consumer, materialiser, cluster. Requests run in full
for a few minutes of every hour, at their real rate and at minutes that differ from hour to hour, until caches are warm
and two readings are taken. Every other reading takes the metrics of one of those of about the same hour, counters in
proportion to the week's rhythm. So rates, latencies, queues, hit ratios and their spread are those of the real request
path, and a week costs about as much as twelve hours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reference_platform.monitoring.series import Labels, SeriesStore
from reference_platform.monitoring.slo import BURN_RATE, ERROR_RATIO, WINDOWS_S
from simulator.drill.spec import DrillSpec
from simulator.engine.drive import Part, VirtualDrive
from simulator.image.image import Image
from simulator.plant.metrics import QUALITY, TRAFFIC_COUNTERS, TRAFFIC_GAUGES
from simulator.plant.plant import Plant
from simulator.session.parts import ClusterPart, MaterializerPart, WorldPart
from simulator.traffic.arrivals import BLOCK_S

Floats = NDArray[np.float64]
Progress = Callable[[float, str], None]
Key = tuple[str, Labels]

WEEK_S = 7 * 86400.0
MINUTES = int(WEEK_S / BLOCK_S)
MINUTES_PER_HOUR = 60
FLOWING = 4
"""Minutes of each hour in which requests flow."""
WARM = 2
"""Minutes after which a reading is measured: caches live for one, and a reading covers the end of the minute before."""
STRIDE = 17
"""Minutes by which the flowing ones move from hour to hour; prime to what jobs are scheduled by."""
READ_EVERY = 5
"""Minutes between two readings of what requests do not move: it changes when the world steps, and once read it stands.
"""
SAMPLE_RATIO = 4
"""Quality is judged once an hour, on this many times the requests of a report, so that an hour's drift is known."""
SEED = 0
POINTS_MAX = 16_000
RESPONSES = "shop_responses_total"


@dataclass(frozen=True, slots=True)
class Week:
    """Series by name and labels with a value at each of `times_s`, NaN where there is none, and points from before."""

    times_s: Floats
    series: dict[Key, Floats]
    before: dict[Key, tuple[Floats, Floats]]

    def store(self, names: Sequence[str]) -> SeriesStore:
        """The week as a store holds it, as far as those names go."""
        made = SeriesStore(retention_s=3 * WEEK_S, points_max=POINTS_MAX)
        times = self.times_s.tolist()
        for (name, labels), values in self.series.items():
            if name not in names:
                continue
            handle = made.series(name, dict(labels))
            for t_s, value in self._points_before((name, labels)):
                handle.append(t_s, value)
            known = False
            for t_s, value in zip(times, values.tolist(), strict=True):
                present = value == value
                if present:
                    handle.append(t_s, value)
                elif known:
                    handle.mark_stale(t_s)
                known = present
        return made

    def _points_before(self, key: Key) -> list[tuple[float, float]]:
        times_s, values = self.before.get(key, (np.zeros(0), np.zeros(0)))
        return list(zip(times_s.tolist(), values.tolist(), strict=True))


def flows(minute: int) -> bool:
    """Whether requests flow in that minute of the week."""
    return 0 <= _place(minute) < FLOWING


def is_measured(reading: int) -> bool:
    """Whether requests flowed, through warm caches, for the whole minute before that reading."""
    return WARM <= _place(reading) < FLOWING


def _place(minute: int) -> int:
    hour, at = divmod(minute, MINUTES_PER_HOUR)
    return at - hour * STRIDE % (MINUTES_PER_HOUR - FLOWING)


def record(drill: DrillSpec, image: Image, on_progress: Progress) -> Week:
    """Seven days of the drill's platform from a Monday on, without its faults and without its responder."""
    healthy = replace(drill, faults=(), people=(), calendar_offset_s=0.0)
    plant = Plant(healthy, image, SEED, lambda source, kind, data: None)
    plant.arrivals.keep(lambda begin_s: flows(round(begin_s / BLOCK_S)))
    plant.panel.judged_max = {route: SAMPLE_RATIO * most for route, most in plant.panel.judged_max.items()}
    times_s = np.asarray(plant.spec.scrape.active + np.arange(MINUTES) * BLOCK_S, dtype=np.float64)
    recorder = _Recorder(plant, times_s)
    parts: list[Part] = [WorldPart(plant), MaterializerPart(plant), ClusterPart(plant), recorder]
    drive = VirtualDrive(parts, plant.advance)
    before = _history(plant)
    for hour in range(MINUTES // MINUTES_PER_HOUR):
        on_progress(hour * MINUTES_PER_HOUR / MINUTES, "a healthy week passes, once for this platform")
        drive.run((hour + 1) * MINUTES_PER_HOUR * BLOCK_S, lambda: True)
    return Week(times_s, _filled(recorder.rows, times_s, plant), before)


class _Recorder:
    """Reads the plant's metrics at its instants. Rows hold NaN wherever nothing was read."""

    def __init__(self, plant: Plant, times_s: Floats) -> None:
        self.rows: dict[Key, Floats] = {}
        self._plant = plant
        self._times_s = [*times_s.tolist(), math.inf]
        self._next = 0

    def next_wake_s(self) -> float:
        return float(self._times_s[self._next])

    def tick(self, now_s: float) -> None:
        if now_s < self.next_wake_s():
            return
        at, plant = self._next, self._plant
        self._next += 1
        if flows(at) or at % READ_EVERY == 0:
            plant.scrape(now_s)
            if is_measured(at) and not is_measured(at + 1):
                plant.judge_quality(now_s)
            self._read(at, now_s)
        for job in plant.materializer.jobs():
            self._put("feature_age_seconds", (("view", job.job),), at, job.age_s(now_s))
            self._put("materializer_rows_per_second", (("view", job.job),), at, job.status(now_s).rows_per_s)

    def _read(self, at: int, now_s: float) -> None:
        store = self._plant.store
        for name in store.names():
            if name in (ERROR_RATIO, BURN_RATE) or (name in TRAFFIC_GAUGES and not is_measured(at)):
                continue
            for series in store.select(name):
                if series.last_t_s == now_s:
                    self._put(name, series.labels, at, series.last_value)

    def _put(self, name: str, labels: Labels, at: int, value: float) -> None:
        row = self.rows.get((name, labels))
        if row is None:
            row = self.rows[name, labels] = np.full(MINUTES, np.nan)
        row[at] = value


def _history(plant: Plant) -> dict[Key, tuple[Floats, Floats]]:
    """What the plant knows from before the week."""
    return {
        (series.name, series.labels): (series.times_s.copy(), series.values.copy())
        for name in plant.store.names()
        for series in plant.store.select(name)
        if len(series)
    }


def _filled(rows: dict[Key, Floats], times_s: Floats, plant: Plant) -> dict[Key, Floats]:
    source = _sources()
    rhythm = np.asarray(plant.world.rhythm.ratio(times_s - BLOCK_S / 2), dtype=np.float64)
    scale = rhythm / rhythm[source]
    filled: dict[Key, Floats] = {}
    for key, row in rows.items():
        if key[0] in TRAFFIC_COUNTERS:
            filled[key] = np.cumsum(_growth(row)[source] * scale)
        elif key[0] in TRAFFIC_GAUGES:
            filled[key] = row[source]
        elif key[0] in QUALITY:
            filled[key] = row[_judged(source, row)]
        else:
            filled[key] = _held(key[0], row)
    return filled | _budgets(filled, plant)


def _sources() -> NDArray[np.int64]:
    """For every reading a measured one: itself, or one of the three hours around it, each as often as the others."""
    measured = np.array([reading for reading in range(MINUTES) if is_measured(reading)])
    rng = np.random.default_rng(SEED)
    per_hour, hours = FLOWING - WARM, MINUTES // MINUTES_PER_HOUR
    hour = np.clip(np.arange(MINUTES) // MINUTES_PER_HOUR + rng.integers(-1, 2, MINUTES), 0, hours - 1)
    source = measured[hour * per_hour + rng.integers(0, per_hour, MINUTES)]
    source[measured] = measured
    return np.asarray(source, dtype=np.int64)


def _growth(row: Floats) -> Floats:
    """By how much a counter grew up to each measured reading."""
    return np.diff(row, prepend=0.0)


def _judged(source: NDArray[np.int64], row: Floats) -> NDArray[np.int64]:
    """The reading of quality that goes with each source: the first one at or after it; there is one in every hour."""
    read = np.flatnonzero(~np.isnan(row))
    if not len(read):
        return source
    return np.asarray(read[np.minimum(np.searchsorted(read, source), len(read) - 1)], dtype=np.int64)


def _held(name: str, row: Floats) -> Floats:
    """Between two readings a value stands, and an age grows with time."""
    read = ~np.isnan(row)
    if not read.any():
        return row
    places = np.arange(MINUTES)
    last = np.maximum.accumulate(np.where(read, places, -1))
    held = np.where(last >= 0, row[last], np.nan)
    if name.endswith("_age_seconds"):
        held = held + (places - last) * BLOCK_S
    return np.asarray(held, dtype=np.float64)


def _budgets(filled: dict[Key, Floats], plant: Plant) -> dict[Key, Floats]:
    """Error ratios and burn rates of every window, from the filled counters, as the tracker works them out."""
    made: dict[Key, Floats] = {}
    budget_ratio = 1.0 - plant.spec.slo.availability
    for model in plant.spec.models:
        by_source = {
            source: filled[RESPONSES, (("route", model.name), ("source", source))]
            for source in ("model", "default", "error")
        }
        total = np.asarray(sum(by_source.values()))
        bad = total - by_source["model"]
        for window, length_s in WINDOWS_S.items():
            span = round(length_s / BLOCK_S)
            ratio = _grown(bad, span) / np.maximum(_grown(total, span), 1e-12)
            labels = (("route", model.name), ("window", window))
            made[ERROR_RATIO, labels] = ratio
            made[BURN_RATE, labels] = ratio / budget_ratio
    return made


def _grown(counter: Floats, span: int) -> Floats:
    """By how much a counter grew over the last `span` readings, or since the week began."""
    earlier = np.concatenate([np.zeros(span), counter[:-span]])
    return np.asarray(counter - earlier, dtype=np.float64)
