"""The layout of `kubectl describe`: cells between tabs, aligned over the lines that follow one another.

Source: Go's text/tabwriter with padding 2, as k8s.io/kubectl, pkg/describe uses it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

PADDING_CELLS = 2
INDENT = "  "
NONE = "<none>"
ANNOTATION_MAX_CHARS = 140
"""A longer annotation begins on a line of its own. Source: k8s.io/kubectl, pkg/describe, maxAnnotationLen."""


def tabbed(lines: Sequence[str]) -> str:
    """Lines with their cells aligned. A column reaches over neighbouring lines that have a tab behind it."""
    cells = [line.split("\t") for line in lines]
    widths = [[0] * (len(line) - 1) for line in cells]
    for column in range(max((len(line) for line in widths), default=0)):
        block: list[int] = []
        for at in range(len(cells) + 1):
            if at < len(cells) and len(widths[at]) > column:
                block.append(at)
                continue
            width = max((len(cells[inside][column]) for inside in block), default=0) + PADDING_CELLS
            for inside in block:
                widths[inside][column] = width
            block = []
    return "\n".join(
        "".join(cell.ljust(width) for cell, width in zip(line, [*own, 0], strict=True))
        for line, own in zip(cells, widths, strict=True)
    )


class Page:
    """What is written about one object, line by line."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def put(self, level: int, *cells: str) -> None:
        """A line, `level` steps in; between its cells stand tabs."""
        self._lines.append(INDENT * level + "\t".join(cells))

    def pairs(self, level: int, pairs: Sequence[tuple[str, str]]) -> None:
        """A line `Name:  value` for each pair."""
        for name, value in pairs:
            self.put(level, f"{name}:", value)

    def several(self, name: str, values: Sequence[str]) -> None:
        """A name with its first value, and the others below that one."""
        for at, value in enumerate(values or [NONE]):
            self._lines.append(f"{name}:\t{value}" if at == 0 else f"\t{value}")

    def labels(self, name: str, labels: Mapping[str, str] | None) -> None:
        """Labels or selectors, in their order."""
        self.several(name, [f"{key}={value}" for key, value in sorted((labels or {}).items())])

    def annotations(self, annotations: Mapping[str, str] | None) -> None:
        """Annotations, in their order."""
        values: list[str] = []
        for key, value in sorted((annotations or {}).items()):
            if len(key) + len(value) + 2 > ANNOTATION_MAX_CHARS:
                values += [f"{key}:", f"  {_shortened(value, ANNOTATION_MAX_CHARS - 2)}"]
            else:
                values.append(f"{key}: {value}")
        self.several("Annotations", values)

    def bare(self) -> str:
        """The page with its tabs, as programs print it that align nothing."""
        return "\n".join(self._lines)

    def text(self) -> str:
        """The page, aligned."""
        return tabbed(self._lines)


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}..."


def rfc1123(stamp: str) -> str:
    """`Mon, 02 Mar 2026 02:20:00 +0000` for a time as the API server writes it."""
    return datetime.fromisoformat(stamp).strftime("%a, %d %b %Y %H:%M:%S +0000")


def selector_text(labels: Mapping[str, str] | None) -> str:
    """`app=gateway,pool=cpu`."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE
