"""The debrief. Scoring runs in the background; nothing here can change a run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen

from tui.present.briefing import Readiness, progress_line
from tui.present.cells import EMPTY, Line, line, wrap
from tui.present.dashboard import Times, board_drawing
from tui.present.debrief import (
    TABS,
    DebriefState,
    TabId,
    debrief_footer,
    debrief_markdown,
    expert_tab,
    score_tab,
    timeline_tab,
    title_line,
)  # fmt: skip
from tui.present.debrief_view import DebriefView
from tui.present.help import debrief_help_lines
from tui.present.layout import COLUMNS_MIN, ROWS_MIN
from tui.present.look import Look
from tui.present.notices import too_small
from tui.present.pane import Drawing, Frame, PaneState
from tui.present.session_port import DrillPort, SessionPort
from tui.screens.question import HelpScreen
from tui.widgets.lines import Lines


class DebriefScreen(Screen[None], inherit_bindings=False):
    """Score, timeline, plots and the expert's play of one finished drill."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(name[0], f"tab('{tab}')", show=False) for tab, name in TABS),
        Binding("left,shift+tab", "turn(-1)", show=False),
        Binding("right,tab", "turn(1)", show=False),
        Binding("j,down", "move(1)", show=False),
        Binding("k,up", "move(-1)", show=False),
        Binding("pagedown,space", "move(10)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("J", "why(1)", show=False),
        Binding("K", "why(-1)", show=False),
        Binding("n", "board(1)", show=False),
        Binding("p", "board(-1)", show=False),
        Binding("e", "export", show=False),
        Binding("f1,question_mark", "help", show=False),
        Binding("q,Q,ctrl+c", "quit", show=False),
    ]
    CSS = """
    DebriefScreen { background: $tone-back; color: $tone-fore; }
    DebriefScreen > #debrief-title, DebriefScreen > #debrief-footer { background: $tone-bar; height: 1; }
    """

    class Scored(Message):
        """The debrief is there, or why it is not."""

        def __init__(self, view: DebriefView | None, error: Exception | None) -> None:
            super().__init__()
            self.view, self.error = view, error

    class Progressed(Message):
        """Scoring has come further."""

        def __init__(self, doing: str, share: float) -> None:
            super().__init__()
            self.doing, self.share = doing, share

    def __init__(
        self, drill: DrillPort, session: SessionPort, look: Look, *, on_quit: Callable[[DebriefView | None], None]
    ) -> None:
        super().__init__()
        self._drill = drill
        self._session = session
        self._look = look
        self._on_quit = on_quit
        self._readiness = Readiness("scoring")
        self._state = DebriefState()
        self._page = 0
        self._title_row = Lines(id="debrief-title")
        self._body = Lines(id="debrief-body")
        self._footer = Lines(id="debrief-footer")
        self.view: DebriefView | None = None
        self.problem: Exception | None = None

    def compose(self) -> ComposeResult:
        yield self._title_row
        yield self._body
        yield self._footer

    def on_mount(self) -> None:
        self._draw()
        threading.Thread(target=self._score, name="drill-debrief", daemon=True).start()

    def _score(self) -> None:
        def progress(doing: str, share: float) -> None:
            self.post_message(self.Progressed(doing, share))

        try:
            view = self._drill.debrief(self._session, progress)
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to; the screen shows it
            self.post_message(self.Scored(None, error))
        else:
            self.post_message(self.Scored(view, None))

    def on_debrief_screen_progressed(self, message: Progressed) -> None:
        self._readiness = replace(self._readiness, doing=message.doing, share=message.share)
        self._draw()

    def on_debrief_screen_scored(self, message: Scored) -> None:
        self.view = message.view
        self.problem = message.error
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        width, height = self.app.size
        title, body = self._title_row, self._body
        self._footer.show((debrief_footer(self._state, width, self._look),))
        if width < COLUMNS_MIN or height < ROWS_MIN:
            title.show((EMPTY,))
            body.show(tuple(line(piece) for piece in wrap(too_small(width, height), max(10, width))))
            return
        if self.view is None:
            title.show((line(" DEBRIEF"),))
            body.show(self._waiting(width))
            return
        title.show((title_line(self.view, self._state, width, self._look),))
        drawing = self._tab(self.view, width, height - 2)
        self._state = replace(self._state, scroll=min(self._state.scroll, drawing.scroll_max))
        body.show(drawing.lines)

    def _waiting(self, width: int) -> tuple[Line, ...]:
        if self.problem is None:
            return (EMPTY, (*line(" "), *progress_line(self._readiness, width - 2, self._look)))
        text = f"The run could not be scored: {self.problem}\nIt is kept in {self._drill.run_path}."
        return (EMPTY, *(line(" " + piece) for part in text.splitlines() for piece in wrap(part, width - 2)))

    def _tab(self, view: DebriefView, width: int, height: int) -> Drawing:
        state, look = self._state, self._look
        if state.tab == "score":
            return score_tab(view, state, width, height, look)
        if state.tab == "timeline":
            return timeline_tab(view, state, width, height, look)
        if state.tab == "expert":
            return expert_tab(view, state, width, height, look)
        board = view.dashboards[self._page % len(view.dashboards)] if view.dashboards else None
        end_s = max((float(s.times_s[-1]) for s in board.series if len(s.times_s)), default=0.0) if board else 0.0
        frame = Frame(width, height, look, PaneState(scroll=state.scroll, window_s=end_s - view.joined_s + 300.0))
        return board_drawing(board, Times(end_s, view.joined_s, view.marks), frame)

    def action_tab(self, tab: TabId) -> None:
        """Show a tab."""
        self._state = replace(self._state, tab=tab, scroll=0)
        self._draw()

    def action_turn(self, by: int) -> None:
        """The next or previous tab."""
        ids = [tab for tab, _ in TABS]
        self.action_tab(ids[(ids.index(self._state.tab) + by) % len(ids)])

    def action_move(self, steps: int) -> None:
        """Choose another criterion, or scroll."""
        if self._state.tab == "score":
            last = len(self.view.rows) - 1 if self.view else 0
            self._state = replace(self._state, cursor=max(0, min(last, self._state.cursor + steps)), scroll=0)
            self._draw()
        else:
            self.action_why(steps)

    def action_why(self, steps: int) -> None:
        """Scroll the evidence, or the tab."""
        self._state = replace(self._state, scroll=max(0, self._state.scroll + steps))
        self._draw()

    def action_board(self, by: int) -> None:
        """Another dashboard in Plots."""
        self._page += by
        self._state = replace(self._state, scroll=0)
        self._draw()

    def action_export(self) -> None:
        """Write the debrief as Markdown beside the run file."""
        if self.view is None:
            return
        path = Path(self._drill.run_path or f"{self.view.scenario_id}.jsonl").with_suffix(".md")
        try:
            path.write_text(debrief_markdown(self.view), encoding="utf-8")
        except OSError as error:
            self.notify(f"could not write {path}: {error.strerror}", severity="error", markup=False)
            return
        self.notify(f"written to {path}", markup=False)

    def action_help(self) -> None:
        """Help of the debrief."""
        self.app.push_screen(HelpScreen(debrief_help_lines(self.app.size.width, self._look), "", self._look))

    def action_quit(self) -> None:
        """Leave."""
        self._on_quit(self.view)
