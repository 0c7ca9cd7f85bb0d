"""Population stability: how far what a model sees now has moved from what it was trained on.

PSI = sum over cells of (q - p) ln(q / p), with p the reference's share and q the current share of the cell, both
with half a count added. Cells are frozen at training time: one per frequent single value, the deciles of the rest
with open ends, and one for missing values. A cell empty on both sides says nothing and is left out.

Without any drift PSI n m / (n + m) follows about a chi-square law with cells - 1 degrees of freedom, so small samples
reach fixed thresholds by chance. A level is therefore given only above max(threshold, noise threshold).
Source: Siddiqi, Credit Risk Scorecards (2006); Yurdakul and Naranjo, Statistical properties of the population
stability index, Journal of Risk Model Validation 14(4), 2020.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference_platform.arithmetic import log_of

BINS_DEFAULT = 10


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceStats:
    """The frozen cells of one feature and how many training values fell in each.

    `edges` ascend from -inf to inf; interval i holds edges[i] <= x < edges[i + 1]. `points` ascend; a value equal to
    one is counted there and not in its interval. `counts` has points, then intervals, then missing values.
    Values are compared as float32, the type of features.
    """

    edges: NDArray[np.float64]
    points: NDArray[np.float64]
    counts: NDArray[np.int64]

    def __post_init__(self) -> None:
        assert len(self.edges) >= 2
        assert self.edges[0] == -np.inf
        assert self.edges[-1] == np.inf
        assert len(self.counts) == len(self.points) + len(self.edges)

    @property
    def n(self) -> int:
        """Values counted, missing ones included."""
        return int(self.counts.sum())

    @property
    def cells(self) -> int:
        return len(self.counts)

    def cell_name(self, cell: int) -> str:
        """How a person would name the cell: `= 0`, `1.5 .. 2`, `>= 7`, `missing`."""
        if cell < len(self.points):
            return f"= {self.points[cell]:.4g}"
        interval = cell - len(self.points)
        if interval == len(self.edges) - 1:
            return "missing"
        low, high = self.edges[interval], self.edges[interval + 1]
        if low == -np.inf:
            return "any other value" if high == np.inf else f"< {high:.4g}"
        return f">= {low:.4g}" if high == np.inf else f"{low:.4g} .. {high:.4g}"


def fit_reference(values: ArrayLike, bins: int = BINS_DEFAULT) -> ReferenceStats:
    """Cells and counts for the training values of one feature; NaN counts as missing.

    A single value that makes up 1 / bins of the values or more gets a cell of its own; quantiles would collapse on it.
    """
    assert bins >= 2
    flat = np.asarray(values, dtype=np.float32).ravel()
    present = flat[~np.isnan(flat)]
    distinct, sizes = np.unique(present, return_counts=True)
    frequent = sizes * bins >= max(1, len(present))
    points = distinct[frequent] if len(distinct) else distinct
    rest = present[~np.isin(present, points)]
    intervals = max(1, round(bins * len(rest) / len(present))) if len(rest) else 1
    inner = np.quantile(rest, np.arange(1, intervals) / intervals, method="higher") if len(rest) else rest[:0]
    inner = np.unique(inner[np.isfinite(inner) & (inner > rest.min())]) if len(inner) else inner
    edges = np.concatenate(([-np.inf], inner.astype(np.float64), [np.inf]))
    empty = ReferenceStats(edges, points.astype(np.float64), np.zeros(len(points) + len(edges), dtype=np.int64))
    return ReferenceStats(empty.edges, empty.points, cell_counts(empty, flat))


def cell_counts(reference: ReferenceStats, values: ArrayLike) -> NDArray[np.int64]:
    """How many of `values` fall in each cell of `reference`."""
    flat = np.asarray(values, dtype=np.float32).ravel()
    present = flat[~np.isnan(flat)]
    points = reference.points.astype(np.float32)
    inner = reference.edges[1:-1].astype(np.float32)
    at = np.searchsorted(points, present)
    is_point = np.isin(present, points)
    return np.concatenate(
        (
            np.bincount(at[is_point], minlength=len(points)),
            np.bincount(np.searchsorted(inner, present[~is_point], side="right"), minlength=len(inner) + 1),
            [len(flat) - len(present)],
        )
    ).astype(np.int64)


def psi(reference: ReferenceStats, counts: NDArray[np.int64]) -> float:
    """PSI in nats of the current `counts`, cell by cell as `cell_counts` gives them. 0 means the same shares."""
    return float(contributions(reference, counts).sum())


def contributions(reference: ReferenceStats, counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """What each cell adds to the PSI; never negative."""
    assert counts.shape == reference.counts.shape
    used = (counts + reference.counts) > 0
    parts = np.zeros(len(counts))
    cells = int(used.sum())
    if cells:
        p = (reference.counts[used] + 0.5) / (reference.n + 0.5 * cells)
        q = (counts[used] + 0.5) / (int(counts.sum()) + 0.5 * cells)
        parts[used] = (q - p) * log_of(q / p)
    return parts


def expected_under_no_drift(reference_n: int, current_n: int, bins: int) -> float:
    """Mean PSI of two samples of one population: (bins - 1) (1/n + 1/m)."""
    return (bins - 1) * (1 / reference_n + 1 / current_n)


def noise_threshold(reference_n: int, current_n: int, bins: int, alpha: float) -> float:
    """The PSI that chance alone exceeds with probability `alpha`: chi2(1 - alpha; bins - 1) (1/n + 1/m)."""
    return chi_square_quantile(bins - 1, 1 - alpha) * (1 / reference_n + 1 / current_n)


@lru_cache(maxsize=1_000)
def chi_square_quantile(degrees: int, probability: float) -> float:
    """k (1 - 2/(9k) + z sqrt(2/(9k)))^3 with z the normal quantile; within 1 % from k = 4 and 0.9 upwards.

    Source: Wilson and Hilferty, The distribution of chi-square, PNAS 17 (1931).
    """
    from statistics import NormalDist  # not at the top: it loads decimal and fractions, and a start-up needs neither

    if degrees <= 0:
        return 0.0
    spread = 2 / (9 * degrees)
    root = 1 - spread + NormalDist().inv_cdf(probability) * math.sqrt(spread)
    return degrees * max(0.0, root) ** 3


def pack_references(references: Mapping[str, ReferenceStats]) -> dict[str, NDArray[np.generic]]:
    """Arrays for one .npz file, keyed `name|edges`, `name|points`, `name|counts`. Inverse: `unpack_references`."""
    packed: dict[str, NDArray[np.generic]] = {}
    for name, reference in references.items():
        assert "|" not in name
        packed[f"{name}|edges"] = reference.edges
        packed[f"{name}|points"] = reference.points
        packed[f"{name}|counts"] = reference.counts
    return packed


def unpack_references(packed: Mapping[str, NDArray[np.generic]]) -> dict[str, ReferenceStats]:
    """References by name, in the order in which they were packed."""
    names = [key.removesuffix("|edges") for key in packed if key.endswith("|edges")]
    return {
        name: ReferenceStats(
            packed[f"{name}|edges"].astype(np.float64),
            packed[f"{name}|points"].astype(np.float64),
            packed[f"{name}|counts"].astype(np.int64),
        )
        for name in names
    }
