"""PSI against theory: known shifts, the null law, and tables."""

from __future__ import annotations

import io
import itertools
import math
from statistics import NormalDist

import numpy as np
import pytest

from reference_platform.monitoring.psi import (
    cell_counts,
    chi_square_quantile,
    contributions,
    expected_under_no_drift,
    fit_reference,
    noise_threshold,
    pack_references,
    psi,
    unpack_references,
)


@pytest.mark.parametrize("shift_sd", [0.1, 0.25, 1.0])
def test_psi_of_a_shifted_normal_is_the_one_theory_gives_for_deciles(shift_sd: float) -> None:
    normal = NormalDist()
    cuts = [-math.inf, *(normal.inv_cdf(tenth / 10) for tenth in range(1, 10)), math.inf]
    moved = [normal.cdf(high - shift_sd) - normal.cdf(low - shift_sd) for low, high in itertools.pairwise(cuts)]
    theory = sum((q - 0.1) * math.log(q / 0.1) for q in moved)
    exact_sample = np.array([normal.inv_cdf((rank + 0.5) / 50_000) for rank in range(50_000)])
    reference = fit_reference(exact_sample)
    measured = psi(reference, cell_counts(reference, exact_sample + shift_sd))
    assert measured == pytest.approx(theory, rel=0.005)
    assert measured < shift_sd**2


def test_the_reference_sample_itself_has_psi_zero() -> None:
    values = np.random.default_rng(2).lognormal(size=5_000)
    reference = fit_reference(values)
    assert psi(reference, cell_counts(reference, values)) == 0.0
    assert reference.cells == 11
    assert reference.n == 5_000
    assert contributions(reference, cell_counts(reference, values)).min() >= 0


def test_without_drift_psi_has_the_mean_and_the_tail_of_its_null_law() -> None:
    rng = np.random.default_rng(3)
    reference = fit_reference(rng.normal(size=20_000))
    found = [psi(reference, cell_counts(reference, rng.normal(size=500))) for _ in range(2_000)]
    assert np.mean(found) == pytest.approx(expected_under_no_drift(20_000, 500, 10), rel=0.05)
    limit = noise_threshold(20_000, 500, 10, 0.05)
    assert 0.03 < np.mean(np.array(found) > limit) < 0.07


@pytest.mark.parametrize(
    ("degrees", "probability", "table"),
    [
        (4, 0.95, 9.488),
        (9, 0.95, 16.919),
        (9, 0.999, 27.877),
        (19, 0.95, 30.144),
        (19, 0.999, 43.820),
        (10, 0.99, 23.209),
    ],
)
def test_chi_square_quantile_agrees_with_the_table(degrees: int, probability: float, table: float) -> None:
    assert chi_square_quantile(degrees, probability) == pytest.approx(table, rel=0.01)


def test_frequent_single_values_and_missing_values_have_cells_of_their_own() -> None:
    values = np.concatenate((np.zeros(600), np.full(200, 7.0), np.linspace(1, 2, 200), [np.nan] * 10))
    reference = fit_reference(values)
    names = [reference.cell_name(cell) for cell in range(reference.cells)]
    assert names[:2] == ["= 0", "= 7"]
    assert names[-1] == "missing"
    assert reference.counts.tolist() == [600, 200, 100, 100, 10]
    assert names[2].startswith("< 1.5")
    assert names[3].startswith(">= 1.5")


def test_a_constant_feature_shows_any_other_value() -> None:
    reference = fit_reference(np.full(1_000, 3.0))
    assert [reference.cell_name(cell) for cell in range(reference.cells)] == ["= 3", "any other value", "missing"]
    assert psi(reference, cell_counts(reference, np.full(300, 3.0))) == 0.0
    assert psi(reference, cell_counts(reference, np.full(300, 4.0))) > 5


@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [np.inf, -np.inf, 1.0, 2.0], [1.0]])
def test_odd_references_still_count_everything(values: list[float]) -> None:
    reference = fit_reference(values)
    assert reference.n == len(values)
    assert cell_counts(reference, [np.nan, np.inf, -np.inf, 0.5]).sum() == 4


def test_references_survive_a_file() -> None:
    references = {"b": fit_reference(np.arange(100.0)), "a": fit_reference(np.zeros(10))}
    file = io.BytesIO()
    np.savez(file, **pack_references(references))  # type: ignore[arg-type]
    file.seek(0)
    with np.load(file) as loaded:
        again = unpack_references(dict(loaded))
    assert list(again) == ["b", "a"]
    for name, reference in references.items():
        assert again[name].edges.tolist() == reference.edges.tolist()
        assert again[name].points.tolist() == reference.points.tolist()
        assert again[name].counts.tolist() == reference.counts.tolist()


def _edges(values: list[float], bins: int) -> tuple[list[float], list[float]]:
    reference = fit_reference(values, bins)
    return reference.points.tolist(), reference.edges[1:-1].tolist()


def test_a_value_that_makes_up_exactly_one_cell_is_a_single_value() -> None:
    ten = [float(value) for value in range(10)]
    assert _edges(ten, 10) == (ten, [])
    assert _edges([*ten, 10.0], 10)[0] == []


def test_a_rest_of_less_than_one_cell_is_one_interval() -> None:
    assert _edges([0.0] * 1_000 + [float(value) for value in range(1, 11)], 10) == ([0.0], [])


def test_no_interval_ends_at_the_smallest_value_or_at_infinity() -> None:
    """Nine of the sixteen values that are not 0 are the smallest, or infinite; the median is one of them."""
    most = [0.0] * 80
    assert _edges([*most, *[1.0] * 9, *range(2, 9)], 10) == ([0.0], [])
    assert _edges([*most, *range(2, 9), *[math.inf] * 9], 10) == ([0.0], [])
    assert _edges([*most, *[1.0] * 7, *range(2, 11)], 10) == ([0.0], [3.0])


def test_a_reference_has_two_cells_or_more() -> None:
    with pytest.raises(AssertionError):
        fit_reference([1.0, 2.0], bins=1)
    assert fit_reference([1.0, 2.0], bins=2).n == 2


def test_a_reference_may_be_a_key() -> None:
    one, other = fit_reference([1.0, 2.0]), fit_reference([1.0, 2.0])
    assert {one: 1, other: 2}[one] == 1


def test_both_sample_sizes_count_alike() -> None:
    for sizes in ((100, 50), (50, 100)):
        assert expected_under_no_drift(*sizes, 10) == pytest.approx(9 * 0.03)
        assert noise_threshold(*sizes, 10, 0.05) == pytest.approx(chi_square_quantile(9, 0.95) * 0.03)


def test_quantiles_below_the_mean_and_at_no_degree_of_freedom() -> None:
    assert chi_square_quantile(4, 0.5) == pytest.approx(3.357, rel=0.01)
    assert chi_square_quantile(1, 0.001) == 0.0, "the approximation would go below zero"
    assert chi_square_quantile(0, 0.95) == chi_square_quantile(-1, 0.95) == 0.0
