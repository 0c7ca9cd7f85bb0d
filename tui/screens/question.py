"""Modal screens that show a few lines and wait for a key: questions, help.

Like every screen here they hold the widgets they draw on instead of looking them up: a change of size can still arrive
when the screen has left and its widgets are no longer found.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.present.cells import EMPTY, Line, Span, clean, fit, window, wrap
from tui.present.look import Look
from tui.present.preview import preview_lines
from tui.widgets.lines import Lines


class QuestionScreen(ModalScreen[bool], inherit_bindings=False):
    """Asks one thing. True for yes; Ctrl-C counts as yes so that pressing it twice always leaves."""

    LABELS: ClassVar[tuple[str, str]] = ("Enter", "Esc")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter,ctrl+c", "answer(True)", show=False),
        Binding("n,escape", "answer(False)", show=False),
    ]
    SCOPED_CSS = False  # the questions that extend this one look the same
    CSS = """
    QuestionScreen { align: center middle; background: $tone-back 60%; }
    QuestionScreen > Vertical {
        width: 76; max-width: 100%; height: auto; padding: 1 2; background: $tone-bar; border-left: wide $tone-focus;
    }
    QuestionScreen.-ascii > Vertical { border: ascii $tone-focus; }
    """

    def __init__(self, text: tuple[str, ...], yes: str, no: str, look: Look) -> None:
        super().__init__(classes="-ascii" if look.ascii else "")
        self._text = text
        self._answers = (yes, no)
        self._shown = Lines(id="question")

    def compose(self) -> ComposeResult:
        with Vertical():
            yield self._shown

    def on_mount(self) -> None:
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _asked(self, width: int, height: int) -> list[Line]:
        """What stands over the keys."""
        return [(Span(piece),) for text in self._text for piece in wrap(clean(text), width)]

    def _draw(self) -> None:
        lines = self._asked(max(20, min(76, self.app.size.width) - 6), max(6, self.app.size.height - 4))
        keys: list[Span] = []
        for label, says in zip(self.LABELS, self._answers, strict=True):
            keys += [Span(label, "key"), Span(f" {says}   ")] if says else []
        lines += [EMPTY, tuple(keys)]
        self._shown.styles.height = len(lines)
        self._shown.show(tuple(lines))

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes)


class LoseScreen(QuestionScreen, inherit_bindings=False):
    """Asks before something is lost. True for a D; every other answer keeps it."""

    LABELS: ClassVar[tuple[str, str]] = ("D", "Esc")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d,D", "answer(True)", show=False),
        Binding("n,enter,escape,ctrl+c", "answer(False)", show=False),
    ]


class SendScreen(QuestionScreen, inherit_bindings=False):
    """Shows what a line was understood as. True sends it; anything else goes back to the line, Ctrl-C too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer(True)", show=False),
        Binding("n,escape,ctrl+c", "answer(False)", show=False),
    ]

    def __init__(self, line: str, preview: str, look: Look) -> None:
        super().__init__((), "yes", "no, back to the line", look)
        self._line = line
        self._preview = preview
        self._look = look

    def _asked(self, width: int, height: int) -> list[Line]:
        return preview_lines(self._line, self._preview, width, height - 2, self._look)


class HelpScreen(ModalScreen[None], inherit_bindings=False):
    """Help over the whole screen, scrollable; any leaving key closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,Q,f1,question_mark,enter,ctrl+c", "close", show=False),
        Binding("j,down", "move(1)", show=False),
        Binding("k,up", "move(-1)", show=False),
        Binding("pagedown,space", "move(15)", show=False),
        Binding("pageup", "move(-15)", show=False),
        Binding("g,home", "move(-10000)", show=False),
        Binding("G,end", "move(10000)", show=False),
    ]
    CSS = "HelpScreen { background: $tone-back; }"

    def __init__(self, lines: list[Line], note: str, look: Look) -> None:
        super().__init__()
        self._lines = lines
        self._note = note
        self._look = look
        self._scroll = 0
        self._shown = Lines(id="help")

    def compose(self) -> ComposeResult:
        yield self._shown

    def on_mount(self) -> None:
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        width, height = self.app.size
        shown, scroll_max = window(self._lines, height - 1, self._scroll, tail=False)
        self._scroll = min(self._scroll, scroll_max)
        blank = (EMPTY,) * (height - 1 - len(shown))
        keys = [Span(" HELP ", "select"), Span("  "), Span("Esc", "key"), Span(" back")]
        if scroll_max:
            keys += [
                Span("  "),
                Span("j k", "key"),
                Span(f" scroll ({self._scroll + len(shown)} of {len(self._lines)})"),
            ]
        keys.append(Span(f"  {self._note}", "dim"))
        cut = self._look.glyphs.ellipsis
        rows = (*(fit(line, width, cut) for line in shown), *blank, fit(tuple(keys), width, cut))
        self._shown.show(rows)

    def action_move(self, steps: int) -> None:
        """Scroll."""
        self._scroll = max(0, self._scroll + steps)
        self._draw()

    def action_close(self) -> None:
        """Back to where the user was."""
        self.dismiss(None)
