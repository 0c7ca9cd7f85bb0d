"""Run files for tests of lists: real ones from one short night, rewritten as somebody might who wants more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from simulator.session.runfile import RunWriter, _sealed
from tests.unit.simulator.session.nights import opening, records, rewrite
from tui.recorded import header_of


def with_header(path: Path, **changes: Any) -> Path:
    """The same run under a header changed and sealed anew; None takes a key away."""
    lines = records(path)
    header = {**lines[0]["header"], **changes}
    lines[0]["header"] = _sealed({key: value for key, value in header.items() if value is not None})
    return rewrite(path, lines)


def with_footer(path: Path, **changes: Any) -> Path:
    """The same run under a footer changed and sealed anew."""
    lines = records(path)
    lines[-1]["footer"] = _sealed({**lines[-1]["footer"], **changes})
    return rewrite(path, lines)


def with_command(path: Path, change: Callable[[dict[str, Any]], object], index: int = 0) -> Path:
    """The same run with another command; nothing in the file shows it."""
    lines = records(path)
    change(lines[1 + index])
    return rewrite(path, lines)


def begun(path: Path, header: Mapping[str, Any] | None = None) -> Path:
    """A run that was left before the first command."""
    from simulator.image.builder import ensure_image

    RunWriter.create(path, {**header_of(opening(), ensure_image()), **(header or {})}).close()
    return path
