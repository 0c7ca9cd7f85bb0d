"""The briefing: read while the platform is built in the background. The clock starts only on Enter."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen

from tui.present.briefing import Readiness, briefing_footer, briefing_lines, progress_line
from tui.present.cells import EMPTY, Line, Span, clean, line, window, wrap
from tui.present.layout import COLUMNS_MIN, ROWS_MIN
from tui.present.look import Look
from tui.present.notices import too_small
from tui.present.session_port import DrillPort, SessionPort
from tui.widgets.lines import Lines


class BriefingScreen(Screen[None], inherit_bindings=False):
    """Shows the briefing and starts the drill in a daemon thread, so that leaving never waits for it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go", show=False),
        Binding("q,Q,escape,ctrl+c", "quit", show=False),
        Binding("j,down", "move(1)", show=False),
        Binding("k,up", "move(-1)", show=False),
        Binding("pagedown,space", "move(10)", show=False),
        Binding("pageup", "move(-10)", show=False),
    ]
    CSS = """
    BriefingScreen { background: $tone-back; color: $tone-fore; }
    BriefingScreen > #briefing-footer { background: $tone-bar; height: 1; }
    BriefingScreen > #briefing-text { padding: 0 1; }
    BriefingScreen > #briefing-progress { padding: 0 1; height: 2; }
    """

    class Progressed(Message):
        """The start has come further."""

        def __init__(self, doing: str, share: float) -> None:
            super().__init__()
            self.doing, self.share = doing, share

    class Started(Message):
        """The session is ready to be played."""

        def __init__(self, session: SessionPort) -> None:
            super().__init__()
            self.session = session

    class Failed(Message):
        """The session could not be started."""

        def __init__(self, error: Exception) -> None:
            super().__init__()
            self.error = error

    def __init__(
        self, drill: DrillPort, look: Look, *, on_go: Callable[[SessionPort], None], on_quit: Callable[[], None]
    ) -> None:
        super().__init__()
        self._drill = drill
        self._look = look
        self._on_go = on_go
        self._on_quit = on_quit
        self._readiness = Readiness()
        self._scroll = 0
        self._text = Lines(id="briefing-text")
        self._bar = Lines(id="briefing-progress")
        self._footer = Lines(id="briefing-footer")
        self.session: SessionPort | None = None
        self.problem: Exception | None = None

    def compose(self) -> ComposeResult:
        yield self._text
        yield self._bar
        yield self._footer

    def on_mount(self) -> None:
        self._draw()
        self.call_after_refresh(self._start)

    def _start(self) -> None:
        threading.Thread(target=self._run, name="drill-start", daemon=True).start()

    def _run(self) -> None:
        said = ("", -1.0)

        def progress(doing: str, share: float) -> None:
            nonlocal said
            if doing != said[0] or share - said[1] >= 0.01:
                said = (doing, share)
                self.post_message(self.Progressed(doing, share))

        try:
            session = self._drill.start(progress)
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to; the screen shows it
            self.post_message(self.Failed(error))
            return
        if not self.post_message(self.Started(session)):
            session.close()

    def on_briefing_screen_progressed(self, message: Progressed) -> None:
        self._readiness = replace(self._readiness, doing=message.doing, share=message.share)
        self._draw()

    def on_briefing_screen_started(self, message: Started) -> None:
        self.session = message.session
        self._readiness = replace(self._readiness, ready=True, share=1.0)
        self._draw()
        if self._readiness.wanted:
            self._on_go(message.session)

    def on_briefing_screen_failed(self, message: Failed) -> None:
        self.problem = message.error
        self._readiness = replace(self._readiness, problem=str(message.error) or repr(message.error))
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        width, height = self.app.size
        if width < COLUMNS_MIN or height < ROWS_MIN:
            notice = wrap(too_small(width, height), max(10, width - 2))
            self._text.show(tuple(line(piece) for piece in notice))
        else:
            shown, scroll_max = window(
                briefing_lines(self._drill.briefing, width - 2, self._look), height - 3, self._scroll, tail=False
            )
            self._scroll = min(self._scroll, scroll_max)
            self._text.show(shown)
        progress: tuple[Line, ...] = (EMPTY, progress_line(self._readiness, width - 2, self._look))
        if self._readiness.problem:
            pieces = [piece for part in self._readiness.problem.splitlines() for piece in wrap(clean(part), width - 2)]
            progress = (line(Span("could not start", "crit")), *(line(piece) for piece in pieces[:6]))
        self._bar.styles.height = len(progress)
        self._bar.show(progress)
        self._footer.show((briefing_footer(self._readiness, width, self._look),))

    def action_go(self) -> None:
        """Start the clock, now or as soon as it is ready."""
        if self.session is not None:
            self._on_go(self.session)
        elif self.problem is None:
            self._readiness = replace(self._readiness, wanted=True)
            self._draw()

    def action_move(self, steps: int) -> None:
        """Scroll."""
        self._scroll = max(0, self._scroll + steps)
        self._draw()

    def action_quit(self) -> None:
        """Leave; nothing has started yet."""
        self._on_quit()
