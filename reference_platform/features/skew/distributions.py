"""Distances between two samples of one feature, and how likely chance alone makes them.

Nulls are one cell of the PSI; D and total variation compare what is given on both sides only.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.monitoring.psi import (
    ReferenceStats,
    cell_counts,
    contributions,
    fit_reference,
    noise_threshold,
)

Flags = NDArray[np.bool_]
KS_ROWS_MAX = 200_000
"""Rows per side that the exact statistic is computed on; of more, every n-th in order of value."""
CATEGORIES_MAX = 50
"""Categories with a cell of their own, the most frequent ones; the rest of the training set shares the cell `rest`."""


@dataclass(frozen=True, slots=True)
class Distance:
    """How far apart two samples are. `outside`: share of the second outside what the first ever held, of which
    `outside_expected` is due to the first being a sample.
    """

    psi: float
    distance: float
    p_value: float
    outside: float
    outside_expected: float
    outside_p: float
    driver: str
    cells: int
    rows: tuple[int, int]

    def psi_noise(self, alpha: float) -> float:
        """The PSI that chance exceeds with probability `alpha`."""
        if min(self.rows) == 0 or self.cells < 2:
            return 0.0
        return noise_threshold(self.rows[0], self.rows[1], self.cells, alpha)


def number_distance(first: NDArray[Any], second: NDArray[Any], given: Flags, other: Flags) -> Distance:
    """PSI over the deciles of `first`, D, and the share outside its range. NaN counts as missing."""
    a = np.where(given, first, 0).astype(np.float64)
    b = np.where(other, second, 0).astype(np.float64)
    a[~given], b[~other] = np.nan, np.nan
    # Large whole numbers would fall together as float32, which is what the cells compare by.
    centre = np.nanmedian(a) if given.any() and np.isfinite(a).any() else 0.0
    reference = fit_reference(a - centre)
    counts = cell_counts(reference, b - centre)
    parts = contributions(reference, counts)
    left, right = a[~np.isnan(a)], b[~np.isnan(b)]
    distance, p_value = _kolmogorov_smirnov(left, right)
    beyond = int(((right < left.min()) | (right > left.max())).sum()) if len(left) else 0
    return Distance(
        psi=float(parts.sum()),
        distance=distance,
        p_value=p_value,
        outside=beyond / len(right) if len(right) else 0.0,
        outside_expected=2 / (len(left) + 1),
        outside_p=_beyond_range_p_value(beyond, len(right), len(left)),
        driver=_cell_name(reference, int(parts.argmax()), centre) if len(parts) else "",
        cells=int(((reference.counts + counts) > 0).sum()),
        rows=(reference.n, int(counts.sum())),
    )


def category_distance(first: NDArray[Any], second: NDArray[Any], given: Flags, other: Flags) -> Distance:
    """PSI and total variation over categories; `unknown` holds what `first` never had, or has once for its own part."""
    known = Counter(first[given].tolist())
    ranked = sorted((value for value in known if known[value] > 1), key=lambda value: (-known[value], repr(value)))
    own = {value: number for number, value in enumerate(ranked[:CATEGORIES_MAX])}
    names = [repr(value)[:40] for value in own] + ["rest", "unknown", "missing"]
    rest, unknown, missing = len(own), len(own) + 1, len(own) + 2
    here, there = np.zeros(len(names), dtype=np.int64), np.zeros(len(names), dtype=np.int64)
    # A value that the first sample has once would have been unknown to the rest of it.
    for value, count in known.items():
        here[unknown if count == 1 else own.get(value, rest)] += count
    new = 0
    for value, count in Counter(second[other].tolist()).items():
        new += 0 if value in known else count
        there[own.get(value, rest) if value in known else unknown] += count
    here[missing], there[missing] = len(given) - int(given.sum()), len(other) - int(other.sum())
    # Single points as cells: those of `psi` are the categories, whatever their order.
    points = np.arange(len(names) - 2, dtype=np.float64)
    reference = ReferenceStats(np.array([-np.inf, np.inf]), points, here)
    parts = contributions(reference, there)
    rows, other_rows = int(given.sum()), int(other.sum())
    shares = [here[:missing] / max(1, rows), there[:missing] / max(1, other_rows)]
    unseen = (int(here[unknown]) + 1) / (rows + 1)
    return Distance(
        psi=float(parts.sum()),
        distance=float(np.abs(shares[0] - shares[1]).sum() / 2) if rows and other_rows else 0.0,
        p_value=_chi_square(here[:missing], there[:missing]),
        outside=new / other_rows if other_rows else 0.0,
        outside_expected=unseen,
        outside_p=_unseen_p_value(new, other_rows, unseen),
        driver=names[int(parts.argmax())],
        cells=int(((here + there) > 0).sum()),
        rows=(int(here.sum()), int(there.sum())),
    )


def rate_p_value(count: int, rows: int, other_count: int, other_rows: int) -> float:
    """Chance that two shares differ this much if they are the same: Fisher's exact test, or chi-square when large."""
    from scipy import stats

    if not rows or not other_rows:
        return 1.0
    table = [[count, rows - count], [other_count, other_rows - other_count]]
    if min(table[0] + table[1]) > 1_000:
        return float(stats.chi2_contingency(table).pvalue)
    return float(stats.fisher_exact(table).pvalue) if count + other_count else 1.0


