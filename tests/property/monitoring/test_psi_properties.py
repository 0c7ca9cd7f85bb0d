"""PSI and its fast counting against slow and plain computations."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reference_platform.monitoring.drift import PsiMonitor
from reference_platform.monitoring.psi import ReferenceStats, cell_counts, fit_reference, noise_threshold, psi

NUMBERS = st.one_of(
    st.integers(-3, 3).map(float), st.floats(width=32, allow_nan=False), st.just(math.nan), st.just(math.inf)
)
SAMPLES = st.lists(NUMBERS, min_size=1, max_size=80)


def _plain_counts(reference: ReferenceStats, values: list[float]) -> list[int]:
    """Each value walks through the cells until one takes it."""
    counts = [0] * reference.cells
    points, edges = reference.points.tolist(), reference.edges.tolist()
    for value in values:
        if math.isnan(value):
            counts[-1] += 1
        elif value in points:
            counts[points.index(value)] += 1
        else:
            home = max(index for index in range(len(edges) - 1) if value >= edges[index])
            counts[len(points) + home] += 1
    return counts


def _plain_psi(reference: list[int], current: list[int]) -> float:
    used = [(r, c) for r, c in zip(reference, current, strict=True) if r + c > 0]
    n_reference = sum(r + 0.5 for r, _ in used)
    n_current = sum(c + 0.5 for _, c in used)
    total = 0.0
    for r, c in used:
        p, q = (r + 0.5) / n_reference, (c + 0.5) / n_current
        total += (p - q) * (math.log(p) - math.log(q))
    return total


@given(SAMPLES, SAMPLES, st.integers(2, 12))
def test_counts_and_psi_equal_the_plain_computation(before: list[float], after: list[float], bins: int) -> None:
    reference = fit_reference(before, bins)
    counts = cell_counts(reference, after)
    assert counts.tolist() == _plain_counts(reference, after)
    assert reference.counts.tolist() == _plain_counts(reference, before)
    assert math.isclose(psi(reference, counts), _plain_psi(reference.counts.tolist(), counts.tolist()), abs_tol=1e-9)


@given(SAMPLES, SAMPLES)
def test_psi_is_never_negative_and_does_not_depend_on_the_direction(before: list[float], after: list[float]) -> None:
    reference = fit_reference(before)
    counts = cell_counts(reference, after)
    swapped = ReferenceStats(reference.edges, reference.points, counts)
    assert psi(reference, counts) >= 0
    assert math.isclose(psi(reference, counts), psi(swapped, reference.counts), abs_tol=1e-9)


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=60), SAMPLES, SAMPLES, st.integers(1, 60))
def test_batches_are_counted_as_single_columns_would_be(
    rows: list[tuple[float, float, float]], first: list[float], second: list[float], split: int
) -> None:
    references = {"a": fit_reference(first), "b": fit_reference(second), "c": fit_reference([0.0, 0.0, 1.0])}
    monitor = PsiMonitor({"m": references}, rows_min=1)
    matrix = np.array(rows, dtype=np.float32)
    for part in (matrix[:split], matrix[split:]):
        monitor.observe("m", part, 0.0)
    for column, (result, reference) in enumerate(zip(monitor.advance(3600.0), references.values(), strict=True)):
        wanted = psi(reference, cell_counts(reference, matrix[:, column]))
        assert result.n == len(rows)
        assert math.isclose(result.psi, wanted, abs_tol=1e-12)


@given(st.integers(100, 10**6), st.integers(100, 10**6), st.integers(2, 30), st.floats(1e-6, 0.2))
def test_the_noise_threshold_falls_with_more_data_and_rises_with_more_cells(
    reference_n: int, current_n: int, bins: int, alpha: float
) -> None:
    here = noise_threshold(reference_n, current_n, bins, alpha)
    assert noise_threshold(reference_n, 2 * current_n, bins, alpha) < here
    assert noise_threshold(reference_n, current_n, bins + 1, alpha) > here
    assert noise_threshold(reference_n, current_n, bins, alpha / 2) > here
