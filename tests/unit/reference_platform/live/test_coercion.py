"""JSON values as declared types."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest

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
from reference_platform.live.coercion import coerced
from reference_platform.live.refusals import RefusedError


@pytest.mark.parametrize(
    ("kind", "given", "typed"),
    [
        (Int64, [1, "2", 3.0, None, "-4", (1 << 63) - 1], [1, 2, 3, None, -4, (1 << 63) - 1]),
        (Int64, ["9223372036854775807", str(-(1 << 63))], [(1 << 63) - 1, -(1 << 63)]),
        (Int32, [-(1 << 31), None], [-(1 << 31), None]),
        (Float64, [1, 2.5, None, "Infinity", "-Infinity"], [1.0, 2.5, None, math.inf, -math.inf]),
        (Bool, [True, None], [True, None]),
        (String, ["", "a", None], ["", "a", None]),
        (Bytes, ["AAE=", "", None], [b"\x00\x01", b"", None]),
        (UnixTimestamp, [0, None], [datetime(1970, 1, 1, tzinfo=UTC), None]),
        (UnixTimestamp, [1.25], [datetime(1970, 1, 1, 0, 0, 1, 250_000, tzinfo=UTC)]),
        (UnixTimestamp, [1700000000.000001], [datetime(2023, 11, 14, 22, 13, 20, 1, tzinfo=UTC)]),
        (UnixTimestamp, ["2026-01-01T02:00:00+02:00"], [datetime(2026, 1, 1, tzinfo=UTC)]),
        (UnixTimestamp, ["2026-01-01T00:00:00"], [datetime(2026, 1, 1, tzinfo=UTC)]),
        (Array(Int64), [[1, "2", None], [], None], [[1, 2, None], [], None]),
        (Array(Bytes), [["AA=="]], [[b"\x00"]]),
        (Int64, [], []),
    ],
)
def test_values_take_their_declared_type(kind: FeatureType, given: list[Any], typed: list[Any]) -> None:
    assert coerced(given, kind, "x") == typed


def test_the_word_nan_is_a_number() -> None:
    assert math.isnan(coerced(["NaN"], Float32, "x")[0])


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        *[
            (Int64, value)
            for value in (True, 1.5, "1.0", "x", "", [1], {"a": 1}, 1 << 63, "9" * 19, math.nan, "\u0661")
        ],
        (Int32, 1 << 31),
        *[(Float64, value) for value in (True, "1.5", "nan", [], 10**400)],
        *[(Bool, value) for value in (0, 1, "true")],
        *[(String, value) for value in (1, True, [])],
        *[(Bytes, value) for value in ("@@", "A", 1, "é")],
        *[(UnixTimestamp, value) for value in (True, "yesterday", 1e300, 10**20, math.nan, math.inf, [])],
        *[(Array(Int64), value) for value in ("1", 1, [[1]], ["x"])],
    ],
)
def test_what_does_not_fit_is_refused_with_its_row(kind: FeatureType, wrong: Any) -> None:
    with pytest.raises(RefusedError, match='"x" in row 1 is no ') as caught:
        coerced([None, wrong], kind, "x")
    assert caught.value.fix
