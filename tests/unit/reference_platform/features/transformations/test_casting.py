"""Casts lose nothing or are refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from reference_platform.errors import CommandError
from reference_platform.features.casting import checked_column
from reference_platform.features.columns import Column
from reference_platform.features.types import (
    Array,
    Bool,
    Bytes,
    FeatureType,
    Float32,
    Float64,
    Int32,
    Int64,
    String,
    UnixTimestamp,
)

MAX = 2**63 - 1


@pytest.mark.parametrize(
    ("data", "kind", "expected"),
    [
        (np.array([1.0, 2.0]), Int64, [1, 2]),
        (np.array([True, False]), Int32, [1, 0]),
        (np.array([2**31 - 1, -(2**31)]), Int32, [2**31 - 1, -(2**31)]),
        (np.array([-(2.0**63), 2.0**62]), Int64, [-(2**63), 2**62]),
        (np.array([2**53, -(2**60)]), Float64, [2.0**53, -(2.0**60)]),
        (np.array([0.1, np.inf]), Float32, [float(np.float32(0.1)), np.inf]),
        ([1, None, MAX], Int64, [1, None, MAX]),
        ([1.0, 2, None], Int64, [1, 2, None]),
        ([None, None], Float64, [None, None]),
        ([np.True_, False, None], Bool, [True, False, None]),
        (np.array(["a", "bc"]), String, ["a", "bc"]),
        (["a", None, pd.NA], String, ["a", None, None]),
        (np.array([b"a", b"bc"]), Bytes, [b"a", b"bc"]),
        (np.array(["1970-01-01", "NaT"], dtype="M8[D]"), UnixTimestamp, [0, None]),
        (np.array([1000, 2000], dtype="M8[ns]"), UnixTimestamp, [1, 2]),
        ([datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), None], UnixTimestamp, [1_000_000, None]),
        (pd.Series([1, None, MAX], dtype="Int64"), Int64, [1, None, MAX]),
        (pd.Series([1.5, None], dtype="Float64"), Float64, [1.5, None]),
        (pd.Series(["a", None]), String, ["a", None]),
        (pd.Series(pd.to_datetime(["1970-01-01T01:00+01:00", None], utc=True)), UnixTimestamp, [0, None]),
        (pa.array([1, None], pa.int8()), Int64, [1, None]),
        (pa.chunked_array([[1.5], [None]]), Float64, [1.5, None]),
        (Column(np.array([5, 6]), np.array([True, False])), UnixTimestamp, [5, None]),
        (np.arange(4).reshape(2, 2), Array(Int64), [[0, 1], [2, 3]]),
        ([np.array([1.0]), [], None], Array(Float32), [[1.0], [], None]),
    ],
)
def test_what_fits_comes_back_unchanged(data: Any, kind: FeatureType, expected: list[Any]) -> None:
    column = checked_column(data, kind, len(expected), "x")
    assert column.to_list() == expected
    assert column.values.dtype == kind.numpy_dtype


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (np.array([2**31]), Int32),
        (np.array([2**53 + 1]), Float64),
        (np.array([MAX]), Float64),
        (np.array([2**64 - 1], dtype=np.uint64), Float64),
        (np.array([2**63], dtype=np.uint64), Int64),
        (np.array([2**24 + 1]), Float32),
        ([2**24 + 1], Float32),
        ([2**24 + 1, 0.5], Float32),
        (np.array([1e300]), Float32),
        (np.array([np.nan]), Int64),
        (np.array([2.0**63]), Int64),
        ([2**63], Int64),
        ([0.5], Int64),
        (["1"], Int64),
        ([1], Bool),
        (np.array([1]), Bool),
        (np.array([True]), UnixTimestamp),
        ([1], UnixTimestamp),
        (np.array([1]), UnixTimestamp),
        (np.array([1], dtype="M8[ns]"), UnixTimestamp),
        (np.array([2**62], dtype="M8[s]"), UnixTimestamp),
        ([b"a"], String),
        ([1], String),
        (["a"], Bytes),
        (np.array([1]), Array(Int64)),
        (["ab"], Array(String)),
        ([[0.5]], Array(Int64)),
        (np.zeros((1, 1)), Float64),
        ({1: 2}, Int64),
    ],
)
def test_what_does_not_fit_is_refused(data: Any, kind: FeatureType) -> None:
    with pytest.raises(CommandError, match="x"):
        checked_column(data, kind, 1, "x")


def test_nan_is_null_only_in_rows_that_say_so() -> None:
    column = checked_column(np.array([np.nan, np.nan, 1.0]), Float64, 3, "x", np.array([True, False, True]))
    assert column.mask().tolist() == [False, True, True]
    whole = checked_column(np.array([np.nan, 2.0]), Int64, 2, "x", np.array([True, False]))
    assert whole.to_list() == [None, 2]
