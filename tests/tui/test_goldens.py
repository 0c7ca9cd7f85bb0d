from __future__ import annotations

import pytest

from tests.tui.fake_session import JOINED_S, FakeDrill, FakeSession
from tests.tui.screen_text import FakeClock, assert_golden, enter_debrief, enter_room, screen_text, typed, until
from tui.app import DrillApp
from tui.present.look import GlyphName, look_of
from tui.screens.briefing import BriefingScreen


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("glyphs", ["block", "ascii"])
async def test_screens_look_like_their_goldens(
    size: tuple[int, int], glyphs: GlyphName, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Default look, and NO_COLOR with ASCII; states must differ in text alone."""
    if glyphs == "ascii":
        monkeypatch.setenv("NO_COLOR", "1")
    session, clock = FakeSession(), FakeClock()
    app = DrillApp(FakeDrill(session), look_of(glyphs), clock=clock)
    name = f"{size[0]}x{size[1]}-{glyphs}"
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.screen, BriefingScreen) and app.screen.session is not None)
        assert_golden(f"briefing-{name}", screen_text(app))
        room = await enter_room(pilot)
        for line in ("ack 1", "kubectl get pods", "note 504 on all three routes at once: shared dependency?", "wat"):
            room.enter(line)
        session.advance(JOINED_S + 402)
        room.refresh_view()
        await typed(pilot, "kubectl get ")
        await pilot.pause(0.1)
        assert_golden(f"room-{name}", screen_text(app))
        await pilot.press("escape", "2", "z")
        await pilot.pause(0.05)
        assert_golden(f"dash-zoomed-{name}", screen_text(app))
        await pilot.press("z", "question_mark")
        await pilot.pause(0.05)
        assert_golden(f"help-{name}", screen_text(app))
        await pilot.press("escape")
        await enter_debrief(pilot)
        await pilot.press("j")
        assert_golden(f"debrief-{name}", screen_text(app))
        if glyphs == "ascii":
            assert screen_text(app).isascii()
        await pilot.press("2")
        assert_golden(f"debrief-timeline-{name}", screen_text(app))
