"""The one place that reads Textual's compositor: what is on the screen, as text."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot

from tui.app import DrillApp
from tui.screens.debrief import DebriefScreen
from tui.screens.room import RoomScreen

GOLDENS = Path(__file__).parent / "goldens"


def screen_text(app: App[Any]) -> str:
    """Rows of the current screen without trailing spaces."""
    strips = app.screen._compositor.render_strips()
    rows = ["".join(segment.text for segment in strip).rstrip() for strip in strips]
    return "\n".join(rows) + "\n"


async def until(pilot: Pilot[int], holds: Callable[[], bool]) -> None:
    """Let the app work until something holds; the limit is for what never happens, however slow the machine."""
    for _ in range(12_000):
        if holds():
            await pilot.pause()
            return
        await pilot.pause(0.01)
    raise AssertionError(f"did not happen; the screen shows:\n{screen_text(pilot.app)}")


async def enter_room(pilot: Pilot[int]) -> RoomScreen:
    """From the briefing into the room."""
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, RoomScreen) and pilot.app.screen.is_mounted)
    assert isinstance(pilot.app.screen, RoomScreen)
    return pilot.app.screen


async def enter_debrief(pilot: Pilot[int]) -> DebriefScreen:
    """From the room into the scored debrief."""
    app = pilot.app
    assert isinstance(app, DrillApp)
    assert isinstance(app.screen, RoomScreen)
    app.show_debrief(app.screen.session)
    await until(pilot, lambda: isinstance(app.screen, DebriefScreen) and app.screen.view is not None)
    assert isinstance(app.screen, DebriefScreen)
    return app.screen


def assert_golden(name: str, text: str) -> None:
    """Compare with the stored screen; PAGERDRILL_WRITE_GOLDENS=1 stores it instead."""
    path = GOLDENS / f"{name}.txt"
    if os.environ.get("PAGERDRILL_WRITE_GOLDENS"):
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"no golden {path.name}; run with PAGERDRILL_WRITE_GOLDENS=1"
    assert text == path.read_text(encoding="utf-8")


class FakeClock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


async def typed(pilot: Pilot[int], text: str) -> None:
    """Press the keys of a line, without Enter."""
    names = {
        " ": "space",
        ".": "full_stop",
        "-": "minus",
        ":": "colon",
        "=": "equals_sign",
        "/": "slash",
        "[": "left_square_bracket",
        "]": "right_square_bracket",
    }
    await pilot.press(*(names.get(char, char) for char in text))
    await asyncio.sleep(0)
