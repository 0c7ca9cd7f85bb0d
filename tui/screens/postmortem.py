"""The post-mortem as a document to write in. What changed becomes lines of the run: on leaving, and in pauses."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import TextArea

from reference_platform.errors import PagerDrillError
from simulator.incident.postmortem import saving_lines
from tui.present.cells import Line, Span, clean, fit, spread
from tui.present.look import Look
from tui.present.numbers import drill_time, minutes
from tui.present.session_port import SessionPort
from tui.screens.question import LoseScreen
from tui.widgets.lines import Lines

PAUSE_S = 8.0
"""After so long without a key the draft is saved, so that a killed program loses little."""
FILE_LINE = "postmortem file"
KEYS = (("Esc", "save and back"), ("F2", "save and file"), ("^O", "save"), ("^Z", "undo"))


class PostmortemScreen(Screen[str], inherit_bindings=False):
    """Edits the draft. Its result is the line to enter next: `postmortem file`, or "" for none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False, priority=True),
        Binding("f2", "file", show=False, priority=True),
        Binding("ctrl+o", "save", show=False, priority=True),
    ]
    CSS = """
    PostmortemScreen { background: $tone-back; color: $tone-fore; }
    PostmortemScreen > #paper-title, PostmortemScreen > #paper-keys { background: $tone-bar; height: 1; }
    PostmortemScreen > #paper-said { height: 1; }
    PostmortemScreen > TextArea { height: 1fr; border: none; padding: 0; background: $tone-back; color: $tone-fore; }
    PostmortemScreen > TextArea:focus { border: none; }
    PostmortemScreen > TextArea { scrollbar-size-vertical: 1; scrollbar-color: $tone-rule; }
    PostmortemScreen > TextArea { scrollbar-background: $tone-back; }
    PostmortemScreen.-ascii > TextArea { scrollbar-size-vertical: 0; }
    PostmortemScreen > TextArea .text-area--cursor-line { background: $tone-bar; }
    PostmortemScreen > TextArea .text-area--line-number { color: $tone-dim; background: $tone-back; }
    PostmortemScreen > TextArea .text-area--cursor-line-number { color: $tone-strong; background: $tone-bar; }
    """

    def __init__(self, session: SessionPort, look: Look, on_saved: Callable[[], None]) -> None:
        super().__init__(classes="-ascii" if look.ascii else "")
        self._session = session
        self._look = look
        self._on_saved = on_saved
        self._saved = session.draft()
        self._said: Span = Span("")
        self._clock = ""
        self._pause: Timer | None = None
        self._title_row = Lines(id="paper-title")
        self.paper = TextArea(self._saved, show_line_numbers=True, soft_wrap=True, tab_behavior="focus", id="paper")
        self.paper.cursor_blink = look.motion
        self._said_row = Lines(id="paper-said")
        self._keys_row = Lines(id="paper-keys")

    def compose(self) -> ComposeResult:
        yield self._title_row
        yield self.paper
        yield self._said_row
        yield self._keys_row

    def on_mount(self) -> None:
        self.paper.focus()
        self.call_after_refresh(self._begin)
        self.set_interval(1.0, self.tell_time)
        self.tell_time()

    def _begin(self) -> None:
        """The cursor goes under the first heading, once the size is known, so that the heading is seen too."""
        lines = self._saved.split("\n")
        self.paper.move_cursor((next((n + 1 for n, line in enumerate(lines) if line.startswith("## ")), 0), 0))

    def on_resize(self) -> None:
        self._draw()

    def tell_time(self) -> None:
        """Show how late it is; under interview rules the clock goes on while one writes."""
        view = self._session.view()
        self._clock = f"  {drill_time(view.now_s, view.joined_s)} of {minutes(view.drill_s)} "
        self._draw()

    def _draw(self) -> None:
        width, cut = self.app.size.width, self._look.glyphs.ellipsis
        title: Line = (Span(" POST-MORTEM ", "select"), Span("  a draft until you file it"))
        state = Span("saved" if self.paper.text == self._saved else "not saved yet", "dim")
        if self._session.ended:
            state = Span("the drill is over, nothing can be saved", "crit")
        self._title_row.show((spread(title, (state, Span(self._clock)), width, cut),))
        self._said_row.show((fit((Span(" "), self._said), width, cut),))
        keys: list[Span] = []
        for label, says in KEYS:
            keys.extend((Span("  "), Span(label, "key"), Span(f" {says}")))
        self._keys_row.show((fit(tuple(keys), width, cut),))

    @on(TextArea.Changed)
    def _changed(self) -> None:
        self._said = Span("")
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(PAUSE_S, self.action_save)
        self._draw()

    def save(self) -> bool:
        """Enter what changed since the last save; False, with the reason on the screen, when it cannot be read."""
        text = self.paper.text
        problem = ""
        try:
            for line in saving_lines(self._saved, text):
                result = self._session.submit(line)
                if result.exit:
                    problem = result.text
                    break
            else:
                self._saved = text
        except PagerDrillError as error:
            problem = str(error)
        self._on_saved()
        self._said = Span(clean("  ".join(problem.split("\n"))), "crit") if problem else Span("saved", "good")
        self.tell_time()
        return not problem

    def action_save(self) -> None:
        """Save and go on."""
        if self.paper.text != self._saved:
            self.save()

    def action_leave(self) -> None:
        """Save and go back; what cannot be saved is only given up after a question."""
        if self.paper.text == self._saved or self.save():
            self.dismiss("")
            return
        told = ("What you wrote since the last save cannot be read:", self._said.text.strip())
        self.app.push_screen(LoseScreen(told, "drop it and leave", "go on writing", self._look), self._left_unsaved)

    def _left_unsaved(self, leave: bool | None) -> None:
        if leave:
            self.dismiss("")

    def action_file(self) -> None:
        """Save, and ask whether to file."""
        if self.paper.text == self._saved or self.save():
            self.dismiss(FILE_LINE)
