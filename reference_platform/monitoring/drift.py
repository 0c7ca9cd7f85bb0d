"""Drift watched while a platform serves: columns in, a verdict per feature at the end of every hour and day."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reference_platform.monitoring.psi import (
    ReferenceStats,
    contributions,
    expected_under_no_drift,
    noise_threshold,
)
from reference_platform.monitoring.series import STALE, Series, SeriesStore

PsiLevel = Literal["insufficient data", "ok", "warning", "significant", "critical"]
PsiWindow = Literal["1h", "1d"]

WINDOWS_S: Mapping[PsiWindow, float] = {"1h": 3600.0, "1d": 86400.0}
THRESHOLDS = (0.1, 0.2, 0.25)
"""Warning, significant, critical. Source: Siddiqi, Credit Risk Scorecards (2006) for 0.1 and 0.25."""
ROWS_MIN = 200
"""Below this a window answers "insufficient data": with ten cells its mean PSI without drift is already 0.05."""
FALSE_ALARMS_PER_DAY = 0.01
"""Chance per model and day that any feature reaches a level without drift, spread evenly over all its tests."""
PSI_SERIES = "feature_psi"
LEVEL_SERIES = "feature_psi_level"
LEVELS: tuple[PsiLevel, ...] = ("ok", "warning", "significant", "critical")


@dataclass(frozen=True, slots=True)
class PsiResult:
    """One feature over one closed window that ended at `t_s`.

    `psi_corrected` has the value expected without drift taken off. `limits` are the three thresholds as they applied
    to this sample size. `driver` names the cell that adds most.
    """

    t_s: float
    model: str
    feature: str
    window: PsiWindow
    psi: float
    psi_corrected: float
    n: int
    level: PsiLevel
    limits: tuple[float, float, float]
    driver: str


class PsiMonitor:
    """Counts what each model sees into frozen cells and judges every closed hour and day, aligned to t = 0."""

    def __init__(
        self,
        references: Mapping[str, Mapping[str, ReferenceStats]],
        rows_min: int = ROWS_MIN,
        false_alarms_per_day: float = FALSE_ALARMS_PER_DAY,
    ) -> None:
        """`references`: by model, then by feature in the order of the columns that `observe` will get."""
        assert rows_min >= 1
        assert 0 < false_alarms_per_day < 1
        self._rows_min = rows_min
        self._false_alarms_per_day = false_alarms_per_day
        self._models: dict[str, _Model] = {}
        self._ends_s = dict(WINDOWS_S)
        for model, features in references.items():
            self._models[model] = _Model(features)

    def set_reference(self, model: str, features: Mapping[str, ReferenceStats]) -> None:
        """Judge `model` against other cells from now on, as after a roll-out. Its open windows start empty."""
        self._models[model] = _Model(features)

    def observe(self, model: str, columns: NDArray[np.floating], now_s: float) -> list[PsiResult]:
        """Count one batch, shape (rows, features). Returns what closed before it, as `advance` would."""
        closed = self.advance(now_s) if now_s >= self._ends_s["1h"] else []
        self._models[model].count(columns)
        return closed

    def advance(self, now_s: float) -> list[PsiResult]:
        """Close the windows that end at or before `now_s`: by window, model, feature."""
        results: list[PsiResult] = []
        for window, length_s in WINDOWS_S.items():
            end_s = self._ends_s[window]
            if now_s < end_s:
                continue
            for name, model in self._models.items():
                found = self._close(name, model, window, end_s)
                model.latest[window] = found
                results += found
            self._ends_s[window] = (math.floor(now_s / length_s) + 1) * length_s
        return results

    def next_wake_s(self) -> float:
        """When the next window closes."""
        return min(self._ends_s.values())

    def latest(self, model: str) -> list[PsiResult]:
        """Results of the windows of `model` that closed last, hour first."""
        return [result for window in WINDOWS_S for result in self._models[model].latest.get(window, ())]

    def scrape(self, store: SeriesStore, now_s: float) -> None:
        """Write the latest `feature_psi` and `feature_psi_level` (0 ok to 3 critical) of every model, feature, window.

        Call it at every scrape: a query forgets a value that is not repeated. Insufficient data is a stale marker.
        """
        for name, model in self._models.items():
            for window, results in model.latest.items():
                handles = model.handles.get(window)
                if handles is None:
                    handles = model.handles[window] = _handles(store, name, window, model.features)
                for (psi_series, level_series), result in zip(handles, results, strict=True):
                    known = result.level != "insufficient data"
                    psi_series.append(now_s, result.psi if known else STALE)
                    level_series.append(now_s, float(LEVELS.index(result.level)) if known else STALE)

    def _close(self, name: str, model: _Model, window: PsiWindow, end_s: float) -> list[PsiResult]:
        counts = model.take(window)
        tests_per_day = len(WINDOWS_S) * len(model.features) * WINDOWS_S["1d"] / WINDOWS_S[window]
        alpha = self._false_alarms_per_day / max(1.0, tests_per_day)
        return [
            self._judge(name, feature, window, end_s, reference, counts[row], alpha)
            for feature, (row, reference) in model.features.items()
        ]

    def _judge(
        self,
        model: str,
        feature: str,
        window: PsiWindow,
        end_s: float,
        reference: ReferenceStats,
        counts: NDArray[np.int64],
        alpha: float,
    ) -> PsiResult:
        n = int(counts.sum())
        if n < self._rows_min or not reference.n:
            return PsiResult(end_s, model, feature, window, 0.0, 0.0, n, "insufficient data", THRESHOLDS, "")
        parts = contributions(reference, counts)
        cells = int(((counts + reference.counts) > 0).sum())
        value = float(parts.sum())
        noise = noise_threshold(reference.n, n, cells, alpha)
        warning, significant, critical = (max(threshold, noise) for threshold in THRESHOLDS)
        limits = (warning, significant, critical)
        return PsiResult(
            t_s=end_s,
            model=model,
            feature=feature,
            window=window,
            psi=value,
            psi_corrected=max(0.0, value - expected_under_no_drift(reference.n, n, cells)),
            n=n,
            level=LEVELS[sum(value >= limit for limit in limits)],
            limits=limits,
            driver=reference.cell_name(int(parts.argmax())),
        )


class _Model:
    """The open windows of one model. All features are counted at once, in arrays padded to the widest one."""

    def __init__(self, features: Mapping[str, ReferenceStats]) -> None:
        self.features = {name: (row, reference) for row, (name, reference) in enumerate(features.items())}
        self.latest: dict[PsiWindow, list[PsiResult]] = {}
        self.handles: dict[PsiWindow, list[tuple[Series, Series]]] = {}
        self._references = list(features.values())
        wide = max((len(reference.edges) - 2 for reference in self._references), default=0)
        many = max((len(reference.points) for reference in self._references), default=0)
        shape = len(self._references)
        # NaN as padding: no value is equal to it nor above it, so padded cells stay empty.
        self._edges = np.full((shape, wide, 1), np.nan, dtype=np.float32)
        self._points = np.full((shape, many, 1), np.nan, dtype=np.float32)
        self._home = np.zeros((shape, many), dtype=np.intp)
        for row, reference in enumerate(self._references):
            inner = reference.edges[1:-1]
            self._edges[row, : len(inner), 0] = inner
            self._points[row, : len(reference.points), 0] = reference.points
            self._home[row, : len(reference.points)] = np.searchsorted(inner, reference.points, side="right")
        self._row_of_point = np.broadcast_to(np.arange(shape)[:, None], (shape, many))
        self._open: dict[PsiWindow, _Cells] = {window: _Cells.empty(shape, many, wide + 1) for window in WINDOWS_S}

    def count(self, columns: NDArray[np.floating]) -> None:
        """Add a batch to the open hour. Shape (rows, features)."""
        assert columns.ndim == 2
        assert columns.shape[1] == len(self._references), (
            f"{columns.shape[1]} columns, {len(self._references)} features"
        )
        values = np.ascontiguousarray(columns.T, dtype=np.float32)[:, None, :]
        rows = columns.shape[0]
        cells = self._open["1h"]
        missing = _true_counts(np.isnan(values))[:, 0]
        at_or_above = _true_counts(values >= self._edges)
        cells.missing += missing
        cells.intervals[:, 0] += rows - missing
        cells.intervals[:, :-1] -= at_or_above
        cells.intervals[:, 1:] += at_or_above
        if self._points.shape[1]:
            equal = _true_counts(values == self._points)
            cells.points += equal
            np.subtract.at(cells.intervals, (self._row_of_point, self._home), equal)

    def take(self, window: PsiWindow) -> list[NDArray[np.int64]]:
        """Counts per feature of the window that closes, which starts anew. A closing hour is added to the day."""
        cells = self._open[window]
        if window == "1h":
            self._open["1d"].add(cells)
        counts = [
            np.concatenate(
                (
                    cells.points[row, : len(reference.points)],
                    cells.intervals[row, : len(reference.edges) - 1],
                    cells.missing[row : row + 1],
                )
            )
            for row, reference in enumerate(self._references)
        ]
        cells.clear()
        return counts


@dataclass(slots=True)
class _Cells:
    points: NDArray[np.int64]
    intervals: NDArray[np.int64]
    missing: NDArray[np.int64]

    @classmethod
    def empty(cls, features: int, points: int, intervals: int) -> _Cells:
        return cls(
            np.zeros((features, points), dtype=np.int64),
            np.zeros((features, intervals), dtype=np.int64),
            np.zeros(features, dtype=np.int64),
        )

    def add(self, other: _Cells) -> None:
        self.points += other.points
        self.intervals += other.intervals
        self.missing += other.missing

    def clear(self) -> None:
        self.points[:] = 0
        self.intervals[:] = 0
        self.missing[:] = 0


def _true_counts(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """True values along the last axis; packing eight flags to a byte first is several times faster than a sum."""
    counts: NDArray[np.int64] = np.bitwise_count(np.packbits(flags, axis=-1)).sum(axis=-1, dtype=np.int64)
    return counts


def _handles(
    store: SeriesStore, model: str, window: PsiWindow, features: Mapping[str, tuple[int, ReferenceStats]]
) -> list[tuple[Series, Series]]:
    labels = [{"model": model, "feature": feature, "window": window} for feature in features]
    return [(store.series(PSI_SERIES, of), store.series(LEVEL_SERIES, of)) for of in labels]
