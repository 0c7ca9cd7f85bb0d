"""Charts as lines of text: a series, a size and a glyph set in; rows with limit line, axis and event marks out.

All charts of one dashboard share one time span, so their columns and marks line up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tui.present.cells import Line, Span, Tone, pad, pad_left
from tui.present.look import Glyphs
from tui.present.numbers import drill_time, quantity

if TYPE_CHECKING:
    from simulator.session.view import Mark, SeriesView

LABEL_CELLS = 8
_MARK_TONES: dict[str, Tone] = {"a": "crit", "d": "info", "y": "good"}
_BRAILLE_DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """The simulation seconds a row of columns covers."""

    start_s: float
    end_s: float

    def column(self, t_s: float, columns: int) -> int | None:
        """Column of an instant, or None outside the span."""
        share = (t_s - self.start_s) / max(1e-9, self.end_s - self.start_s)
        return min(columns - 1, int(share * columns)) if 0 <= share <= 1 else None


def resample(series: SeriesView, span: TimeSpan, columns: int) -> NDArray[np.float64]:
    """Mean per column; a column without a sample holds the one before; NaN outside what was measured."""
    out = np.full(columns, np.nan)
    finite = np.isfinite(series.values)
    times, values = series.times_s[finite], series.values[finite]
    if not len(times) or columns < 1:
        return out
    edges = np.linspace(span.start_s, span.end_s, columns + 1)
    at = np.searchsorted(times, edges, side="right")
    at[0] = np.searchsorted(times, edges[0], side="left")
    total = np.concatenate(([0.0], np.cumsum(values)))
    counts = at[1:] - at[:-1]
    has = counts > 0
    out[has] = (total[at[1:]] - total[at[:-1]])[has] / counts[has]
    gap_s = 2.5 * float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    hold = ~has & (at[1:] > 0) & (edges[1:] <= times[-1] + gap_s)
    out[hold] = values[at[1:][hold] - 1]
    return out


def limit_is_floor(series: SeriesView) -> bool:
    """Whether the limit is a lower bound: the series lived above it while things were normal (its first third)."""
    if series.limit is None:
        return False
    early = series.values[: max(1, len(series.values) // 3)]
    early = early[np.isfinite(early)]
    return bool(len(early) and float(np.median(early)) > series.limit)


def breached_since_s(series: SeriesView) -> float | None:
    """When the unbroken breach that still lasts began, or None when the last value is within the limit."""
    if series.limit is None or not len(series.values):
        return None
    over = series.values < series.limit if limit_is_floor(series) else series.values > series.limit
    if not over[-1]:
        return None
    fine = np.flatnonzero(~over)
    return float(series.times_s[fine[-1] + 1 if len(fine) else 0])


def sparkline(columns: NDArray[np.float64], glyphs: Glyphs) -> str:
    """One row of levels from the smallest to the largest value; zero-based unless the series barely moves."""
    low, high = scale(columns, None)
    top = len(glyphs.levels) - 1
    cells = []
    for value in columns:
        share = 0.0 if not math.isfinite(value) else (value - low) / (high - low)
        cells.append(" " if not math.isfinite(value) else glyphs.levels[min(top, 1 + int(share * (top - 1) + 0.5))])
    return "".join(cells)


def scale(columns: NDArray[np.float64], limit: float | None) -> tuple[float, float]:
    """Lowest and highest value of the axis. A limit far above the data stays outside it."""
    finite = columns[np.isfinite(columns)]
    if not len(finite):
        return 0.0, limit if limit and limit > 0 else 1.0
    low, high = float(finite.min()), float(finite.max())
    if limit is not None and limit <= max(high * 4, high + 1e-9):
        high, low = max(high, limit), min(low, limit)
    if low >= 0 and (high - low > 0.03 * high or high == low):
        low = 0.0
    elif high > low:
        low -= 0.15 * (high - low)
    high += 0.05 * (high - low)
    return low, high if high > low else low + 1.0


def _block_cell(level: float, row: int, glyphs: Glyphs) -> str:
    top = len(glyphs.levels) - 1
    share = level - row
    if row == 0:
        share = max(share, 1.0 / top)
    return glyphs.levels[max(0, min(top, round(share * top)))]


def _braille_rows(series: NDArray[np.float64], height: int, low: float, high: float) -> list[str]:
    """A connected line; `series` has two values per cell."""
    columns = len(series) // 2
    grid = [[0] * columns for _ in range(height)]
    before: int | None = None
    for x, value in enumerate(series[: columns * 2]):
        if not math.isfinite(value):
            before = None
            continue
        y = max(0, min(height * 4 - 1, int((value - low) / (high - low) * (height * 4 - 1) + 0.5)))
        first, last = sorted((y, before if before is not None else y))
        for dot in range(first, last + 1):
            grid[dot // 4][x // 2] |= _BRAILLE_DOTS[x % 2][dot % 4]
        before = y
    return ["".join(chr(0x2800 + bits) if bits else " " for bits in row) for row in grid]


def _toned(cells: Sequence[tuple[str, Tone]]) -> list[Span]:
    return [Span("".join(char for char, _ in run), tone) for tone, run in groupby(cells, key=lambda cell: cell[1])]


def plot(series: SeriesView, span: TimeSpan, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """`height` rows, top first, each `width` cells with value labels on the left."""
    columns = width - LABEL_CELLS - 1
    braille = glyphs.name == "braille"
    values = resample(series, span, columns * 2 if braille else columns)
    low, high = scale(values, series.limit)
    floor = limit_is_floor(series)
    limit_row = None if series.limit is None else int((series.limit - low) / (high - low) * height)
    drawn = _braille_rows(values, height, low, high) if braille else None
    rows: list[Line] = []
    for row in range(height - 1, -1, -1):
        cells: list[tuple[str, Tone]] = []
        for column in range(columns):
            value = float(values[column * 2 + 1 if braille else column])
            level = (value - low) / (high - low) * height if math.isfinite(value) else None
            if drawn is not None:
                char = drawn[row][column]
            else:
                char = " " if level is None else _block_cell(level, row, glyphs)
            over = series.limit is not None and (value < series.limit if floor else value > series.limit)
            if char == " " and row == limit_row:
                cells.append((glyphs.limit, "warn"))
            else:
                cells.append((char, "crit" if over else "info"))
        rows.append((Span(_axis_label(row, height, low, high, series.unit), "dim"), *_toned(cells)))
    return rows


def _axis_label(row: int, height: int, low: float, high: float, unit: str) -> str:
    shown = {height - 1: high, 0: low}
    if row not in shown:
        return " " * (LABEL_CELLS + 1)
    own = unit if unit in ("s", "ratio", "B", "bytes") else ""
    return pad_left(quantity(shown[row], own) if abs(shown[row]) > 1e-12 else "0", LABEL_CELLS) + " "


def axis(marks: Sequence[Mark], span: TimeSpan, width: int, glyphs: Glyphs) -> Line:
    """The time axis with its marks: d deploy, a alert, y your change. The later of two marks in a cell wins."""
    columns = width - LABEL_CELLS - 1
    cells: list[tuple[str, Tone]] = [(glyphs.axis, "rule")] * columns
    for mark in marks:
        column = span.column(mark.t_s, columns)
        if column is not None:
            cells[column] = (mark.kind, _MARK_TONES[mark.kind])
    return (Span(" " * (LABEL_CELLS + 1)), *_toned(cells))


def time_labels(span: TimeSpan, joined_s: float, width: int) -> Line:
    """Drill times at the start, middle and end of the axis."""
    columns = width - LABEL_CELLS - 1
    first, middle, last = (
        drill_time(t_s, joined_s) for t_s in (span.start_s, (span.start_s + span.end_s) / 2, span.end_s)
    )
    room = columns - len(first) - len(last)
    body = first + (middle.center(room) if room > len(middle) + 2 else " " * max(1, room)) + last
    return (Span(pad(" " * (LABEL_CELLS + 1) + body, width), "dim"),)
