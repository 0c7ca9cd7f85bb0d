"""The bytes of answers, read back by another JSON reader."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_platform.features.times import NEVER_US
from reference_platform.features.types import Array, Bytes, FeatureType, Float64, Int64, String, UnixTimestamp
from reference_platform.live.wire import encode, rfc3339, unix_seconds

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Told:
    """An answer made of what a test says."""

    names: tuple[str, ...]
    kinds: tuple[FeatureType, ...]
    columns: list[list[Any]]
    marks: list[list[int]]
    events: list[list[int]]
    inputs: dict[str, list[Any]] = field(default_factory=dict)

    def values(self, index: int, /) -> list[Any]:
        return self.columns[index]

    def statuses(self, index: int, /) -> list[int]:
        return self.marks[index]

    def event_us(self, index: int, /) -> list[int]:
        return self.events[index]


def _one(kind: FeatureType, values: list[Any]) -> list[Any]:
    told = Told(("x",), (kind,), [values], [[1] * len(values)], [[0] * len(values)])
    read: list[Any] = json.loads(encode(told, {"x": "v"}).body, parse_constant=pytest.fail)["results"][0]["values"]
    return read


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (NEVER_US, "1970-01-01T00:00:00Z"),
        (1_700_000_000_000_000, "2023-11-14T22:13:20Z"),
        (1_700_000_000_120_000, "2023-11-14T22:13:20.120Z"),
        (1_700_000_000_000_001, "2023-11-14T22:13:20.000001Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (1 << 61, "9999-12-31T23:59:59.999999Z"),
        (-(1 << 61), "0001-01-01T00:00:00Z"),
    ],
)
def test_instants_have_no_more_digits_than_they_need(us: int, text: str) -> None:
    assert rfc3339(us) == text


@given(st.lists(st.one_of(st.integers(-(1 << 55), 1 << 58), st.sampled_from([0, NEVER_US, 10**15, 10**15 + 1000]))))
def test_many_instants_are_written_like_each_for_itself(events: list[int]) -> None:
    told = Told(("x",), (Int64,), [[1] * len(events)], [[1] * len(events)], [events])
    assert json.loads(encode(told, {"x": "v"}).body)["results"][0]["event_timestamps"] == [rfc3339(us) for us in events]


@given(st.integers(-1_000_000 << 33, 1_000_000 << 33))
def test_an_instant_reads_back(us: int) -> None:
    assert datetime.fromisoformat(rfc3339(us)) == EPOCH + timedelta(microseconds=us)
    assert round(Decimal(repr(unix_seconds(us))) * 1_000_000) == us


def test_a_body_is_column_by_column_with_join_keys_first() -> None:
    told = Told(
        ("a", "b"),
        (Int64, String),
        [[7, None], ["x", None]],
        [[1, 3], [1, 4]],
        [[1_000_000, 0], [2_000_000, 3_000_000]],
        {"driver_id": [1, 2]},
    )
    epoch = "1970-01-01T00:00:00Z"
    assert json.loads(encode(told, {"a": "v", "b": "v"}).body) == {
        "results": [
            {"values": [1, 2], "statuses": ["PRESENT", "PRESENT"], "event_timestamps": [epoch, epoch]},
            {
                "values": [7, None],
                "statuses": ["PRESENT", "NOT_FOUND"],
                "event_timestamps": ["1970-01-01T00:00:01Z", epoch],
            },
            {
                "values": ["x", None],
                "statuses": ["PRESENT", "OUTSIDE_MAX_AGE"],
                "event_timestamps": ["1970-01-01T00:00:02Z", "1970-01-01T00:00:03Z"],
            },
        ],
        "metadata": {"feature_names": ["driver_id", "a", "b"]},
    }


def test_columns_that_agree_share_a_run_and_others_do_not() -> None:
    marks = [[1, 1], [1, 1], [1, 2], [1, 2]]
    told = Told(tuple("abcd"), (Int64,) * 4, [[1, 2]] * 4, marks, [[5, 9]] * 4)
    runs = encode(told, {"a": "v", "b": "v", "c": "v", "d": "w"}).runs
    assert [(run.view, run.columns, run.status_counts, run.newest_us) for run in runs] == [
        ("v", 2, (0, 2, 0, 0, 0), 9),
        ("v", 1, (0, 1, 1, 0, 0), 9),
        ("w", 1, (0, 1, 1, 0, 0), 9),
    ]


@given(st.lists(st.one_of(st.none(), st.floats())))
def test_numbers_that_json_lacks_are_words_and_nulls_stay_nulls(values: list[float | None]) -> None:
    for given_value, read in zip(values, _one(Float64, values), strict=True):
        if given_value is None:
            assert read is None
        elif math.isfinite(given_value):
            assert read == given_value
        else:
            assert isinstance(read, str)
            np.testing.assert_equal(float(read), given_value)


@given(st.lists(st.one_of(st.none(), st.text(), st.just("null"))))
def test_text_reads_back_whatever_it_holds(values: list[str | None]) -> None:
    assert _one(String, values) == values


def test_half_of_a_surrogate_pair_comes_back_as_it_went() -> None:
    assert _one(String, ["\ud800", "null", None]) == ["\ud800", "null", None]


@given(st.lists(st.one_of(st.none(), st.binary())))
def test_bytes_are_base64(values: list[bytes | None]) -> None:
    assert [None if text is None else base64.b64decode(text) for text in _one(Bytes, values)] == values


def test_lists_keep_their_nulls_and_numbers_that_json_lacks() -> None:
    assert _one(Array(Float64), [[1.5, math.nan, None], None, []]) == [[1.5, "NaN", None], None, []]
    assert _one(Array(Float64), [np.array([math.inf, 2.0])]) == [["Infinity", 2.0]]
    assert _one(Array(Bytes), [[b"\x00", None]]) == [["AA==", None]]


def test_instants_are_seconds_since_1970() -> None:
    assert _one(UnixTimestamp, [1_700_000_000_000_000, 1_700_000_000_250_000, None]) == [
        1700000000,
        1700000000.25,
        None,
    ]
    assert _one(Array(UnixTimestamp), [[EPOCH + timedelta(seconds=5)]]) == [[5]]


def test_an_answer_without_rows_or_features_is_still_a_body() -> None:
    assert json.loads(encode(Told((), (), [], [], []), {}).body) == {"results": [], "metadata": {"feature_names": []}}
    empty = Told(("x",), (Int64,), [[]], [[]], [[]], {"k": []})
    nothing: dict[str, list[Any]] = {"values": [], "statuses": [], "event_timestamps": []}
    assert json.loads(encode(empty, {"x": "v"}).body)["results"] == [nothing, nothing]
