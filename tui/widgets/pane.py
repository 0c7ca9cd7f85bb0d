"""A pane of the room: a header line and a body, both made by presenters. A body that fails becomes an error card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.present.cells import EMPTY, Line
from tui.present.layout import Rect
from tui.present.look import Look
from tui.present.notices import error_card
from tui.present.pane import Frame, PaneSpec, PaneState
from tui.widgets.lines import Lines

if TYPE_CHECKING:
    from simulator.session.view import SessionView


class Pane(Lines, can_focus=True):
    """Draws one PaneSpec. `state` survives hiding."""

    def __init__(self, spec: PaneSpec, look: Look) -> None:
        super().__init__(id=spec.pane_id, classes="pane")
        self.spec = spec
        self.look = look
        self.state = PaneState()
        self.scroll_limit = 0

    def paint(self, view: SessionView, rect: Rect, header: Line) -> Exception | None:
        """Draw `view` at this size. Returns the error when the body could not be made."""
        frame = Frame(rect.width, max(1, rect.height - 1), self.look, self.state)
        try:
            drawing = self.spec.body(view, frame)
        except Exception as error:  # noqa: BLE001 - whatever breaks one pane must leave the others alive
            self.show((header, *error_card(self.spec.name, error, rect.width)))
            return error
        self.scroll_limit = drawing.scroll_max
        self.state.scroll = min(self.state.scroll, drawing.scroll_max)
        self.show((header or EMPTY, *drawing.lines))
        return None

    def move(self, steps: int) -> None:
        """Scroll so that `steps` > 0 goes towards the end of the text; the alerts pane moves its cursor."""
        if self.spec.pane_id == "alerts":
            self.state.cursor = max(0, self.state.cursor + steps)
            return
        towards = -steps if self.spec.tail else steps
        self.state.scroll = max(0, min(self.scroll_limit, self.state.scroll + towards))

    def move_to(self, *, end: bool) -> None:
        """To the first or the last line."""
        if self.spec.pane_id == "alerts":
            self.state.cursor = 10_000 if end else 0
            return
        self.state.scroll = 0 if end == self.spec.tail else self.scroll_limit
