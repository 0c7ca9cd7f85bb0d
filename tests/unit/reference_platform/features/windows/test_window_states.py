"""The parts that tiles are made of: sums, sketches and hashes that no order, grouping or process changes."""

from __future__ import annotations

import math
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_platform.errors import CommandError
from reference_platform.features.columns import Column
from reference_platform.features.types import Bool, FeatureType, Float64, Int32, Int64, String
from reference_platform.features.windows.distinct import REGISTERS, estimates, no_registers, registers_of
from reference_platform.features.windows.exact_sums import means, sums_of, sums_of_squares, totals, variances
from reference_platform.features.windows.hashing import byte_hashes, column_hashes
from reference_platform.features.windows.states import Accumulator, State
from reference_platform.features.windows.tiles import run_of, window

ONE = np.zeros(1, dtype=np.int64)
WIDE = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60)
TAME = st.lists(st.floats(-1e150, 1e150).filter(lambda x: x == 0 or abs(x) > 1e-100), min_size=1, max_size=60)


@settings(max_examples=300, deadline=None)
@given(WIDE, st.data())
def test_sums_are_the_same_bits_in_any_grouping_and_within_one_ulp_of_the_truth(values: list[float], data: Any) -> None:
    lifted = sums_of(np.array(values))
    whole = lifted.reduce(ONE)
    order = np.array(data.draw(st.permutations(range(len(values)))))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(values)))) - {len(values)})
    grouped = lifted.take(order).reduce(np.array([0, *cuts])).reduce(ONE)
    assert all(np.array_equal(a, b) for a, b in zip(whole.arrays().values(), grouped.arrays().values(), strict=True))
    exact = sum(map(Fraction, values))
    (found,) = totals(whole).tolist()
    if abs(exact) <= Fraction(sys.float_info.max):
        wanted = float(exact)
        cut_off = len(values) * max(map(abs, values)) * 2.0**-96
        assert abs(found - wanted) <= math.ulp(wanted) + cut_off
    else:
        assert abs(found) >= sys.float_info.max


@settings(max_examples=300, deadline=None)
@given(TAME)
def test_variances_and_means_keep_to_their_bounds(values: list[float]) -> None:
    array, count = np.array(values), np.array([len(values)])
    sums, squares = sums_of(array).reduce(ONE), sums_of_squares(array).reduce(ONE)
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    variance = sum((value - mean) ** 2 for value in exact) / len(exact)
    (found,) = variances(sums, squares, count).tolist()
    largest = max(map(abs, exact))
    assert abs(Fraction(found) - variance) <= variance / 2**50 + largest**2 / 2**90 + Fraction(5e-324)
    assert abs(means(sums, count)[0] - float(mean)) <= math.ulp(float(mean)) + float(largest) * 2.0**-90


def test_variance_survives_a_mean_of_a_billion_deviations() -> None:
    """The textbook formula in floats gives 0 or less here."""
    values = 1e9 + np.array([0.0, 1.0, 2.0, 3.0])
    found = variances(sums_of(values).reduce(ONE), sums_of_squares(values).reduce(ONE), np.array([4]))
    assert found.tolist() == [1.25]
    same = np.full(1000, 0.1)
    assert variances(sums_of(same).reduce(ONE), sums_of_squares(same).reduce(ONE), np.array([1000])).tolist() == [0.0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([math.inf, 1.0], math.inf),
        ([-math.inf, 1.0], -math.inf),
        ([math.inf, -math.inf], math.nan),
        ([math.nan, 1.0], math.nan),
        ([1e308, 1e308, -1e308], 1e308),
        ([1e308, 1e308], math.inf),
        ([5e-324, 5e-324], 1e-323),
        ([1e16, 1.0, -1e16], 1.0),
        ([-0.0], 0.0),
    ],
)
def test_sums_at_the_edge_of_floats(values: list[float], expected: float) -> None:
    (found,) = totals(sums_of(np.array(values)).reduce(ONE)).tolist()
    assert found == expected or (math.isnan(found) and math.isnan(expected))


def test_hashes_are_the_same_for_ever() -> None:
    """These numbers may never change: state on disk holds what they made."""
    assert [hex(h) for h in column_hashes(Column(np.array([0, 1, -1])), "x").tolist()] == GOLDEN_INTEGERS
    assert [hex(h) for h in byte_hashes([b"", b"a", b"eight ch", b"more than eight"]).tolist()] == GOLDEN_TEXTS


GOLDEN_INTEGERS = ["0xe220a8397b1dcdaf", "0x910a2dec89025cc1", "0xe4d971771b652c20"]
GOLDEN_TEXTS = ["0xb55a8fa067537a73", "0xe5a1f8b6bbc42925", "0x3a943152e58ef2dc", "0xc3b6bd424a38057f"]


