"""What every pane of the room is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tui.present.cells import Line
from tui.present.look import Look

if TYPE_CHECKING:
    from simulator.session.view import SessionView

PaneId = Literal["alerts", "dashboard", "map", "logs", "notes", "comms", "timeline", "terminal"]


SHARED: tuple[PaneId, ...] = ("dashboard", "map", "logs", "notes", "comms", "timeline")
"""Panes that take turns in the middle of a narrow terminal."""
LOWER: tuple[PaneId, ...] = ("terminal", "logs", "timeline")
"""Panes that take turns above the prompt of a wide one."""


@dataclass(slots=True)
class PaneState:
    """What the user did to a pane: how far it is scrolled, what is selected, how it is filtered."""

    scroll: int = 0
    cursor: int = 0
    page: int = 0
    filter_text: str = ""
    wrap: bool = True
    window_s: float = 1800.0


@dataclass(frozen=True, slots=True)
class Drawing:
    """At most `height` lines, and how far the pane could be scrolled."""

    lines: tuple[Line, ...]
    scroll_max: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a pane is drawn: its size in cells, the look, and the state of the pane."""

    width: int
    height: int
    look: Look
    state: PaneState


Body = Callable[["SessionView", Frame], Drawing]
Caption = Callable[["SessionView", PaneState], str]


@dataclass(frozen=True, slots=True)
class PaneSpec:
    """One pane. `caption` is what its header says after the name, `aside` what stands at the header's right end."""

    pane_id: PaneId
    digit: str
    name: str
    tail: bool
    body: Body
    caption: Caption
    aside: Caption
    help: str
