"""Render the pictures of README from the running application: `python docs/screenshots.py`.

Plays the beginning of the scenario's own expert script, so the pictures show a real drill.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from scenarios.compile import to_drill
from scenarios.loader import load_scenario
from tui.app import DrillApp, render_svg
from tui.live_drill import LiveDrill
from tui.opening import Opening
from tui.places import NewRun
from tui.present.look import look_of
from tui.screens.debrief import DebriefScreen
from tui.screens.room import RoomScreen

FOLDER = Path(__file__).parent / "pictures"
SCENARIO = "gateway-504-at-3am"
SIZES = {"80x24": (80, 24), "120x40": (120, 40)}
STEPS_SHOWN = 18


def self_contained(svg: str) -> str:
    """The picture with the reader's own monospace font instead of one from the network."""
    without = re.sub(r"@font-face\s*\{.*?\}", "", svg, flags=re.DOTALL)
    return re.sub(r"<!--.*?-->", "", without, flags=re.DOTALL).replace("Fira Code", "monospace")


async def _until(condition: Callable[[], bool], pilot: Pilot[int]) -> None:
    for _ in range(600):
        if condition():
            return
        await pilot.pause(0.1)
    raise SystemExit("the screen did not come")


async def shoot(name: str, size: tuple[int, int], folder: Path) -> None:
    """Briefing, room and debrief at one size."""
    drill = to_drill(load_scenario(SCENARIO), 1)
    live = LiveDrill(Opening(drill, 1, "human", "practice"), NewRun(folder, name))
    app = DrillApp(live, look_of("block"))
    async with app.run_test(size=size) as pilot:
        await pilot.pause(0.5)
        (FOLDER / f"briefing-{name}.svg").write_text(self_contained(render_svg(app)))
        await pilot.press("enter")
        await _until(lambda: isinstance(app.screen, RoomScreen), pilot)
        room = app.screen
        assert isinstance(room, RoomScreen)
        for step in drill.expert[:STEPS_SHOWN]:
            room.session.advance(room.session.now_s + 6.0)
            room.session.submit(step.line)
        await pilot.pause(1.0)
        (FOLDER / f"room-{name}.svg").write_text(self_contained(render_svg(app)))
        for step in drill.expert[STEPS_SHOWN:]:
            room.session.advance(room.session.now_s + (step.wait_s or 6.0))
            if step.line and room.session.ended is None:
                room.session.submit(step.line)
        await pilot.pause(1.5)
        await pilot.press("enter")
        await _until(lambda: isinstance(app.screen, DebriefScreen), pilot)
        await _until(lambda: "Acknowledged" in render_svg(app), pilot)
        (FOLDER / f"debrief-{name}.svg").write_text(self_contained(render_svg(app)))


def main() -> None:
    """Write the pictures."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, size in SIZES.items():
            asyncio.run(shoot(name, size, Path(folder)))


if __name__ == "__main__":
    main()
