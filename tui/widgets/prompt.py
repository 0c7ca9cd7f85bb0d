"""The prompt: an input line with ghost text, candidates on Tab, history on Up and Down, search on ctrl+r."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

from tui.present.keys import InputMode
from tui.present.prompt import Cycle, History, candidates, ghost

Complete = Callable[[str], list[str]]


class _Ghost(Suggester):
    def __init__(self, prompt: Prompt) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._prompt = prompt

    async def get_suggestion(self, value: str) -> str | None:
        return self._prompt.ghost_for(value) or None


class Prompt(Input, inherit_bindings=False):
    """Edits one line. What the line means is the screen's business."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "cursor_left", show=False),
        Binding("ctrl+left", "cursor_left_word", show=False),
        Binding("shift+left", "cursor_left(True)", show=False),
        Binding("right", "cursor_right", show=False),
        Binding("ctrl+right", "cursor_right_word", show=False),
        Binding("shift+right", "cursor_right(True)", show=False),
        Binding("home", "home", show=False),
        Binding("end,ctrl+e", "end", show=False),
        Binding("backspace", "delete_left", show=False),
        Binding("delete,ctrl+d", "delete_right", show=False),
        Binding("ctrl+w", "delete_left_word", show=False),
        Binding("ctrl+u", "delete_left_all", show=False),
        Binding("ctrl+k", "delete_right_all", show=False),
        Binding("ctrl+v", "paste", show=False),
        Binding("enter", "submit", show=False),
        Binding("tab", "cycle(1)", show=False),
        Binding("shift+tab", "cycle(-1)", show=False),
        Binding("up", "older", show=False),
        Binding("down", "newer", show=False),
        Binding("ctrl+r", "search", show=False),
    ]

    class Edited(Message):
        """The line, the candidates or the mode changed."""

    def __init__(self, complete: Complete) -> None:
        super().__init__(id="prompt-input", compact=True, select_on_focus=False, suggester=_Ghost(self))
        self.history = History()
        self.mode: InputMode = "INSERT"
        self.offered: tuple[str, ...] = ()
        self.cycle: Cycle | None = None
        self.found_skip = 0
        self._complete = complete
        self._set_by_us: str | None = None

    def _offers(self, text: str) -> tuple[str, ...]:
        if self.mode != "INSERT":
            return ()
        try:
            return candidates(text, self._complete(text))
        except Exception as error:  # noqa: BLE001 - completion is a courtesy; typing goes on without it
            self.log.error(f"completion of {text!r}: {error!r}")
            return ()

    def ghost_for(self, text: str) -> str:
        """What Right would accept: the first candidate, else the newest history line that goes on like this."""
        if self.mode != "INSERT" or self.cycle is not None:
            return ""
        return ghost(text, self._offers(text)) or ghost(text, list(reversed(self.history.lines)))

    def put(self, text: str) -> None:
        """Replace the line without treating it as typing."""
        self._set_by_us = text
        self.value = text
        self.cursor_position = len(text)

    def set_mode(self, mode: InputMode, text: str = "") -> None:
        """Use the line for commands, for a log filter or for a history search."""
        self.mode = mode
        self.found_skip = 0
        self.cycle = None
        self.offered = ()
        self.put(text)
        self.post_message(self.Edited())

    def on_input_changed(self, event: Input.Changed) -> None:
        """Typing ends a walk through candidates or history."""
        if event.value == self._set_by_us:
            self._set_by_us = None
        else:
            self.cycle = None
            self.history.leave()
            self.found_skip = 0
            self.offered = self._offers(event.value)
        self.post_message(self.Edited())

    def action_cycle(self, by: int) -> None:
        """The next or previous candidate; after the last one, what was typed."""
        if self.mode != "INSERT":
            return
        if self.cycle is None:
            self.offered = self._offers(self.value)
            if not self.offered:
                return
            self.cycle = Cycle(self.value, self.offered)
            if len(self.offered) == 1:
                self.put(self.offered[0])
                self.cycle = None
                self.offered = ()
                self.post_message(self.Edited())
                return
        self.put(self.cycle.step(by))
        self.post_message(self.Edited())

    def action_older(self) -> None:
        """The next older history line with the same beginning."""
        if self.mode == "INSERT":
            self.put(self.history.older(self.value))

    def action_newer(self) -> None:
        """Back towards what was typed."""
        if self.mode == "INSERT":
            self.put(self.history.newer(self.value))

    def action_search(self) -> None:
        """Search history; pressed again, an older match."""
        if self.mode == "SEARCH":
            self.found_skip += 1
            self.post_message(self.Edited())
        elif self.mode == "INSERT":
            self.set_mode("SEARCH")

    @property
    def found(self) -> str | None:
        """The history line the search points at."""
        return self.history.search(self.value, self.found_skip)
