"""A series equals a plain list that forgets by age and number, and its memory stays bounded."""

from __future__ import annotations

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from reference_platform.monitoring.series import STALE, SeriesStore, is_stale


@given(
    st.lists(st.integers(0, 50), max_size=400),
    st.integers(1, 3_000),
    st.integers(1, 40),
    st.integers(-10, 3_000),
    st.integers(0, 3_000),
)
def test_series_equals_a_list_that_forgets(
    gaps_s: list[int], retention_s: int, points_max: int, since_s: int, length_s: int
) -> None:
    series = SeriesStore(float(retention_s), points_max).series("m", {})
    kept: dict[int, float] = {}
    t_s = 0
    for number, gap_s in enumerate(gaps_s):
        t_s += gap_s
        series.append(float(t_s), float(number))
        kept[t_s] = float(number)
        kept = {at_s: value for at_s, value in list(kept.items())[-points_max:] if at_s >= t_s - retention_s}
        assert len(series._times) <= max(2 * points_max, 1)
    assert len(series) == len(kept)
    assert series.times_s.tolist() == list(kept)
    assert series.values.tolist() == list(kept.values())
    window = series.window(float(since_s), float(since_s + length_s))
    assert window.times_s.tolist() == [at_s for at_s in kept if since_s < at_s <= since_s + length_s]
    before = [value for at_s, value in kept.items() if since_s - 300 < at_s <= since_s]
    assert series.value_at(float(since_s), 300.0) == (before[-1] if before else None)


VALUES = st.one_of(st.integers(0, 4).map(float), st.just(math.nan), st.just(STALE))


@given(
    st.lists(st.tuples(st.integers(0, 20), VALUES), max_size=120),
    st.integers(1, 600),
    st.integers(1, 70),
    st.integers(-10, 1_000),
    st.integers(0, 1_000),
)
def test_the_course_equals_that_of_a_plain_list(
    steps: list[tuple[int, float]], retention_s: int, points_max: int, since_s: int, length_s: int
) -> None:
    """With values that fall, stay, are replaced at the same instant, or end in a stale marker."""
    series = SeriesStore(float(retention_s), points_max).series("m", {})
    kept: dict[int, float] = {}
    t_s = 0
    for gap_s, value in steps:
        t_s += gap_s
        series.append(float(t_s), value)
        kept[t_s] = value
        kept = {at_s: each for at_s, each in list(kept.items())[-points_max:] if at_s >= t_s - retention_s}
    seen = [(float(at_s), value) for at_s, value in kept.items() if since_s < at_s <= since_s + length_s]
    seen = [(at_s, value) for at_s, value in seen if not is_stale(value)]
    window = series.window(float(since_s), float(since_s + length_s))
    assert repr(list(zip(window.times_s.tolist(), window.values.tolist(), strict=True))) == repr(seen)
    newest = kept and list(kept.items())[-1]
    if newest:
        value = series.value_at(float(newest[0]), 300.0)
        assert repr(value) == repr(None if is_stale(newest[1]) else newest[1])
    course = series.course(float(since_s), float(since_s + length_s))
    if len(seen) < 2:
        assert course is None
        return
    lost = sum(before for (_, before), (_, after) in itertools.pairwise(seen) if after < before)
    assert repr(course) == repr((len(seen), seen[0][0], seen[-1][0], seen[0][1], seen[-1][1], float(lost)))