def test_equal_values_hash_alike_and_others_apart() -> None:
    def of(values: Any) -> list[int]:
        return [int(h) for h in column_hashes(Column(np.asarray(values)), "x")]

    assert of([1, 2]) == of([1.0, 2.0]) == of(np.array([1, 2], dtype=object)) == of(np.array([1.0, 2], dtype=object))
    assert of([0.0]) == of([-0.0]) == of([False])
    assert of([math.nan]) == of([-math.nan])
    assert of(["ab"]) == of(np.array([b"ab"], dtype=object))
    texts = [b"", b"\0", b"\0\0", b"a", b"a\0", b"a" * 8, b"a" * 9, b"a" * 16, b"a" * 17]
    assert len(set(byte_hashes(texts).tolist())) == len(texts)
    assert byte_hashes(texts).tolist() == [int(byte_hashes([text])[0]) for text in texts]
    half = [1.5, 2.5, 2.0**63, 2.0**64, math.inf, -math.inf]
    assert len(set(of(half))) == len(half)
    for odd in (np.array([[1]], dtype=object)[0] * [[]], np.array([1j])):
        with pytest.raises(CommandError, match="told apart"):
            column_hashes(Column(odd), "x")
    with pytest.raises(CommandError, match="64 bits"):
        column_hashes(Column(np.array([2**70], dtype=object)), "x")


def test_estimates_at_both_ends() -> None:
    assert estimates(no_registers()).tolist() == [0]
    few = registers_of(column_hashes(Column(np.arange(3)), "x"), np.ones(3, dtype=np.bool_)).reduce(ONE)
    assert estimates(few).tolist() == [3]
    full = registers_of(np.arange(REGISTERS, dtype=np.uint64) << np.uint64(52), np.ones(REGISTERS, dtype=np.bool_))
    assert estimates(full.reduce(ONE))[0] > 2**60


KINDS: list[tuple[str, FeatureType, list[Any]]] = [
    ("min", Int32, [3, None, -7]), ("max", Bool, [False, None, True]), ("max", String, ["b", None, "a"]),
    ("last", String, ["b", None, "a"]), ("last", Float64, [0.0, -0.0, math.nan]), ("min", Float64, [0.0, -0.0, None]),
    ("sum", Float64, [1.5, None, 2.0]), ("distinct", Int64, [1, None, 1]), ("count", Int64, [1, None, 2]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "dtype", "values"), KINDS)
def test_states_do_not_depend_on_order_and_survive_storage(kind: str, dtype: FeatureType, values: list[Any]) -> None:
    accumulator = Accumulator(kind, "x", dtype)
    valid = np.array([value is not None for value in values])
    filled = [values[0] if value is None else value for value in values]
    column = Column(np.fromiter(filled, dtype=dtype.numpy_dtype, count=3), valid)
    lifted = accumulator.lifted(column, np.array([5, 5, 5]), np.array([6, 6, 6]))
    seen = []
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        left = lifted.take(np.array(order[:1]))
        merged = accumulator.nothing().joined([lifted.take(np.array(order[1:])).reduce(ONE), left]).reduce(ONE)
        assert isinstance(merged, State)
        stored = {name: array.copy() for name, array in merged.arrays().items()}
        assert all(array.dtype != object for array in stored.values())
        again = accumulator.restored(stored)
        assert all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
                   for a, b in zip(again.arrays().values(), stored.values(), strict=True))  # fmt: skip
        seen.append({name: array.tobytes() for name, array in stored.items()})
    assert seen[0] == seen[1] == seen[2]


def test_a_long_query_is_cut_and_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    count = Accumulator("count", "x")
    stream = np.random.default_rng(2)
    code, tile = stream.integers(0, 5, 200), stream.integers(0, 30, 200)
    lifted = count.lifted(Column(np.ones(200)), tile, tile)
    runs = [run_of(code[part], tile[part], (lifted.take(part),)) for part in (np.arange(150), np.arange(150, 200))]
    codes, ends = np.repeat(np.arange(6), 31), np.tile(np.arange(31), 6)
    wanted = [int(((code == c) & (tile >= e - 7) & (tile < e)).sum()) for c, e in zip(codes, ends, strict=True)]
    for most in (1, 40, 1 << 20):
        monkeypatch.setattr("reference_platform.features.windows.tiles.SLOTS_MAX", most)
        (found,) = window(runs, (count.nothing(),), codes, ends, 7)
        assert found.arrays()["count"].tolist() == wanted
