"""When two columns say the same."""

from __future__ import annotations

import math

import numpy as np
import pytest

from reference_platform.features.columns import Column
from reference_platform.features.skew.comparison import agree, close_floats, is_default, smape_parts
from reference_platform.features.skew.evidence import plain_spelling
from reference_platform.features.types import Array, Bool, Float32, Float64, Int64, String


def floats(*values: float) -> Column:
    return Column(np.array(values))


def test_nan_agrees_with_nan_and_null_with_null_only() -> None:
    left = Column(np.array([math.nan, math.nan, 1.0, 0.0]), np.array([True, True, False, False]))
    right = Column(np.array([math.nan, 1.0, 2.0, 0.0]), np.array([True, True, False, True]))
    assert agree(left, right, Float64).tolist() == [True, False, True, False]


def test_floats_agree_within_units_in_the_last_place() -> None:
    one = np.float32(1.0)
    steps = [one]
    for _ in range(5):
        steps.append(np.nextafter(steps[-1], np.float32(2)))
    left, right = Column(np.full(6, one)), Column(np.array(steps))
    assert agree(left, right, Float32, 4).tolist() == [True] * 5 + [False]
    assert agree(left, right, Float32, 0).tolist() == [True] + [False] * 5


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_signs_zeros_and_infinities(kind: type) -> None:
    tiny, huge = np.finfo(kind).smallest_subnormal, np.finfo(kind).max
    left = np.array([0.0, tiny, np.inf, huge, -np.inf, huge], dtype=kind)
    right = np.array([-0.0, -tiny, np.inf, np.inf, np.inf, -huge], dtype=kind)
    assert close_floats(left, right, 4).tolist() == [True, True, True, False, False, False]


def test_whole_numbers_text_and_lists_agree_exactly() -> None:
    big = 2**62
    assert agree(Column(np.array([big])), Column(np.array([big + 1])), Int64).tolist() == [False]
    text = Column(np.array(["a", "b"], dtype=object))
    assert agree(text, Column(np.array(["a", "B"], dtype=object)), String).tolist() == [True, False]
    lists = np.empty(3, dtype=object)
    lists[:] = [[1.0, math.nan], [1.0], None]
    other = np.empty(3, dtype=object)
    other[:] = [[1.0, math.nan], [1.0, 2.0], None]
    given = np.array([True, True, False])
    assert agree(Column(lists, given), Column(other, given), Array(Float64)).tolist() == [True, False, True]


def test_stand_ins_for_null() -> None:
    assert is_default(floats(0.0, math.nan, -1.0, 2.0), Float64).tolist() == [True, True, True, False]
    assert is_default(Column(np.array([False, True])), Bool).tolist() == [True, False]
    assert is_default(Column(np.array(["", "x"], dtype=object)), String).tolist() == [True, False]


def test_smape_of_known_pairs() -> None:
    total, count = smape_parts(floats(1.0, 0.0, 1e308, math.nan), floats(3.0, 0.0, -1e308, 1.0), Float64)
    assert (total, count) == (pytest.approx(1.0 + 0.0 + 2.0), 3)
    assert smape_parts(Column(np.array(["a"], dtype=object)), Column(np.array(["b"], dtype=object)), String) == (0.0, 0)


def test_spellings_of_one_key() -> None:
    assert plain_spelling(["007"]) == plain_spelling([" 7"]) == plain_spelling(["7.0"])
    assert plain_spelling(["CH-Bern"]) == plain_spelling(["ch-bern "])
    assert plain_spelling(["1", "23"]) == plain_spelling(["12", "3"])
    assert plain_spelling(["7"]) != plain_spelling(["70"])
