"""The room as plain text, for a moment of a recorded run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.present.cells import Line, fit, text_of
from tui.present.look import Look, look_of
from tui.present.pane import Frame, PaneId, PaneState
from tui.present.panes import BY_ID, header
from tui.present.status import ClockState, status_line

if TYPE_CHECKING:
    from simulator.session.view import SessionView

_PARTS: tuple[tuple[PaneId, int], ...] = (
    ("alerts", 8), ("dashboard", 9), ("map", 16), ("notes", 12), ("comms", 10), ("timeline", 40), ("terminal", 30),
)  # fmt: skip


def room_text(view: SessionView, width: int = 80, look: Look | None = None) -> str:
    """Every pane under its header, one after the other."""
    look = look or look_of("ascii")
    lines: list[Line] = [status_line(view, ClockState(1, paused=True), width, look)]
    for pane_id, height in _PARTS:
        state = PaneState()
        lines.append(header(BY_ID[pane_id], view, state, width, look, focused=False))
        lines.extend(BY_ID[pane_id].body(view, Frame(width, height, look, state)).lines)
    return "\n".join(text_of(fit(item, width)).rstrip() for item in lines) + "\n"
