"""What speaks to people or costs something is shown first, and the post-mortem is written in a pane or an editor."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from reference_platform.errors import ConfigError
from simulator.incident.postmortem import unescaped
from tests.tui.fake_session import JOINED_S, FakeDrill, FakeSession
from tests.tui.screen_text import FakeClock, enter_room, screen_text, typed, until
from tui.app import DrillApp
from tui.editor import draft_path, edit_outside, edit_text
from tui.plain import run_plain
from tui.present.briefing import briefing_lines
from tui.present.cells import text_of, width_of
from tui.present.front_commands import edit_asked
from tui.present.look import look_of
from tui.present.preview import preview_lines
from tui.screens.postmortem import PostmortemScreen
from tui.screens.question import LoseScreen, SendScreen

UPDATE = "status the shop shows defaults"
LOOK = look_of("ascii")


def _app(mode: str = "practice") -> tuple[DrillApp, FakeSession, FakeClock]:
    session, clock = FakeSession(mode), FakeClock()
    return DrillApp(FakeDrill(session), LOOK, clock=clock), session, clock


async def test_an_update_is_shown_as_understood_and_sent_after_a_yes() -> None:
    app, session, clock = _app()
    async with app.run_test() as pilot:
        room = await enter_room(pilot)
        for key in ("enter", "y"):
            await typed(pilot, UPDATE)
            await pilot.press("enter")
            assert isinstance(app.screen, SendScreen)
            text = screen_text(app)
            assert "Send this update?" in text
            assert "at 03:22 = in 15m" in text
            count = len(session.lines)
            clock.now_s += 0.4
            await pilot.press(key)
            await until(pilot, lambda: app.screen is room)
            assert [line for _, line in session.lines[count:]] == [UPDATE]
            assert room.prompt.value == ""
        assert session.lines[0] == (JOINED_S, UPDATE), "no time passes while one reads what one is about to send"


@pytest.mark.parametrize("key", ["escape", "n", "ctrl+c"])
async def test_a_no_goes_back_to_the_line_and_nothing_is_lost(key: str) -> None:
    app, session, _ = _app()
    async with app.run_test() as pilot:
        room = await enter_room(pilot)
        await typed(pilot, UPDATE)
        await pilot.press("enter", key)
        await until(pilot, lambda: app.screen is room)
        assert session.lines == []
        assert room.prompt.value == UPDATE
        assert room.mode == "INSERT"
        await pilot.press("!", "enter", "enter")
        assert [line for _, line in session.lines] == [UPDATE + "!"]


async def test_a_hint_shows_its_price_first() -> None:
    app, session, _ = _app()
    async with app.run_test(size=(120, 40)) as pilot:
        await enter_room(pilot)
        assert "hint(-4)" in screen_text(app)
        await typed(pilot, "hint")
        await pilot.press("enter")
        assert "Take a hint?" in screen_text(app)
        assert "costs 4 points; after the last one Lean Hire is the most" in screen_text(app)
        await pilot.press("escape")
        assert session.lines == []


async def test_a_preview_that_breaks_stops_no_line() -> None:
    app, session, _ = _app()

    def broken(line: str) -> str | None:
        raise RuntimeError(line)

    session.preview = broken  # type: ignore[method-assign]
    async with app.run_test() as pilot:
        room = await enter_room(pilot)
        room.enter(UPDATE)
        await pilot.pause()
        assert [line for _, line in session.lines] == [UPDATE]


async def _writing(pilot, app: DrillApp, line: str = "postmortem") -> PostmortemScreen:  # type: ignore[no-untyped-def]
    await typed(pilot, line)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, PostmortemScreen) and app.screen.paper.has_focus)
    screen = app.screen
    assert isinstance(screen, PostmortemScreen)
    return screen


@pytest.mark.parametrize("line", ["postmortem", "postmortem edit", "pm"])
async def test_the_post_mortem_is_written_in_a_pane_and_saved_as_lines(line: str) -> None:
    app, session, _ = _app()
    async with app.run_test() as pilot:
        room = await enter_room(pilot)
        screen = await _writing(pilot, app, line)
        assert "## Summary" in screen_text(app)
        assert "page GatewayErrorBudgetBurn" in screen_text(app)
        await typed(pilot, "it leaked")
        await pilot.press("enter")
        assert "not saved yet" in screen_text(app)
        assert session.lines == []
        await pilot.press("ctrl+o")
        assert [text for _, text in session.lines] == ["postmortem set summary it leaked"]
        assert screen.paper.text.count("it leaked") == 1
        await typed(pilot, "badly")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is room)
        assert [text for _, text in session.lines][1:] == ["postmortem set summary it leaked\\nbadly"]
        await _writing(pilot, app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is room)
        assert len(session.lines) == 2, "what did not change is not saved again"


async def test_a_pause_saves_what_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.screens.postmortem.PAUSE_S", 0.01)
    app, session, _ = _app()
    async with app.run_test() as pilot:
        await enter_room(pilot)
        screen = await _writing(pilot, app)
        screen.paper.insert("it leaked")
        await until(pilot, lambda: bool(session.lines))
        assert [text for _, text in session.lines] == ["postmortem set summary it leaked"]
        assert app.screen is screen


async def test_filing_from_the_pane_saves_and_asks() -> None:
    app, session, _ = _app()
    async with app.run_test() as pilot:
        await enter_room(pilot)
        await _writing(pilot, app)
        await typed(pilot, "it leaked")
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(app.screen, SendScreen))
        assert "File the post-mortem?" in screen_text(app)
        assert [text for _, text in session.lines] == ["postmortem set summary it leaked"]
        await pilot.press("enter")
        assert [text for _, text in session.lines][1:] == ["postmortem file"]


async def test_a_text_that_cannot_be_read_is_kept_until_one_drops_it() -> None:
    app, session, _ = _app()
    async with app.run_test() as pilot:
        room = await enter_room(pilot)
        screen = await _writing(pilot, app)
        screen.paper.insert("## Nonsense\n")
        for key in ("escape", "f2", "ctrl+o"):
            await pilot.press(key)
            await pilot.pause()
            assert 'line 4: no section "Nonsense"' in screen_text(app)
            if isinstance(app.screen, LoseScreen):
                await pilot.press("escape")
            assert app.screen is screen
        assert "## Nonsense" in screen.paper.text
        assert session.lines == []
        await pilot.press("escape", "d")
        await until(pilot, lambda: app.screen is room)
        assert session.lines == []


async def test_a_section_that_the_drill_refuses_is_told_in_the_pane() -> None:
    app, session, _ = _app()
    async with app.run_test() as pilot:
        await enter_room(pilot)
        screen = await _writing(pilot, app)
        session.submit = session_refuses  # type: ignore[method-assign]
        await typed(pilot, "it leaked")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LoseScreen))
        assert "the drill is over" in screen_text(app)
        await pilot.press("escape")
        assert app.screen is screen


def session_refuses(line: str):  # type: ignore[no-untyped-def]
    """What a drill that has ended answers."""
    from simulator.session.view import CommandResult

    return CommandResult("the drill is over", 1, 0.0, 0)


async def test_the_pane_fits_every_size_and_shows_the_clock() -> None:
    app, session, _ = _app("interview")
    async with app.run_test(size=(60, 18)) as pilot:
        await enter_room(pilot)
        screen = await _writing(pilot, app)
        for size in ((60, 18), (80, 24), (200, 60)):
            await pilot.resize_terminal(*size)
            await pilot.pause(0.05)
            rows = screen_text(app).splitlines()
            assert rows[0].startswith(" POST-MORTEM ")
            assert rows[-1].startswith("  Esc save and back  F2 save and file")
            assert screen_text(app).isascii()
        session.advance(JOINED_S + 61)
        screen.tell_time()
        await pilot.pause()
        assert "T+01:01 of 30:00" in screen_text(app)
        session.ended = "timeout"
        screen.tell_time()
        await pilot.pause()
        assert "the drill is over" in screen_text(app)


# --- line mode ------------------------------------------------------------------------------------------------------


class _Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def _plain(stdin: io.StringIO) -> tuple[list[str], str]:
    session, err = FakeSession(), io.StringIO()
    run_plain(FakeDrill(session), stdin, io.StringIO(), err)
    return [line for _, line in session.lines], err.getvalue()


def test_line_mode_asks_a_person_and_never_a_pipe() -> None:
    assert _plain(io.StringIO(f"{UPDATE}\nhint\n"))[0] == [UPDATE, "hint"]
    for yes in ("", "y", "Yes"):
        lines, err = _plain(_Tty(f"{UPDATE}\n{yes}\nack 1\n"))
        assert lines == [UPDATE, "ack 1"]
        assert "Send this update?" in err
        assert "next    at 03:22 = in 15m" in err
    for no in ("n", "no", "what?"):
        lines, err = _plain(_Tty(f"{UPDATE}\n{no}\nack 1\n"))
        assert lines == ["ack 1"]
        assert f"not sent: {UPDATE}" in err
    assert _plain(_Tty(UPDATE + "\n"))[0] == [], "the end of the input is no yes"


def test_line_mode_edits_only_for_a_person(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", _editor(tmp_path, "text.replace('## Summary\\n', '## Summary\\nIt leaked.\\n')"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert _plain(io.StringIO("postmortem edit\n"))[0] == ["postmortem edit"]
    lines, err = _plain(_Tty("postmortem edit\n"))
    assert lines == ["postmortem set summary It leaked."]
    assert "saved: 1 section" in err
    assert _plain(_Tty("postmortem\n"))[0] == ["postmortem"]


# --- the user's editor ----------------------------------------------------------------------------------------------


def _editor(folder: Path, change: str, code: int = 0) -> str:
    script = folder / "editor.py"
    script.write_text(
        "import pathlib, sys\npath = pathlib.Path(sys.argv[1])\ntext = path.read_text()\n"
        f"path.write_text({change})\nsys.exit({code})\n"
    )
    return f"{sys.executable} {script}"


def test_an_edited_text_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "draft.md"
    assert edit_text("a\n", path, {"EDITOR": _editor(tmp_path, "text + 'b'")}) == "a\nb"
    assert edit_text("a\n", path, {"VISUAL": _editor(tmp_path, "text + 'c'"), "EDITOR": "no"}) == "a\nbc", "goes on"


@pytest.mark.parametrize(
    ("editor", "what"), [("", "no editor is set"), ("/nonexistent/ed", "does not start"), ("fails", "ended with 3")]
)
def test_without_a_working_editor_one_is_told_and_the_text_stays(tmp_path: Path, editor: str, what: str) -> None:
    editor = _editor(tmp_path, "text + 'b'", code=3) if editor == "fails" else editor
    with pytest.raises(ConfigError, match=what):
        edit_text("a\n", tmp_path / "draft.md", {"EDITOR": editor} if editor else {})
    if "ended" in what:
        assert (tmp_path / "draft.md").read_text() == "a\nb"


def test_what_cannot_be_read_stays_a_file_that_the_next_edit_goes_on_with(tmp_path: Path) -> None:
    session, run = FakeSession(), str(tmp_path / "run-7.jsonl")
    wrong = {"EDITOR": _editor(tmp_path, "text + '\\n## Nonsense\\nx'")}
    told = edit_outside(session, run, wrong)
    assert 'no section "Nonsense"' in told
    assert str(tmp_path / "run-7.postmortem.md") in told
    right = {"EDITOR": _editor(tmp_path, "text.replace('## Nonsense', 'a canary (Sam)')")}
    assert "saved: 1 section" in edit_outside(session, run, right)
    assert unescaped(session.lines[-1][1]) == "postmortem set actions a canary (Sam)\nx"
    assert not draft_path(run).exists()
    assert edit_outside(session, run, {"EDITOR": _editor(tmp_path, "text")}) == "nothing was changed"


# --- presenters -----------------------------------------------------------------------------------------------------


def test_a_preview_fits_its_box_and_says_where_it_was_cut() -> None:
    text = "To stakeholders:\nimpact  " + "word " * 300 + "\ndoing   not said\nnext    in 15m"
    for width, height in ((40, 12), (70, 20), (70, 8)):
        lines = preview_lines("status x", text, width, height, LOOK)
        assert len(lines) <= height
        assert all(width_of(line) <= width for line in lines)
        shown = "\n".join(map(text_of, lines))
        assert "Send this update?" in shown
        assert "next    in 15m" in shown
        assert "~" in shown
    whole = "\n".join(map(text_of, preview_lines("status x", text, 70, 100, LOOK)))
    assert whole.count("word") == 300
    assert "~" not in whole


@pytest.mark.parametrize(
    ("line", "question"),
    [("hint", "Take a hint?"), ("update x", "Send this update?"), ("resolve a:b c", "Declare it resolved?"),
     ("pm file", "File the post-mortem?"), ("other", "Send this?")],
)  # fmt: skip
def test_the_question_names_what_is_done(line: str, question: str) -> None:
    assert text_of(preview_lines(line, "x", 70, 10, LOOK)[0]) == question


def test_which_lines_ask_for_an_editor() -> None:
    asked = {line: edit_asked(line) for line in ("postmortem", " PM edit ", "pm --editor", "postmortem edit --editor")}
    assert list(asked.values()) == ["draft", "pane", "editor", "editor"]
    assert [edit_asked(line) for line in ("postmortem file", "postmortem cause=a:b x", "note postmortem", "")] == [
        None
    ] * 4


def test_the_briefing_says_what_hints_cost() -> None:
    drill = FakeDrill()
    text = " ".join(text_of(line).strip() for line in briefing_lines(drill.briefing, 80, LOOK))
    assert "3 hints: they cost 4, 6 and 8 points; after the last one Lean Hire is the most" in text
    interview = FakeDrill(FakeSession("interview")).briefing
    assert "no hints" in " ".join(text_of(line).strip() for line in briefing_lines(interview, 80, LOOK))
