"""Command palette of the room: every key's action and every first word the session knows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from tui.present.keys import ANYWHERE, IN_KEYS
from tui.present.pane import PaneId
from tui.present.panes import PANES

_NOT_HERE = ("digit", "palette", "leave")


class Room(Protocol):
    """What the palette asks of the room and does in it."""

    @property
    def theme_names(self) -> Sequence[str]:
        """Themes that may be chosen, if the app has them."""

    def run_action(self, action: str) -> Awaitable[object]:
        """Do what the key of that action does."""

    def action_pane(self, pane_id: PaneId) -> None:
        """Show a pane."""

    def prefill(self, text: str) -> None:
        """Put text into the prompt without running it."""

    def first_words(self) -> Sequence[str]:
        """Words that a command may begin with."""


class RoomCommands(Provider):
    """Actions first, panes next, then commands to type, which are put into the prompt and not run."""

    def _entries(self) -> list[tuple[str, str, Callable[[], object]]]:
        room = cast("Room", self.screen)
        keys = [key for key in (*IN_KEYS, *ANYWHERE) if key.short and key.action not in _NOT_HERE]
        themes = [theme for theme in room.theme_names if theme in self.app.available_themes]
        entries: list[tuple[str, str, Callable[[], object]]] = [
            *((f"{key.short}: {key.says}", f"key {key.label}", partial(room.run_action, key.action)) for key in keys),
            *((f"pane: {spec.name}", f"key {spec.digit}", partial(room.action_pane, spec.pane_id)) for spec in PANES),
            *((f"theme: {theme}", "colours", partial(setattr, self.app, "theme", theme)) for theme in themes),
            *((f"type: {word}", "into the prompt", partial(room.prefill, word + " ")) for word in room.first_words()),
        ]
        return list({says: (says, note, run) for says, note, run in entries}.values())

    async def discover(self) -> Hits:
        for says, note, run in self._entries():
            yield DiscoveryHit(Content(says), run, text=says, help=note)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for says, note, run in self._entries():
            score = matcher.match(says)
            if score > 0:
                yield Hit(score, Content(says), run, text=says, help=note)
