"""Where each part of the room lies, for any terminal size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tui.present.pane import LOWER, SHARED, PaneId

COLUMNS_MIN, ROWS_MIN = 60, 18
WIDE_COLUMNS, TALL_ROWS = 100, 32
HUGE_COLUMNS, HUGE_ROWS = 160, 46
SIDE_COLUMNS = 43
HUGE_SIDE_COLUMNS = 52

PartId = Literal[
    "status", "prompt", "candidates", "footer",
    "alerts", "dashboard", "map", "logs", "notes", "comms", "timeline", "terminal",
]  # fmt: skip
Kind = Literal["narrow", "wide", "huge"]


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle of cells."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class RoomChoice:
    """What the user chose to see: the tab of the shared area, the lower pane when wide, one pane alone."""

    tab: PaneId = "dashboard"
    lower: PaneId = "terminal"
    zoomed: PaneId | None = None


def kind_of(width: int, height: int) -> Kind:
    """Tabs, two columns, or everything at once. Both dimensions must allow it."""
    if width >= HUGE_COLUMNS and height >= HUGE_ROWS:
        return "huge"
    return "wide" if width >= WIDE_COLUMNS and height >= TALL_ROWS else "narrow"


def room_regions(width: int, height: int, choice: RoomChoice) -> dict[PartId, Rect]:
    """Regions of the parts that are visible. The status bar, the prompt, its candidates and the footer always are."""
    parts: dict[PartId, Rect] = {
        "status": Rect(0, 0, width, 1),
        "footer": Rect(0, height - 1, width, 1),
    }
    kind = kind_of(width, height)
    if choice.zoomed is not None:
        parts[choice.zoomed] = Rect(0, 1, width, height - 4)
        return parts | _prompt(0, height - 3, width)
    if kind == "narrow":
        return parts | _narrow(width, height, choice)
    return parts | (_wide(width, height, choice) if kind == "wide" else _huge(width, height))


def _prompt(x: int, y: int, width: int) -> dict[PartId, Rect]:
    return {"prompt": Rect(x, y, width, 1), "candidates": Rect(x, y + 1, width, 1)}


def _stack(x: int, y: int, width: int, parts: list[tuple[PartId, int]]) -> dict[PartId, Rect]:
    placed: dict[PartId, Rect] = {}
    for name, rows in parts:
        placed[name] = Rect(x, y, width, rows)
        y += rows
    return placed


def _narrow(width: int, height: int, choice: RoomChoice) -> dict[PartId, Rect]:
    rest = height - 4
    alerts = 4 if rest < 18 else 5 if rest < 30 else 7
    terminal = max(4, rest * 3 // 10)
    tab = choice.tab if choice.tab in SHARED else "dashboard"
    stack: list[tuple[PartId, int]] = [("alerts", alerts), (tab, rest - alerts - terminal), ("terminal", terminal)]
    return _stack(0, 1, width, stack) | _prompt(0, height - 3, width)


def _wide(width: int, height: int, choice: RoomChoice) -> dict[PartId, Rect]:
    rest = height - 2
    alerts, notes, comms = max(6, rest * 21 // 100), rest * 20 // 100, rest * 24 // 100
    side = SIDE_COLUMNS - 1
    left: list[tuple[PartId, int]] = [
        ("alerts", alerts), ("map", rest - alerts - notes - comms), ("notes", notes), ("comms", comms),
    ]  # fmt: skip
    charts = rest * 53 // 100
    lower = choice.lower if choice.lower in LOWER else "terminal"
    right: list[tuple[PartId, int]] = [("dashboard", charts), (lower, rest - charts - 2)]
    x, room = SIDE_COLUMNS, width - SIDE_COLUMNS
    return _stack(0, 1, side, left) | _stack(x, 1, room, right) | _prompt(x, height - 3, room)


def _huge(width: int, height: int) -> dict[PartId, Rect]:
    rest = height - 2
    left: list[tuple[PartId, int]] = [
        ("alerts", rest // 4),
        ("map", rest - rest // 4 - rest // 3),
        ("comms", rest // 3),
    ]
    x, right_x = SIDE_COLUMNS, width - HUGE_SIDE_COLUMNS + 1
    room = right_x - 1 - x
    charts, logs = rest * 48 // 100, rest * 18 // 100
    middle: list[tuple[PartId, int]] = [
        ("dashboard", charts), ("logs", logs), ("terminal", rest - charts - logs - 2),
    ]  # fmt: skip
    right: list[tuple[PartId, int]] = [("notes", rest // 2), ("timeline", rest - rest // 2)]
    return (
        _stack(0, 1, SIDE_COLUMNS - 1, left)
        | _stack(x, 1, room, middle)
        | _stack(right_x, 1, width - right_x, right)
        | _prompt(x, height - 3, room)
    )
