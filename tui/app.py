"""The Textual application: briefing, incident room, debrief. `run_app` is what the command line calls."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, TextIO

from textual.app import App
from textual.binding import BindingType

from reference_platform.errors import ConfigError, ContentError
from tui.narration import plain
from tui.present.look import Look
from tui.screens.briefing import BriefingScreen
from tui.themes import THEMES

if TYPE_CHECKING:
    from tui.present.debrief_view import DebriefView
    from tui.present.session_port import DrillPort, SessionPort

EXIT_INTERRUPTED = 130


class DrillApp(App[int], inherit_bindings=False):
    """One drill from briefing to debrief. Its return value is the exit code."""

    BINDINGS: ClassVar[list[BindingType]] = []
    TITLE = "PagerDrill"
    CSS = """
    Toast { background: $tone-bar; color: $tone-fore; }
    CommandPalette SearchIcon { display: none; }
    """

    def __init__(
        self,
        drill: DrillPort,
        look: Look | None = None,
        *,
        speed: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.look = look or Look()
        self.drill = drill
        self._clock = clock
        self._speed = speed
        self.problem: Exception | None = None
        self.started = False
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self.look.theme
        self.animation_level = "full" if self.look.motion else "none"

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Tones, so that Textual's own themes work too."""
        return THEMES[0].variables

    def on_mount(self) -> None:
        """The briefing comes first, and paints before anything heavy is imported."""
        self.push_screen(BriefingScreen(self.drill, self.look, on_go=self.show_room, on_quit=self._leave_briefing))

    def _leave_briefing(self) -> None:
        screen = self.screen
        if isinstance(screen, BriefingScreen):
            self.problem = screen.problem
            if screen.session is not None:
                self.started = True
                screen.session.close()
        if self.problem is None:
            self.exit(EXIT_INTERRUPTED)
        else:
            self.exit(2 if isinstance(self.problem, ContentError | ConfigError) else 3)

    def show_room(self, session: SessionPort) -> None:
        """From here on the clock runs."""
        from tui.screens.room import RoomScreen

        self.started = True
        room = RoomScreen(
            self.drill, session, self.look, self._clock, on_over=self.show_debrief, on_left=self._leave_room
        )
        if self._speed != 1:
            room.pump.set_speed(self._speed)
        self.switch_screen(room)

    def _leave_room(self, session: SessionPort) -> None:
        session.close()
        self.exit(EXIT_INTERRUPTED)

    def show_debrief(self, session: SessionPort) -> None:
        """Score the session and show what it says."""
        from tui.screens.debrief import DebriefScreen

        def leave(view: DebriefView | None) -> None:
            session.close()
            self.exit(view.exit_code if view is not None else 3)

        self.switch_screen(DebriefScreen(self.drill, session, self.look, on_quit=leave))


def farewell(app: DrillApp, code: int) -> str:
    """What stays on the terminal after the screens are gone."""
    if app.problem is not None:
        return str(app.problem)
    if not app.started:
        return "Nothing was started."
    if code == EXIT_INTERRUPTED:
        return f"Run saved in {app.drill.run_path}\nResume with: {app.drill.resume_command}"
    return f"Run file: {app.drill.run_path}"


def run_app(drill: DrillPort, look: Look | None = None, *, speed: int = 1, stderr: TextIO | None = None) -> int:
    """Play `drill` on this terminal. Returns 0 resolved well, 1 fell short, 2 bad content or settings, 3 our own
    error, 130 left before the end; then the run can be resumed, and how is printed on stderr."""
    app = DrillApp(drill, look, speed=speed)
    code = EXIT_INTERRUPTED
    try:
        result = app.run()
        code = app.return_code or 0 if result is None else result
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    out = stderr or sys.stderr
    out.write(plain(farewell(app, code)) + "\n")
    return code


def render_svg(app: App[int], title: str = "PagerDrill") -> str:
    """The running app's current screen as an SVG picture; call it inside `app.run_test(size=...)`."""
    svg = app.export_screenshot(title=title, simplify=True)
    return svg.replace("<text ", '<text xml:space="preserve" ')  # renderers other than browsers drop leading blanks