def discoveries(p_values: NDArray[np.float64], fdr: float) -> Flags:
    """Which tests stand at false discovery rate `fdr`: the k smallest, k the greatest with p(k) <= k fdr / m.

    Source: Benjamini and Hochberg, Controlling the false discovery rate, J. R. Stat. Soc. B 57 (1995).
    """
    out = np.zeros(len(p_values), dtype=np.bool_)
    if not len(p_values):
        return out
    order = np.argsort(p_values, kind="stable")
    below = np.flatnonzero(p_values[order] <= np.arange(1, len(order) + 1) * fdr / len(order))
    if len(below):
        out[order[: below[-1] + 1]] = True
    return out


def _kolmogorov_smirnov(left: NDArray[np.float64], right: NDArray[np.float64]) -> tuple[float, float]:
    """D and its p-value by the asymptotic law, as exact ones take hours for large samples."""
    from scipy import stats

    if not len(left) or not len(right):
        return 0.0, 1.0
    result = stats.ks_2samp(_thinned(left), _thinned(right), method="asymp")
    return float(result.statistic), float(result.pvalue)


def _thinned(values: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(values) <= KS_ROWS_MAX:
        return values
    return np.sort(values)[:: -(-len(values) // KS_ROWS_MAX)]


def _chi_square(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    from scipy import stats

    used = (first + second) > 0
    if used.sum() < 2 or not first.sum() or not second.sum():
        return 1.0
    return float(stats.chi2_contingency(np.vstack((first[used], second[used]))).pvalue)


def _beyond_range_p_value(beyond: int, rows: int, reference_rows: int) -> float:
    """Chance of as many values beyond the extremes of the reference: beta-binomial with 2 and reference rows - 1.

    Source: Wilks, Determination of sample sizes for setting tolerance limits, Ann. Math. Stat. 12 (1941): the share
    of a population outside the extremes of m of its values follows Beta(2, m - 1).
    """
    from scipy import stats

    if not beyond or reference_rows < 2:
        return 1.0
    return float(stats.betabinom.sf(beyond - 1, rows, 2, reference_rows - 1))


def _unseen_p_value(new: int, rows: int, unseen: float) -> float:
    """Chance of as many values of categories that the reference never had.

    Source: Good, The population frequencies of species, Biometrika 40 (1953): unseen categories have about the share
    of those that were seen once.
    """
    from scipy import stats

    return float(stats.binom.sf(new - 1, rows, min(1.0, unseen))) if new else 1.0


def _cell_name(reference: ReferenceStats, cell: int, centre: float) -> str:
    shifted = ReferenceStats(reference.edges + centre, reference.points + centre, reference.counts)
    return shifted.cell_name(cell)
