"""Whether served vectors look like the training set: distributions, feature by feature, when no row can be compared.

Per feature: PSI over cells frozen at training time (monitoring/psi.py); for numbers the Kolmogorov-Smirnov statistic D
with its p-value; for text, truth values and bytes the total variation distance between the shares of the categories,
those never seen in training in a cell `unknown`; the null rate on both sides; the share of served numbers outside the
range of the training set; and how the statuses were spread.

A verdict needs an effect and evidence. Effects are judged by the thresholds of `Limits`. Evidence: PSI above what
chance reaches with probability `alpha` (psi.noise_threshold); for D, total variation, null rate and range a p-value
that stands after Benjamini and Hochberg's correction over all features and tests at false discovery rate `fdr`. With a
million rows any p-value is small, so the effect decides; with a hundred any effect is large, so the evidence does.
Below `rows_min` rows on either side a feature is "insufficient data".

Source: Siddiqi, Credit Risk Scorecards (2006), for PSI 0.1 and 0.25; Benjamini and Hochberg, Controlling the false
discovery rate, J. R. Stat. Soc. B 57 (1995). The other thresholds are ours: a D or total variation of 0.1 moves a tenth
of the rows elsewhere, which is what PSI 0.1 amounts to for a shifted normal feature (0.32 standard deviations).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import CommandError, nearest
from reference_platform.features.columns import Column
from reference_platform.features.skew.distributions import (
    Distance,
    category_distance,
    discoveries,
    number_distance,
    rate_p_value,
)
from reference_platform.features.skew.vector_log import VectorLog
from reference_platform.features.types import FeatureType

if TYPE_CHECKING:
    import pyarrow as pa

Verdict = Literal["insufficient data", "ok", "warning", "significant"]
VERDICTS: tuple[Verdict, ...] = ("insufficient data", "ok", "warning", "significant")


@dataclass(frozen=True, slots=True)
class Limits:
    """Each pair: from where on an effect is a warning, and from where on significant. Shares are 0..1."""

    psi: tuple[float, float] = (0.1, 0.25)
    distance: tuple[float, float] = (0.1, 0.2)
    """D of numbers, total variation of categories."""
    null_rate: tuple[float, float] = (0.02, 0.1)
    """Difference of the shares of nulls."""
    out_of_range: tuple[float, float] = (0.01, 0.05)
    """Share of served numbers outside the training range, or of categories never seen in training."""
    rows_min: int = 200
    fdr: float = 0.01
    alpha: float = 0.001
    """Chance that the PSI of one feature passes its noise threshold without any drift."""


@dataclass(frozen=True, slots=True)
class FeatureDivergence:
    """One feature. Rates are shares 0..1; `statuses`: share of each status by its number, empty if none were given.

    `distance`: D for numbers, total variation for categories. `out_of_range_ratio`: of the served values that are
    given. `driver`: the cell that adds most to the PSI. `reasons`: which effects passed, with their figures.
    """

    feature: str
    verdict: Verdict
    psi: float
    distance: float
    p_value: float
    null_ratio_training: float
    null_ratio_served: float
    out_of_range_ratio: float
    rows_training: int
    rows_served: int
    driver: str
    statuses: Mapping[int, float]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DivergenceReport:
    """All features, those furthest apart first."""

    features: tuple[FeatureDivergence, ...]
    limits: Limits

    @property
    def diverged(self) -> tuple[FeatureDivergence, ...]:
        """Features with a warning or more."""
        return tuple(each for each in self.features if each.verdict in ("warning", "significant"))

    def to_json(self) -> dict[str, object]:
        """An object for `json.dumps`."""
        return {"limits": asdict(self.limits), "features": [asdict(each) for each in self.features]}

    def to_text(self) -> str:
        """One line per feature."""
        lines = [f"{'feature':<40}{'verdict':<19}{'psi':>8}{'distance':>10}{'nulls':>18}{'outside':>9}  why"]
        for each in self.features:
            nulls = f"{each.null_ratio_training:.2%} > {each.null_ratio_served:.2%}"
            lines.append(
                f"{each.feature[:39]:<40}{each.verdict:<19}{each.psi:>8.3f}{each.distance:>10.3f}{nulls:>18}"
                f"{each.out_of_range_ratio:>9.2%}  {'; '.join(each.reasons)}"
            )
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Sides:
    """A feature on both sides. `statuses`: of the served values, or None."""

    kind: FeatureType
    training: Column
    served: Column
    statuses: NDArray[np.uint8] | None = None


def divergence(features: Mapping[str, Sides], limits: Limits | None = None) -> DivergenceReport:
    """Compare every feature on both sides. Lists are compared by their length."""
    limits = limits or Limits()
    measured = {name: _measure(sides) for name, sides in features.items()}
    enough = [name for name, one in measured.items() if min(one.rows_training, one.rows_served) >= limits.rows_min]
    tests = [p for name in enough for p in measured[name].p_values()]
    stands = discoveries(np.array(tests), limits.fdr)
    found = []
    for name, one in measured.items():
        if name in enough:
            at = enough.index(name) * 3
            found.append(_judged(name, one, stands[at : at + 3], limits))
        else:
            found.append(_result(name, one, "insufficient data", ()))
    found.sort(key=lambda each: (-VERDICTS.index(each.verdict), -each.psi, each.feature))
    return DivergenceReport(tuple(found), limits)


def served_sides(
    log: VectorLog, service: str, training: pa.Table, *, since_us: int | None = None, until_us: int | None = None
) -> dict[str, Sides]:
    """The features of `service` in a training set, by their served names, and in the vectors it served.

    Raises CommandError when the training set has no column of that name, or nothing was logged.
    """
    from reference_platform.features.columns import column_from_arrow

    served: dict[str, tuple[FeatureType, list[Column], list[NDArray[np.uint8]]]] = {}
    for segment in log.read(since_us, until_us):
        if segment.shape.service != service:
            continue
        packed = b"".join(segment.table.column("statuses").to_pylist())
        statuses = np.frombuffer(packed, dtype=np.uint8).reshape(len(segment.table), -1)
        for at, feature in enumerate(segment.shape.features):
            if feature.served:
                kind, columns, numbers = served.setdefault(feature.name, (feature.kind, [], []))
                columns.append(column_from_arrow(segment.table.column(f"v{at}"), kind, feature.name))
                numbers.append(statuses[:, at])
    if not served:
        raise CommandError(f'no vectors of service "{service[:60]}" were logged in this time',
                           fix="FeatureService(..., logging=True)")  # fmt: skip
    out = {}
    for name, (kind, columns, numbers) in served.items():
        if name not in training.column_names:
            raise CommandError(f'the training set has no feature "{name[:60]}"',
                               fix=nearest(name, training.column_names))  # fmt: skip
        trained = column_from_arrow(training.column(name), kind, f"training set: {name}")
        out[name] = Sides(kind, trained, _joined(columns), np.concatenate(numbers))
    return out


def _joined(columns: list[Column]) -> Column:
    return Column(
        np.concatenate([column.values for column in columns]), np.concatenate([column.mask() for column in columns])
    )


@dataclass(frozen=True, slots=True)
class _Measured:
    distance: Distance
    null_training: float
    null_served: float
    null_p: float
    rows_training: int
    rows_served: int
    statuses: Mapping[int, float]

    def p_values(self) -> tuple[float, float, float]:
        return (self.distance.p_value, self.null_p, self.distance.outside_p)


def _measure(sides: Sides) -> _Measured:
    given, other = sides.training.mask(), sides.served.mask()
    rows, rows_served = len(given), len(other)
    numeric = sides.kind.dtype in ("<i4", "<i8", "<f4", "<f8")
    measure = number_distance if numeric else category_distance
    distance = measure(_plain(sides.training, sides.kind), _plain(sides.served, sides.kind), given, other)
    missing, missing_served = int(rows - given.sum()), int(rows_served - other.sum())
    statuses: dict[int, float] = {}
    if sides.statuses is not None and rows_served:
        numbers, counts = np.unique(sides.statuses, return_counts=True)
        statuses = {int(number): int(count) / rows_served for number, count in zip(numbers, counts, strict=True)}
    return _Measured(
        distance=distance,
        null_training=missing / rows if rows else 0.0,
        null_served=missing_served / rows_served if rows_served else 0.0,
        null_p=rate_p_value(missing, rows, missing_served, rows_served),
        rows_training=rows,
        rows_served=rows_served,
        statuses=statuses,
    )


def _plain(column: Column, kind: FeatureType) -> NDArray[np.generic]:
    if kind.item is None:
        return column.values
    plain = [-1 if value is None else len(value) for value in column.values.tolist()]
    return np.array(plain, dtype=object)


def _judged(name: str, one: _Measured, stands: NDArray[np.bool_], limits: Limits) -> FeatureDivergence:
    distance = one.distance
    noise = distance.psi_noise(limits.alpha)
    effects = (
        ("psi", distance.psi, limits.psi, distance.psi > noise),
        ("distance", distance.distance, limits.distance, bool(stands[0])),
        ("null rate moved by", abs(one.null_served - one.null_training), limits.null_rate, bool(stands[1])),
        ("outside training", distance.outside - distance.outside_expected, limits.out_of_range, bool(stands[2])),
    )
    level = 0
    reasons = []
    for what, effect, (warning, significant), evident in effects:
        if evident and effect >= warning:
            level = max(level, 2 if effect >= significant else 1)
            reasons.append(f"{what} {effect:.3f}, {distance.driver}" if what == "psi" else f"{what} {effect:.3f}")
    return _result(name, one, VERDICTS[1 + level], tuple(reasons))


def _result(name: str, one: _Measured, verdict: Verdict, reasons: tuple[str, ...]) -> FeatureDivergence:
    return FeatureDivergence(
        feature=name,
        verdict=verdict,
        psi=one.distance.psi,
        distance=one.distance.distance,
        p_value=one.distance.p_value,
        null_ratio_training=one.null_training,
        null_ratio_served=one.null_served,
        out_of_range_ratio=one.distance.outside,
        rows_training=one.rows_training,
        rows_served=one.rows_served,
        driver=one.distance.driver,
        statuses=one.statuses,
        reasons=reasons,
    )
