"""Dashboards: charts where there is room, one row per series where there is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tui.present.cells import Line, Span, Tone, clean, fit, pad, pad_left, spread, width_of
from tui.present.chart import TimeSpan, axis, breached_since_s, limit_is_floor, plot, resample, sparkline, time_labels
from tui.present.numbers import ago, bound, change, drill_time, quantity
from tui.present.pane import Drawing, Frame, PaneState

if TYPE_CHECKING:
    from simulator.session.view import DashboardView, Mark, SeriesView, SessionView

WINDOWS_S = (600.0, 1800.0, 7200.0, 86_400.0, 345_600.0)
CHART_CELLS_MIN = 36
CHART_ROWS_MIN = 10
DELTA_S = 600.0


def chosen(view: SessionView, state: PaneState) -> DashboardView | None:
    """The dashboard the user is on."""
    return view.dashboards[state.page % len(view.dashboards)] if view.dashboards else None


def caption(view: SessionView, state: PaneState) -> str:
    """The name of the dashboard shown, and how much there is to scroll through."""
    board = chosen(view, state)
    return f"{clean(board.name)}, {len(board.series)} series" if board else "nothing measured yet"


def aside(view: SessionView, state: PaneState) -> str:
    """`< 1/3 >  last 30m`."""
    page = f"< {state.page % len(view.dashboards) + 1}/{len(view.dashboards)} >  " if len(view.dashboards) > 1 else ""
    return f"{page}last {ago(state.window_s)}"


def body(view: SessionView, frame: Frame) -> Drawing:
    """The chosen dashboard of a running session."""
    board = chosen(view, frame.state)
    return board_drawing(board, Times(view.now_s, view.joined_s, view.marks), frame)


@dataclass(frozen=True, slots=True)
class Times:
    """Where the right edge of every chart is, what T+00:00 is, and which marks are drawn."""

    end_s: float
    joined_s: float
    marks: tuple[Mark, ...]


def board_drawing(board: DashboardView | None, times: Times, frame: Frame) -> Drawing:
    """Charts from 10 rows and 2 x 36 cells on, otherwise one row per series."""
    if board is None or not board.series:
        return Drawing(((Span("no series", "dim"),),))
    if frame.height >= CHART_ROWS_MIN and frame.width >= 2 * CHART_CELLS_MIN + 2:
        return _charts(times, board, frame)
    return _rows(times, board, frame)


def _span(times: Times, frame: Frame) -> TimeSpan:
    return TimeSpan(times.end_s - frame.state.window_s, times.end_s)


def value_before(series: SeriesView, before_s: float) -> float:
    """The value `before_s` seconds before the last one; the first value when the series is younger."""
    at = int(np.searchsorted(series.times_s, series.times_s[-1] - before_s, side="right")) - 1
    return float(series.values[max(0, at)])


def reading(series: SeriesView) -> tuple[str, str]:
    """The last value with unit, and its change against ten minutes before."""
    if not len(series.values):
        return "-", ""
    now = float(series.values[-1])
    return quantity(now, series.unit), change(now, value_before(series, DELTA_S))


def _rows(times: Times, board: DashboardView, frame: Frame) -> Drawing:
    height = frame.height
    scroll_max = max(0, len(board.series) - height)
    first = min(frame.state.scroll, scroll_max)
    return Drawing(tuple(_row(times, item, frame) for item in board.series[first : first + height]), scroll_max)


def _row(times: Times, series: SeriesView, frame: Frame) -> Line:
    cut = frame.look.glyphs.ellipsis
    name_cells = min(22, max(14, frame.width // 4))
    spark_cells = max(6, min(40, frame.width - name_cells - 44))
    since = breached_since_s(series)
    tone: Tone = "crit" if since is not None else "info"
    value, delta = reading(series)
    spark = sparkline(resample(series, _span(times, frame), spark_cells), frame.look.glyphs)
    limit = "" if series.limit is None else f"limit {bound(series.limit, series.unit)}"
    flag = "" if since is None else f"!! {drill_time(since, times.joined_s)}"
    spans = (
        Span(pad(clean(series.title), name_cells, cut) + " "),
        Span(spark, tone),
        Span(pad_left(value, 10), "crit" if since is not None else "strong"),
        Span(pad_left(delta, 7), "dim"),
        Span("  " + pad(limit, 14, cut), "dim"),
        Span(flag, "crit"),
    )
    return fit(spans, frame.width, cut)


def _charts(times: Times, board: DashboardView, frame: Frame) -> Drawing:
    across = max(2, min(3, frame.width // 52))
    across = min(across, max(1, len(board.series)))
    width = (frame.width - 2 * (across - 1)) // across
    bands = -(-len(board.series) // across)
    room = frame.height - 1
    plot_rows = max(2, min(9, room // bands - 2))
    shown = max(1, min(bands, room // (plot_rows + 2)))
    scroll_max = bands - shown
    first = min(frame.state.scroll, scroll_max)
    span = _span(times, frame)
    lines: list[Line] = []
    for band in range(first, first + shown):
        row = board.series[band * across : (band + 1) * across]
        blocks = [_chart(times, item, span, width, plot_rows, frame) for item in row]
        lines.extend(_beside([block[at] for block in blocks], width) for at in range(plot_rows + 2))
    labels = [time_labels(span, times.joined_s, width)] * across
    lines.append(_beside(labels, width))
    if first < scroll_max:
        left = len(board.series) - (first + shown) * across
        lines[-1] = _over(lines[-1], f" +{left} j")
    return Drawing(tuple(lines[: frame.height]), scroll_max)


def _over(parts: Line, text: str) -> Line:
    """`text` in place of the blanks that a line begins with."""
    return (Span(text, "note"), Span(parts[0].text[len(text) :], parts[0].tone), *parts[1:])


def _beside(parts: list[Line], width: int) -> Line:
    out: list[Span] = []
    for at, part in enumerate(parts):
        out.extend(part)
        if at < len(parts) - 1:
            out.append(Span(" " * (width - width_of(part) + 2)))
    return tuple(out)


def _chart(times: Times, series: SeriesView, span: TimeSpan, width: int, rows: int, frame: Frame) -> list[Line]:
    glyphs = frame.look.glyphs
    since = breached_since_s(series)
    title = _chart_title(series, since is not None, width, frame.look.glyphs.ellipsis)
    return [title, *plot(series, span, width, rows, glyphs), axis(times.marks, span, width, glyphs)]


def _chart_title(series: SeriesView, broken: bool, width: int, cut: str) -> Line:
    """Name and reading, then the limit, then the change, as far as there is room for them."""
    value, delta = reading(series)
    name = Span(" " + clean(series.title), "strong")
    now = Span(f"!! {value}" if broken else value, "crit" if broken else "strong")
    sign = "limit" if not broken else "<" if limit_is_floor(series) else ">"
    limit = "" if series.limit is None else f" {sign} {bound(series.limit, series.unit)}"
    right: Line = (now,)
    for more in (Span(limit, "crit" if broken else "dim"), Span(f" {delta}" if delta else "", "dim")):
        if width_of((name, *right, more)) + 1 <= width:
            right = (*right, more)
    return spread((name,), right, width, cut)
