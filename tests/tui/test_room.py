from __future__ import annotations

import random

import pytest
from textual.app import App

from reference_platform.errors import ConfigError
from tests.tui.fake_session import JOINED_S, FakeDrill, FakeSession
from tests.tui.screen_text import FakeClock, enter_debrief, enter_room, screen_text, typed, until
from tui.app import DrillApp, farewell, render_svg
from tui.screens.briefing import BriefingScreen
from tui.screens.debrief import DebriefScreen
from tui.screens.postmortem import PostmortemScreen
from tui.screens.question import HelpScreen, QuestionScreen, SendScreen
from tui.screens.room import RoomScreen
from tui.widgets.prompt import Prompt


def _app(mode: str = "practice") -> tuple[DrillApp, FakeSession, FakeClock]:
    session, clock = FakeSession(mode), FakeClock()
    return DrillApp(FakeDrill(session), clock=clock), session, clock


async def test_letters_type_in_the_prompt_and_enter_submits_at_the_current_instant() -> None:
    app, session, _ = _app()
    async with app.run_test() as pilot:
        room = await enter_room(pilot)
        await typed(pilot, "kubectl get pods")
        assert room.prompt.value == "kubectl get pods"
        await pilot.press("enter")
        assert session.lines == [(JOINED_S, "kubectl get pods")]
        assert room.prompt.value == ""
        assert "CrashLoopBackOff" in screen_text(app)


async def test_escape_leads_to_keys_where_letters_act_and_i_leads_back() -> None:
    app, session, _ = _app()
    async with app.run_test() as pilot:
        room = await enter_room(pilot)
        await pilot.press("escape")
        assert room.mode == "KEYS"
        await pilot.press("3")
        assert "[3 Map]" in screen_text(app)
        await pilot.press("a")
        assert session.lines == [(JOINED_S, "ack 1")]
        await pilot.press("i")
        assert room.mode == "INSERT"
        await pilot.press("3")
        assert room.prompt.value == "3"


async def test_jump_reaches_every_pane_from_the_prompt_in_two_strokes() -> None:
    app, _, _ = _app()
    async with app.run_test() as pilot:
        room = await enter_room(pilot)
        names = ("alerts", "dashboard", "map", "logs", "notes", "comms", "timeline", "terminal")
        for digit, pane in enumerate(names, 1):
            await pilot.press("ctrl+o", str(digit))
            assert room.active == pane
            assert room.mode == "KEYS"
        await pilot.press("ctrl+o")
        assert room.mode == "JUMP"
        await pilot.press("x", "escape")
        assert room.mode == "INSERT"


async def test_tab_cycles_candidates_right_accepts_the_ghost_and_up_walks_history() -> None:
    app, _, _ = _app()
    async with app.run_test() as pilot:
        room = await enter_room(pilot)
        await typed(pilot, "kubectl get ")
        await pilot.press("tab")
        assert room.prompt.value == "kubectl get pods"
        await pilot.press("tab")
        assert room.prompt.value == "kubectl get nodes"
        await pilot.press("shift+tab", "shift+tab")
        assert room.prompt.value == "kubectl get "
        await pilot.press("ctrl+u")
        await typed(pilot, "kub")
        await pilot.pause(0.05)
        await pilot.press("right")
        assert room.prompt.value == "kubectl"
        await pilot.press("enter")
        await typed(pilot, "echo a")
        await pilot.press("enter", "k", "up")
        assert room.prompt.value == "kubectl"
        await pilot.press("ctrl+u", "ctrl+r", "e", "c", "enter")
        assert room.prompt.value == "echo a"


async def test_pause_and_speed_by_key_and_by_word() -> None:
    app, session, clock = _app()
    async with app.run_test() as pilot:
        room = await enter_room(pilot)
        await typed(pilot, "speed 10")
        await pilot.press("enter")
        assert "x10 RUN" in screen_text(app)
        clock.now_s += 0.1
        await until(pilot, lambda: session.now_s == pytest.approx(JOINED_S + 1.0))
        await pilot.press("escape", "space")
        assert "x10 PAUSED" in screen_text(app)
        clock.now_s += 5
        await pilot.pause(0.3)
        assert session.now_s == pytest.approx(JOINED_S + 1.0)
        await pilot.press("right_square_bracket", "left_square_bracket", "left_square_bracket", "i")
        await typed(pilot, "resume-clock")
        await pilot.press("enter")
        assert "x5 RUN" in screen_text(app)
        assert session.lines == []
        assert room.pump.speed == 5


