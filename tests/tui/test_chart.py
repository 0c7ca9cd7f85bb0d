from __future__ import annotations

import numpy as np
import pytest

from simulator.session.view import Mark, SeriesView
from tui.present.cells import text_of, width_of
from tui.present.chart import TimeSpan, axis, breached_since_s, limit_is_floor, plot, resample, sparkline
from tui.present.look import GLYPHS, GlyphName
from tui.present.numbers import ago, bound, change, drill_time, quantity


def _series(values: list[float], limit: float | None = None, step_s: float = 10.0) -> SeriesView:
    return SeriesView("p99", "s", np.arange(len(values)) * step_s, np.array(values, dtype=np.float64), limit)


@pytest.mark.parametrize("name", ["block", "braille", "ascii"])
def test_a_plot_fills_its_rectangle_exactly_in_every_glyph_set(name: GlyphName) -> None:
    series = _series([0.1] * 50 + [2.0] * 50, 0.4)
    for width, height in ((36, 2), (60, 5), (120, 9)):
        rows = plot(series, TimeSpan(0, 1000), width, height, GLYPHS[name])
        assert len(rows) == height
        assert {width_of(row) for row in rows} == {width}
        if name == "ascii":
            assert all(text_of(row).isascii() for row in rows)


def test_columns_are_means_and_hold_the_value_between_samples() -> None:
    assert resample(_series([1, 3, 5, 7]), TimeSpan(0, 40), 2).tolist() == [3.0, 7.0]
    held = resample(_series([1.0, 2.0], step_s=100.0), TimeSpan(0, 100), 10)
    assert held[1] == 1.0
    assert held[-1] == 2.0


def test_nothing_measured_is_blank_not_zero() -> None:
    series = _series([])
    assert sparkline(resample(series, TimeSpan(0, 10), 8), GLYPHS["block"]) == " " * 8
    assert np.isnan(resample(_series([1.0, 1.0]), TimeSpan(500, 600), 4)).all()


def test_not_a_number_and_constant_series_can_be_drawn() -> None:
    for values in ([float("nan")] * 5, [0.0] * 5, [7.0] * 5, [-1.0, float("inf"), 2.0]):
        rows = plot(_series(values, 1.0), TimeSpan(0, 50), 40, 4, GLYPHS["block"])
        assert len(rows) == 4


def test_a_limit_that_the_series_lived_above_is_a_floor() -> None:
    assert limit_is_floor(_series([0.99] * 9 + [0.7] * 3, 0.98))
    assert not limit_is_floor(_series([0.1] * 9 + [2.0] * 3, 0.4))


def test_a_breach_is_dated_from_its_unbroken_start() -> None:
    assert breached_since_s(_series([0.1, 9, 0.1, 9, 9], 0.4)) == 30.0
    assert breached_since_s(_series([0.1, 9, 0.1], 0.4)) is None


def test_marks_stand_in_the_same_column_of_every_axis() -> None:
    marks = (Mark(250.0, "d", "deploy"), Mark(990.0, "y", "restart"))
    text = text_of(axis(marks, TimeSpan(0, 1000), 49, GLYPHS["ascii"]))
    assert text.index("d") - 9 == 10
    assert text.endswith("y")


def test_numbers_read_like_people_say_them() -> None:
    assert [quantity(v, "s") for v in (0.05, 1.92, 2460.0, 259_200.0)] == ["50 ms", "1.92 s", "41.0 min", "3.00 d"]
    assert quantity(0.078, "ratio") == "7.8 %"
    assert quantity(11 * 1024**3, "B") == "11 GiB"
    assert quantity(float("nan"), "s") == "-"
    assert bound(64.0, "conn") == "64 conn"
    assert change(4.8, 1.0) == "+380%"
    assert change(1.0, 0.0) == ""
    assert drill_time(4002, 3600) == "T+06:42"
    assert drill_time(3590, 3600) == "T-00:10"
    assert [ago(v) for v in (5, 130, 10_000, 250_000)] == ["5s", "2m", "2h", "2d"]
