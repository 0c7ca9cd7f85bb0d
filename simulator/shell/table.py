"""Columns of text, aligned the way command line tools do it."""

from __future__ import annotations

from collections.abc import Sequence

GAP_CELLS = 3


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Left-aligned columns under their headers; without headers when there are none. No line ends in blanks."""
    lines = [list(headers), *map(list, rows)] if headers else [list(row) for row in rows]
    widths = [max(len(line[at]) for line in lines) + GAP_CELLS for at in range(len(lines[0]))] if lines else []
    return "\n".join(
        "".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
