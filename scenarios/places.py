"""Where in a scenario's file something stands: values, things of the overlay by name, columns inside a text."""

from __future__ import annotations

from collections.abc import Sequence

from reference_platform.documents import locate
from reference_platform.errors import ContentError
from scenarios.loaded import LoadedScenario
from scenarios.overlay import by_name

Path = Sequence[str | int]


def problem(loaded: LoadedScenario, path: Path, what: str, fix: str, why: str = "") -> ContentError:
    """The error at the value of that path, or at its nearest parent that the file has."""
    return ContentError(what, where=locate(loaded.source_text, loaded.source_name, path), why=why, fix=fix)


def in_overlay(loaded: LoadedScenario, kind: str, name: str, *rest: str | int) -> Path:
    """The path of a thing of the platform: in the overlay when it changes it, else where the platform is named."""
    for index, found in enumerate(by_name(loaded.scenario.overlay.get(kind))):
        if found == name:
            return ["overlay", kind, index, *rest]
    return ["platform"]


def problem_within(loaded: LoadedScenario, path: Path, text: str, column: int, what: str, fix: str) -> ContentError:
    """The error at a column, counted from 1, of the text at that path."""
    error = problem(loaded, path, what, fix)
    head, line, start = error.where.rsplit(":", 2)
    place = _place(loaded.source_text.split("\n"), int(line) - 1, int(start) - 1, text, column - 1)
    if place is None:
        return problem(loaded, path, what, fix, why=f"column {column} of the text that begins here")
    return ContentError(what, where=f"{head}:{place[0] + 1}:{place[1] + 1}", fix=fix)


def _place(lines: Sequence[str], row: int, start: int, text: str, at: int) -> tuple[int, int] | None:
    """Line and column, from 0, of `text[at]` when the text is written plainly, in quotes or as a folded block."""
    for skip in (0, 1):
        if lines[row][start + skip : start + skip + len(text)] == text:
            return row, start + skip + at
    if lines[row][start : start + 1] not in (">", "|"):
        return None
    left, folded = at, 0
    for index in range(row + 1, len(lines)):
        line = lines[index].strip()
        if text[folded : folded + len(line)] != line:
            return None
        if left <= len(line):
            return index, len(lines[index]) - len(lines[index].lstrip()) + left
        left, folded = left - len(line) - 1, folded + len(line) + 1
    return None
