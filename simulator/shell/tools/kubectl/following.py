"""`kubectl get -w`: a listing, and then every row that changes while somebody looks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from simulator.shell.tools.kubectl.printing import Shape, printed
from simulator.shell.tools.kubectl.rows import Listing, Row

FOLLOW_S = 30.0
"""How long a stream is followed. At a terminal it would go on until it is interrupted, which no line here can be."""
LOOK_AGAIN_S = 1.0
_AGO = re.compile(r" \(.* ago\)")


class Followed:
    """Rows as they were first seen, and again each time that something but their age was different."""

    def __init__(self, from_s: float, only_changes: bool) -> None:
        self._until_s = from_s + FOLLOW_S
        self._only_changes = only_changes
        self._known: dict[str, tuple[str, ...]] | None = None
        self.rows: list[Row] = []

    def look(self, now_s: float, rows: Sequence[Row]) -> float:
        """Take note of the rows as they are now. Seconds until the next look, 0 when there is none."""
        shown = {_identity(row): _without_ages(row) for row in rows}
        first = self._known is None
        known = self._known or {}
        if not (first and self._only_changes):
            self.rows += [row for row in rows if known.get(_identity(row)) != shown[_identity(row)]]
        self._known = shown
        return min(LOOK_AGAIN_S, max(0.0, self._until_s - now_s))


def _identity(row: Row) -> str:
    return str(row.document["metadata"]["name"])


def _without_ages(row: Row) -> tuple[str, ...]:
    if row.document["kind"] == "Event":
        return (str(row.document["count"]),)
    return (*(_AGO.sub("", cell) for cell in row.cells[:-1]), *row.wide)


def followed_text(listing: Listing, followed: Followed, shape: Shape) -> str:
    """What was seen, and that it is over."""
    end = f"(followed for {FOLLOW_S:.0f}s, and left; the same line goes on)"
    return "\n".join(filter(None, [printed(listing, followed.rows, replace(shape, single=False)), end]))