async def test_interview_rules_refuse_pause_and_speed_and_say_so() -> None:
    app, _, _ = _app("interview")
    async with app.run_test(size=(120, 40)) as pilot:
        room = await enter_room(pilot)
        assert "INTERVIEW" in screen_text(app)
        await pilot.press("escape", "space", "right_square_bracket")
        assert (room.pump.paused, room.pump.speed) == (False, 1)


async def test_reading_help_stops_the_clock_in_practice_only() -> None:
    for mode, moves in (("practice", False), ("interview", True)):
        app, session, clock = _app(mode)
        async with app.run_test() as pilot:
            await enter_room(pilot)
            await pilot.press("f1")
            assert isinstance(app.screen, HelpScreen)
            for _ in range(4):
                clock.now_s += 0.4
                await pilot.pause(0.15)
            assert (session.now_s > JOINED_S) is moves


async def test_the_prompt_stays_visible_through_a_storm_of_sizes() -> None:
    app, _, _ = _app()
    async with app.run_test(size=(200, 60)) as pilot:
        await enter_room(pilot)
        await typed(pilot, "echo half")
        for size in ((60, 18), (80, 24), (120, 40), (59, 17), (20, 5), (160, 46), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause(0.05)
            text = screen_text(app)
            if size in ((59, 17), (20, 5)):
                assert f"{size[0]}x{size[1]}" in text.replace("\n", " ")
            else:
                assert "ops$ echo half" in text
        await pilot.press("x", "enter")
        assert "echo halfx" in screen_text(app)


async def test_untrusted_text_is_drawn_as_it_is() -> None:
    app, session, _ = _app()
    async with app.run_test(notifications=True) as pilot:
        room = await enter_room(pilot)
        for text in ("[/foo] [bold red]x", "監視カメラ", "\x1b[31mred\x1b[0m", "y" * 10_000, "zero\u200bwidth"):
            room.enter(f"echo {text}")
            room.enter(f"note {text}")
            await pilot.pause()
        room.enter("echo [/foo] [bold red]x")
        await pilot.pause()
        assert "[/foo] [bold red]x" in screen_text(app)
        for digit in "1234567":
            await pilot.press("ctrl+o", digit)
        assert "\x1b" not in screen_text(app)
        room.enter("refuse")
        await pilot.pause(0.2)
        assert "no space left" in screen_text(app)
        assert session.lines[-1][1] == "refuse"


async def test_a_pane_that_breaks_becomes_an_error_card_and_the_clock_pauses() -> None:
    app, session, _ = _app()
    async with app.run_test() as pilot:
        room = await enter_room(pilot)
        session.broken_series = True
        room.refresh_view()
        await pilot.pause()
        assert "!! Dash could not be drawn" in screen_text(app)
        assert room.pump.paused
        await typed(pilot, "echo alive")
        await pilot.press("enter")
        assert session.lines[-1][1] == "echo alive"


async def test_the_log_filter_is_edited_in_the_prompt_line() -> None:
    app, _, _ = _app()
    async with app.run_test() as pilot:
        room = await enter_room(pilot)
        await pilot.press("escape", "slash")
        assert room.mode == "FILTER"
        await typed(pilot, "!gateway")
        assert "/!gateway 26 of 40" in screen_text(app)
        await pilot.press("enter")
        assert room.mode == "KEYS"
        assert room.active == "logs"
        assert " gateway " not in screen_text(app)
        await pilot.press("escape")
        assert room.pane("logs").state.filter_text == ""


async def test_leaving_asks_first_and_tells_how_to_resume() -> None:
    app, session, _ = _app()
    async with app.run_test() as pilot:
        await enter_room(pilot)
        await pilot.press("ctrl+c")
        assert isinstance(app.screen, QuestionScreen)
        assert "pagerdrill resume run-7" in screen_text(app)
        await pilot.press("escape")
        assert isinstance(app.screen, RoomScreen)
        await pilot.press("ctrl+c", "ctrl+c")
        await pilot.pause()
    assert app.return_value == 130
    assert session.closed
    assert "pagerdrill resume run-7" in farewell(app, 130)


async def test_the_end_leads_to_the_debrief_and_its_verdict_is_the_exit_code() -> None:
    app, _, _ = _app()
    async with app.run_test() as pilot:
        room = await enter_room(pilot)
        room.enter("resolve x")
        await until(pilot, lambda: isinstance(app.screen, QuestionScreen))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DebriefScreen) and app.screen.view is not None)
        for key in ("j", "2", "3", "4", "right", "left", "1", "question_mark", "escape"):
            await pilot.press(key)
        assert "68/100" in screen_text(app)
        await pilot.press("q")
        await pilot.pause()
    assert app.return_value == 0


