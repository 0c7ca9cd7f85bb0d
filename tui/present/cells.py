"""Lines of toned text, measured in terminal cells. Text from outside never carries markup or control characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len, set_cell_size

Tone = Literal["", "dim", "strong", "crit", "warn", "note", "good", "info", "rule", "focus", "select", "key"]

TONES: tuple[Tone, ...] = ("dim", "strong", "crit", "warn", "note", "good", "info", "rule", "focus", "select", "key")

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one tone. `action` is what a click on it does, as a Textual action string."""

    text: str
    tone: Tone = ""
    action: str = ""


Line = tuple[Span, ...]

EMPTY: Line = ()


def line(*parts: Span | str) -> Line:
    """A line from spans and plain strings."""
    return tuple(Span(part) if isinstance(part, str) else part for part in parts)


def text_of(parts: Line) -> str:
    """The characters of a line without tones."""
    return "".join(span.text for span in parts)


def clean(text: str) -> str:
    """One line that is safe to draw: no escape sequences, no control or invisible format characters."""
    if text.isascii() and text.isprintable():
        return text
    text = _ESCAPES.sub("", text).replace("\t", "    ")
    return "".join(char for char in text if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))


def width_of(parts: Line) -> int:
    """Cells a line takes."""
    return sum(cell_len(span.text) for span in parts)


def clip(text: str, width: int, ellipsis: str = "…") -> str:
    """`text` in at most `width` cells; a cut is always visible as `ellipsis`."""
    if cell_len(text) <= width:
        return text
    if width <= cell_len(ellipsis):
        return set_cell_size(text, max(0, width))
    return set_cell_size(text, width - cell_len(ellipsis)).rstrip() + ellipsis


def pad(text: str, width: int, ellipsis: str = "…") -> str:
    """`text` clipped or filled with spaces to exactly `width` cells."""
    clipped = clip(text, width, ellipsis)
    return clipped + " " * max(0, width - cell_len(clipped))


def pad_left(text: str, width: int) -> str:
    """`text` right-aligned in `width` cells."""
    return " " * max(0, width - cell_len(text)) + clip(text, width)


def fit(parts: Line, width: int, ellipsis: str = "…") -> Line:
    """A line cut to `width` cells; tones survive."""
    if width_of(parts) <= width:
        return parts
    kept: list[Span] = []
    left = width
    for span in parts:
        size = cell_len(span.text)
        if size < left:
            kept.append(span)
            left -= size
            continue
        kept.append(Span(clip(span.text + " " * 2, left, ellipsis), span.tone, span.action))
        break
    return tuple(kept)


def _end_of_piece(text: str, start: int, width: int) -> int:
    if text.isascii():
        return min(len(text), start + width)
    used, at = 0, start
    while at < len(text):
        used += cell_len(text[at])
        if used > width:
            break
        at += 1
    return max(at, start + 1)


def wrap(text: str, width: int) -> list[str]:
    """`text` in pieces of at most `width` cells, broken at a space when one is near the end."""
    width = max(1, width)
    pieces: list[str] = []
    start = 0
    while start < len(text):
        end = _end_of_piece(text, start, width)
        if end < len(text) and text[end] != " ":
            space = text.rfind(" ", start + (end - start) // 2, end)
            end = space if space > start else end
        pieces.append(text[start:end].rstrip())
        start = end
        while start < len(text) and text[start] == " ":
            start += 1
    return pieces or [""]


def spread(left: Line, right: Line, width: int, ellipsis: str = "…") -> Line:
    """`left` and `right` at the two ends of `width` cells; `left` gives way when there is no room."""
    room = width - width_of(right)
    if room <= 1:
        return fit(left, width, ellipsis)
    kept = fit(left, room - 1, ellipsis)
    return (*kept, Span(" " * (room - width_of(kept))), *right)


def squeezed(rows: Sequence[str], width: int) -> list[str]:
    """A table whose rows are wider than `width`, with the gaps between its columns narrowed as far as needed.

    A gap is a run of cells that is blank in every row. Rows that are not ASCII, and single rows, stay as they are.
    """
    longest = max(map(len, rows), default=0)
    if longest <= width or len(rows) < 2 or not all(row.isascii() for row in rows):
        return list(rows)
    blank = [all(at >= len(row) or row[at] == " " for row in rows) for at in range(longest)]
    best = list(rows)
    for gap in (2, 1):
        keep = [at for at in range(longest) if not (at >= gap and all(blank[at - gap : at + 1]))]
        best = ["".join(row[at] for at in keep if at < len(row)) for row in rows]
        if max(map(len, best)) <= width:
            break
    return best


def joined(groups: Iterable[Line], separator: Span) -> Line:
    """Groups of spans with a separator between them."""
    spans: list[Span] = []
    for group in groups:
        if spans:
            spans.append(separator)
        spans.extend(group)
    return tuple(spans)


def window(lines: list[Line], height: int, scroll: int, *, tail: bool) -> tuple[tuple[Line, ...], int]:
    """The `height` lines at `scroll` steps from the top (with `tail`, from the end), and the largest scroll."""
    scroll_max = max(0, len(lines) - height)
    scroll = min(scroll, scroll_max)
    start = scroll_max - scroll if tail else scroll
    return tuple(lines[start : start + height]), scroll_max
