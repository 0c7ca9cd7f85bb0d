"""The point-in-time join equals a row-by-row search, and always answers every question once, in order."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reference_platform.features.asof import AsOf, FeatureRows, join_as_of

Row = tuple[int, float, float, float]
INSTANTS = st.sampled_from([float(value) for value in range(-6, 7)] + [0.5])
ROWS = st.lists(
    st.tuples(st.integers(0, 3), INSTANTS, INSTANTS, st.sampled_from([1.0, 2.0, 3.0, math.nan])), max_size=20
)
QUESTIONS = st.lists(st.tuples(st.integers(-1, 5), INSTANTS), max_size=12)


def feature_rows(rows: list[Row]) -> FeatureRows:
    return FeatureRows(
        np.array([row[0] for row in rows], dtype=np.int32),
        np.array([row[1] for row in rows], dtype=np.float64),
        np.array([row[2] for row in rows], dtype=np.float64),
        np.array([row[3] for row in rows], dtype=np.float32).reshape(-1, 1),
    )


def join(rows: list[Row], questions: list[tuple[int, float]], ttl_s: float) -> AsOf:
    entity = np.array([question[0] for question in questions], dtype=np.int32)
    ts = np.array([question[1] for question in questions], dtype=np.float64)
    return join_as_of(feature_rows(rows), entity, ts, ttl_s=ttl_s)


def search(rows: list[Row], entity: int, ts: float, ttl_s: float) -> Row | None:
    candidates = [
        (event_ts, created_ts, number)
        for number, (owner, event_ts, created_ts, _) in enumerate(rows)
        if owner == entity and ts - ttl_s <= event_ts <= ts and created_ts <= ts
    ]
    return rows[max(candidates)[2]] if candidates else None


@settings(max_examples=300, deadline=None)
@given(rows=ROWS, questions=QUESTIONS, ttl_s=st.sampled_from([0.0, 1.0, 3.0, math.inf]))
@example(rows=[(0, 0.0, 0.0, 1.0)], questions=[(0, 1.0), (0, 1.0)], ttl_s=1.0)
@example(rows=[(0, 0.0, 0.0, 1.0), (0, 1.0, 5.0, 2.0)], questions=[(0, 2.0)], ttl_s=math.inf)
def test_the_join_equals_a_search_row_by_row(rows: list[Row], questions: list[tuple[int, float]], ttl_s: float) -> None:
    answer = join(rows, questions, ttl_s)
    assert len(answer.found) == len(answer.values) == len(answer.event_ts) == len(questions)
    for row, (entity, ts) in enumerate(questions):
        expected = search(rows, entity, ts, ttl_s)
        assert bool(answer.found[row]) == (expected is not None)
        if expected is None:
            assert math.isnan(answer.values[row, 0])
            assert answer.event_ts[row] == -math.inf
        else:
            np.testing.assert_equal(answer.values[row, 0], np.float32(expected[3]))
            assert answer.event_ts[row] == expected[1]


def test_a_row_exactly_as_old_as_the_ttl_counts_and_an_older_one_does_not() -> None:
    rows: list[Row] = [(0, 0.0, 0.0, 7.0)]
    assert join(rows, [(0, 10.0)], 10.0).found.tolist() == [True]
    assert join(rows, [(0, math.nextafter(10.0, 11.0))], 10.0).found.tolist() == [False]


def test_a_row_that_was_not_known_yet_is_not_used() -> None:
    rows: list[Row] = [(0, 1.0, 1.0, 7.0), (0, 2.0, 9.0, 8.0)]
    assert join(rows, [(0, 5.0)], 100.0).values.tolist() == [[7.0]]
    assert join(rows, [(0, 9.0)], 100.0).values.tolist() == [[8.0]]


def test_a_missing_value_is_an_answer() -> None:
    rows: list[Row] = [(0, 1.0, 1.0, 7.0), (0, 2.0, 2.0, math.nan)]
    answer = join(rows, [(0, 3.0)], 100.0)
    assert answer.found.tolist() == [True]
    assert math.isnan(answer.values[0, 0])