async def test_the_debrief_is_exported_beside_the_run_file(tmp_path) -> None:  # type: ignore[no-untyped-def]
    app, _, _ = _app()
    app.drill.run_path = str(tmp_path / "run.jsonl")  # type: ignore[misc]
    async with app.run_test() as pilot:
        await enter_room(pilot)
        await enter_debrief(pilot)
        await pilot.press("e")
    assert (tmp_path / "run.md").read_text().startswith("# Debrief: Every model answers 504")


async def test_a_drill_that_cannot_start_says_why_and_ends_with_2() -> None:
    app, _, _ = _app()
    app.drill.failure = ConfigError("the cache is damaged", fix="pagerdrill doctor")  # type: ignore[attr-defined]
    async with app.run_test() as pilot:
        await until(pilot, lambda: "the cache is damaged" in screen_text(app))
        assert isinstance(app.screen, BriefingScreen)
        await pilot.press("enter", "q")
        await pilot.pause()
    assert app.return_value == 2
    assert "pagerdrill doctor" in farewell(app, 2)


async def test_the_palette_lists_actions_and_puts_commands_into_the_prompt() -> None:
    app, _, _ = _app()
    async with app.run_test() as pilot:
        room = await enter_room(pilot)
        await pilot.press("ctrl+p")
        await pilot.pause(0.3)
        await typed(pilot, "type: kube")
        await pilot.pause(0.5)
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is room)
        await until(pilot, lambda: room.prompt.value == "kubectl ")


async def test_random_keys_never_break_the_room() -> None:
    rng = random.Random(7)
    keys = [*"abeghijknswxz1234567890", "space", "escape", "enter", "tab", "up", "down", "left", "right", "slash",
            "ctrl+o", "ctrl+r", "ctrl+u", "f1", "question_mark", "left_square_bracket", "right_square_bracket",
            "greater_than_sign", "pageup", "pagedown", "G", "home", "end", "backspace"]  # fmt: skip
    app, session, clock = _app()
    async with app.run_test() as pilot:
        await enter_room(pilot)
        for _ in range(200):
            await pilot.press(rng.choice(keys))
            clock.now_s += 0.05
        while not isinstance(app.screen, RoomScreen):
            await pilot.press("escape")
        room = app.screen
        await pilot.press("escape", "i", "ctrl+u")
        room.enter("echo still here")
        assert session.lines[-1][1] == "echo still here"


def test_no_binding_uses_a_chord_that_terminals_or_multiplexers_take() -> None:
    taken = {f"ctrl+{letter}" for letter in "hijmsqzba"}
    screens = (RoomScreen, BriefingScreen, DebriefScreen, HelpScreen, QuestionScreen, SendScreen, PostmortemScreen)
    for owner in (DrillApp, *screens, Prompt):
        bound = {key for binding in owner.BINDINGS for key in str(binding.key).split(",")}  # type: ignore[attr-defined]
        assert not bound & taken
    app: App[int] = DrillApp(FakeDrill())
    assert not set(app._bindings.key_to_bindings) & taken


async def test_the_screen_can_be_exported_as_a_picture() -> None:
    app, _, _ = _app()
    async with app.run_test(size=(120, 40)) as pilot:
        await enter_room(pilot)
        assert render_svg(app).startswith("<svg")
