"""What is left to see of an output behind its filters. What a filter took away was not seen."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from simulator.shell.components import mentioned
from simulator.shell.context import Operator

HEADING_ROW_MAX = 4
"""A table's heading stands on one of the first so many lines; what stands above it is no row either."""
NO_ROW = (">", "*", "#", "Name:")
"""How lines begin that tell what was asked for, or only head what follows."""
_UNIT = re.compile(r"\([^()]*\)")
_LETTER = re.compile(r"[A-Za-z]")


def still_seen(
    op: Operator, typed: Sequence[Sequence[str]], full: str, left: str, subjects: Collection[str]
) -> tuple[str, ...] | None:
    """Which of `subjects` the lines that are `left` of `full` still show; None when they show nothing at all.

    A subject goes with the last line that names it, unless the command itself asked for it. One that no line ever
    named, such as the store whose clients are listed, stays as long as any row does.
    """
    rows = _rows(full, left)
    if not rows or all(stage[0] == "wc" for stage in typed[1:]):
        return None
    asked_for, before, after = (set(mentioned(op, texts)) for texts in ([" ".join(typed[0])], [full], rows))
    return tuple(name for name in subjects if name in after or name in asked_for or name not in before)


def _rows(full: str, left: str) -> list[str]:
    """Lines of `left` that say something: no heading, nothing from above it, no request, no rule."""
    lines = full.splitlines()
    heading = next((at for at, line in enumerate(lines[:HEADING_ROW_MAX]) if _is_heading(line)), -1)
    above = set(lines[: heading + 1])
    return [
        line
        for line in left.splitlines()
        if any(map(str.isalnum, line)) and line not in above and not _is_heading(line) and not line.startswith(NO_ROW)
    ]


def _is_heading(line: str) -> bool:
    words = _UNIT.sub("", line)
    return _LETTER.search(words) is not None and words == words.upper()
