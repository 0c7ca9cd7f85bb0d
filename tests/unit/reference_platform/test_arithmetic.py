"""Our own arithmetic is right to a few units in the last place, and gives the very bits that are written down here."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from reference_platform.arithmetic import affine, circle_of, exp_of, expm1_of, log1p_of, log_of

Floats = NDArray[np.float64]
INF, NAN = math.inf, math.nan

# Exact fractions: no library has a say in them.
SPREAD = np.arange(-40_000, 40_000) / 64.0
POSITIVE = np.concatenate([np.arange(1, 40_000) / 512.0, 2.0 ** np.arange(-1000, 1000)])
TURNS = np.arange(4097) / 4096.0


def ulps(found: Floats, wanted: list[float]) -> float:
    """The largest distance in units in the last place of what is wanted."""
    right = np.array(wanted)
    return float(np.max(np.abs(found - right) / np.spacing(np.abs(right))))


@pytest.mark.parametrize(
    ("ours", "theirs", "x", "ulps_max"),
    [
        (exp_of, math.exp, SPREAD, 1.0),
        (log_of, math.log, POSITIVE, 1.0),
        (log1p_of, math.log1p, POSITIVE, 2.0),
        (expm1_of, math.expm1, np.concatenate([SPREAD[SPREAD < 700], 2.0 ** -np.arange(1.0, 60.0)]), 2.0),
    ],
)
def test_results_are_right_to_the_last_places(
    ours: Callable[[Floats], Floats], theirs: Callable[[float], float], x: Floats, ulps_max: float
) -> None:
    assert ulps(ours(x), [theirs(value) for value in x.tolist()]) <= ulps_max


def test_the_circle_is_round_and_its_quarters_are_exact() -> None:
    around = circle_of(TURNS)
    wanted = [(math.sin(2 * math.pi * turn), math.cos(2 * math.pi * turn)) for turn in TURNS.tolist()]
    np.testing.assert_allclose(around, wanted, atol=1e-15)
    np.testing.assert_array_equal(circle_of([0.0, 0.25, 0.5, 0.75, 1.0]), [(0, 1), (1, 0), (0, -1), (-1, 0), (0, 1)])


@pytest.mark.parametrize(
    ("function", "pairs"),
    [
        (exp_of, {0.0: 1.0, -INF: 0.0, INF: INF, 710.0: INF, -746.0: 0.0}),
        (log_of, {1.0: 0.0, 0.0: -INF, INF: INF, -1.0: NAN, 5e-324: math.log(5e-324)}),
        (log1p_of, {0.0: 0.0, -1.0: -INF, INF: INF, -2.0: NAN, 1e-20: 1e-20}),
        (expm1_of, {0.0: 0.0, -INF: -1.0, INF: INF, -50.0: -1.0, 1e-20: 1e-20}),
    ],
)
def test_borders(function: Callable[[list[float]], Floats], pairs: dict[float, float]) -> None:
    np.testing.assert_allclose(function(list(pairs)), list(pairs.values()), rtol=4e-16)
    assert math.isnan(function([NAN])[0])


def test_shapes_are_kept() -> None:
    assert exp_of(0.0).shape == ()
    assert float(log_of(1.0)) == 0.0
    assert log1p_of(np.zeros((2, 3), np.float32)).shape == (2, 3)
    assert exp_of(np.zeros((0, 3))).shape == (0, 3)
    assert circle_of(np.zeros((2, 3))).shape == (2, 3, 2)
    assert circle_of(0.5).tolist() == [-0.0, -1.0]
    assert exp_of(np.arange(12.0).reshape(3, 4).T).tolist() == exp_of(np.arange(12.0)).reshape(3, 4).T.tolist()


def test_a_layer_sums_in_the_order_of_its_inputs() -> None:
    """Exactly: every partial sum is rounded to float32."""
    x = ((np.arange(7 * 11) * 37 % 101) / np.float32(7.0)).astype(np.float32).reshape(7, 11)
    weight = ((np.arange(11 * 5) * 53 % 97 - 48) / np.float32(9.0)).astype(np.float32).reshape(11, 5)
    bias = np.array([0.1, -300.0, 0.0, 3.0, 1e4], dtype=np.float32)
    wanted = np.zeros((7, 5), dtype=np.float32)
    for k in range(11):
        wanted = wanted + x[:, k : k + 1] * weight[k]
    wanted = wanted + bias
    assert (wanted < 0).any()
    np.testing.assert_array_equal(affine(x, weight, bias, rectified=False), wanted)
    np.testing.assert_array_equal(affine(x, weight, bias, rectified=True), np.where(wanted < 0, 0, wanted))


@pytest.mark.parametrize(
    ("function", "x", "sha256"),
    [
        (exp_of, SPREAD, "f266c3683acf4318"),
        (log_of, POSITIVE, "f66e04c0edbb48fe"),
        (log1p_of, POSITIVE, "91ab81289fd0bb82"),
        (expm1_of, SPREAD, "ce3b33cba9658e42"),
        (circle_of, TURNS, "64e2e7c45922b47a"),
    ],
)
def test_the_bits_are_the_same_everywhere(function: Callable[[Floats], Floats], x: Floats, sha256: str) -> None:
    """Written down on one machine; any other, with any version of any library, must find the same."""
    assert hashlib.sha256(function(x).astype("<f8").tobytes()).hexdigest()[:16] == sha256
