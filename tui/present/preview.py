"""What a line was understood as, before it is sent: the session's words, labels apart, long texts under their label."""

from __future__ import annotations

import re

from tui.present.cells import EMPTY, Line, Span, clean, wrap
from tui.present.look import Look

TITLES = (
    (("hint", "hints"), "Take a hint?"),
    (("status", "update"), "Send this update?"),
    (("resolve", "resolved"), "Declare it resolved?"),
    (("postmortem", "post-mortem", "pm"), "File the post-mortem?"),
)
_ROW = re.compile(r"(\S.{0,18}?|)(\s{2,})(\S.*)")


def asked(line: str) -> str:
    """The question over a preview of `line`."""
    word = line.strip().partition(" ")[0].lower()
    return next((title for words, title in TITLES if word in words), "Send this?")


def preview_lines(line: str, preview: str, width: int, height: int, look: Look) -> list[Line]:
    """The question, then the preview in at most `height` rows of `width` cells; a cut text ends in an ellipsis."""
    rows = preview.splitlines()
    lines: list[Line] = []
    for pieces_max in (100, 8, 4, 3, 2, 1):
        lines = [(Span(asked(line), "strong"),), EMPTY]
        for row in rows:
            lines.extend(_row(row, width, pieces_max, look.glyphs.ellipsis))
        if len(lines) <= height:
            break
    return lines[:height]


def _row(row: str, width: int, pieces_max: int, ellipsis: str) -> list[Line]:
    found = _ROW.fullmatch(clean(row))
    label, gap, text = (found[1], found[2], found[3]) if found else ("", "", clean(row))
    lead = len(label) + len(gap)
    pieces = wrap(text, max(10, width - lead))
    if len(pieces) > pieces_max:
        pieces = [*pieces[: pieces_max - 1], pieces[pieces_max - 1][: max(1, width - lead - 1)] + ellipsis]
    first: Line = (Span(label, "note"), Span(gap), Span(pieces[0])) if found else (Span(pieces[0]),)
    return [first, *((Span(" " * lead), Span(piece)) for piece in pieces[1:])]
