from __future__ import annotations

import numpy as np

from simulator.world.rhythm import DAY_S, HOUR_S, WEEK_S, Modifier, Rhythm, rhythm_ratio


def test_a_week_averages_one() -> None:
    assert abs(float(rhythm_ratio(np.arange(0.0, WEEK_S, 300.0)).mean()) - 1.0) < 1e-3


def test_the_night_is_quiet_and_the_evening_busy() -> None:
    assert float(rhythm_ratio(4 * HOUR_S)) < 0.2 < 1.5 < float(rhythm_ratio(20 * HOUR_S))


def test_weeks_repeat_backwards_too() -> None:
    calendar_s = np.linspace(0.0, WEEK_S, 101, endpoint=False) + 7.0
    np.testing.assert_allclose(rhythm_ratio(calendar_s - 3 * WEEK_S), rhythm_ratio(calendar_s))


def test_sunday_is_busier_than_monday() -> None:
    assert float(rhythm_ratio(6.5 * DAY_S)) > float(rhythm_ratio(0.5 * DAY_S))


def test_a_modifier_holds_from_begin_to_just_before_end() -> None:
    plain, eve = Rhythm(2 * DAY_S), Rhythm(2 * DAY_S, (Modifier(HOUR_S, 2 * HOUR_S, 0.5),))
    t_s = np.array([HOUR_S - 1, HOUR_S, 2 * HOUR_S - 1, 2 * HOUR_S])
    np.testing.assert_allclose(eve.ratio(t_s) / plain.ratio(t_s), [1.0, 0.5, 0.5, 1.0])


def test_the_offset_places_time_zero_in_its_week() -> None:
    assert float(Rhythm(20 * HOUR_S).ratio(0.0)) == float(rhythm_ratio(20 * HOUR_S))
