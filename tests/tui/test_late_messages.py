"""A screen that has left may still be told of a change of size; that must do nothing, on every screen."""

from __future__ import annotations

from tests.tui.fake_session import FakeDrill, FakeSession
from tests.tui.screen_text import FakeClock, enter_debrief, enter_room, until
from tui.app import DrillApp
from tui.present.look import Look
from tui.screens.briefing import BriefingScreen
from tui.screens.question import HelpScreen, QuestionScreen


async def test_a_question_that_was_answered_may_be_drawn_again() -> None:
    app = DrillApp(FakeDrill(FakeSession()), clock=FakeClock())
    async with app.run_test() as pilot:
        await enter_room(pilot)
        for screen in (QuestionScreen(("leave?",), "yes", "no", Look()), HelpScreen([], "", Look())):
            await app.push_screen(screen)
            await pilot.press("escape")
            await until(pilot, lambda screen=screen: not screen.is_attached)  # type: ignore[misc]
            assert not screen.query("Lines")
            screen.on_resize()


async def test_briefing_and_room_that_were_left_may_be_drawn_again() -> None:
    app = DrillApp(FakeDrill(FakeSession()), clock=FakeClock())
    async with app.run_test() as pilot:
        briefing = app.screen
        assert isinstance(briefing, BriefingScreen)
        room = await enter_room(pilot)
        await until(pilot, lambda: not briefing.is_attached)
        briefing.on_resize()
        debrief = await enter_debrief(pilot)
        await until(pilot, lambda: not room.is_attached)
        assert not room.query("Lines")
        room.paint()
        room.tick()
        await app.switch_screen(QuestionScreen(("leave?",), "yes", "no", Look()))
        await until(pilot, lambda: not debrief.is_attached)
        assert not debrief.query("Lines")
        debrief.on_resize()
