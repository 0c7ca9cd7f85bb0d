from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.session.view import LogLine
from tests.tui.fake_session import DEBRIEF, JOINED_S, FakeSession
from tui.present import alerts
from tui.present.briefing import Readiness, progress_line
from tui.present.cells import Line, text_of, width_of
from tui.present.debrief import DebriefState, debrief_markdown, score_tab
from tui.present.facts import facts_between
from tui.present.front_commands import FrontCommand, parse_front
from tui.present.help import help_lines
from tui.present.keys import ANYWHERE, IN_KEYS, InputMode, footer
from tui.present.layout import RoomChoice, kind_of, room_regions
from tui.present.look import GlyphName, look_of
from tui.present.pane import Frame, PaneSpec, PaneState
from tui.present.panes import PANES, header
from tui.present.prompt import Cycle, History, candidates, ghost
from tui.present.snapshot import room_text
from tui.present.status import ClockState, status_line
from tui.present.streams import matches

LOOK = look_of()


def _texts(lines: tuple[Line, ...]) -> str:
    return "\n".join(text_of(line) for line in lines)


@pytest.mark.parametrize("spec", PANES, ids=lambda spec: spec.pane_id)
@pytest.mark.parametrize("glyphs", ["block", "ascii"])
def test_every_pane_keeps_to_its_rectangle_at_any_size(spec: PaneSpec, glyphs: GlyphName) -> None:
    session = FakeSession()
    for line in ("kubectl get pods", "echo " + "監視" * 200, "note " + "y" * 500):
        session.submit(line)
    look = look_of(glyphs)
    for width, height in ((20, 1), (38, 6), (80, 8), (81, 20), (120, 30)):
        drawing = spec.body(session.view(), Frame(width, height, look, PaneState()))
        assert len(drawing.lines) <= height
        assert all(width_of(line) <= width for line in drawing.lines if width >= 38)
        assert width_of(header(spec, session.view(), PaneState(), width, look, focused=True)) <= width
        if glyphs == "ascii" and "監" not in _texts(drawing.lines):
            assert _texts(drawing.lines).isascii()


def test_an_alert_is_told_by_word_and_glyph_without_colour() -> None:
    session = FakeSession()
    text = _texts(alerts.body(session.view(), Frame(80, 8, LOOK, PaneState())).lines)
    assert "!! P1 FIRING" in text
    assert "v  P3 RESOLVED" in text
    session.submit("ack 1")
    text = _texts(alerts.body(session.view(), Frame(80, 8, LOOK, PaneState())).lines)
    assert "~  P1 ACKED" in text


def test_the_status_bar_always_shows_clock_and_speed() -> None:
    view = FakeSession().view()
    for width in (60, 80, 120, 200):
        text = text_of(status_line(view, ClockState(10, paused=False, effective=6.4), width, LOOK))
        assert len(text) == width
        assert "T+00:00 of 30:00" in text
        assert "x10>x6.4 LAG" in text
    late = replace(view, now_s=JOINED_S + 1000)
    assert "status LATE 01:40" in text_of(status_line(late, ClockState(1, paused=True), 120, LOOK))


def test_regions_never_overlap_and_the_prompt_is_always_there() -> None:
    for width, height in ((60, 18), (80, 24), (80, 60), (120, 24), (120, 40), (160, 46), (200, 60)):
        for choice in (RoomChoice(), RoomChoice(tab="logs", lower="logs"), RoomChoice(zoomed="map")):
            parts = room_regions(width, height, choice)
            assert {"status", "prompt", "candidates", "footer"} <= set(parts)
            cells = [
                (x, y) for r in parts.values() for x in range(r.x, r.x + r.width) for y in range(r.y, r.y + r.height)
            ]
            assert len(cells) == len(set(cells))
            assert all(0 <= x < width and 0 <= y < height for x, y in cells)
            assert all(rect.height >= 1 for rect in parts.values())
    assert [kind_of(*size) for size in ((80, 24), (120, 24), (120, 40), (200, 60))] == [
        "narrow",
        "narrow",
        "wide",
        "huge",
    ]


@pytest.mark.parametrize("mode", ["INSERT", "KEYS", "JUMP", "FILTER", "SEARCH"])
def test_the_footer_fits_and_begins_with_the_mode(mode: InputMode) -> None:
    for width in (60, 80, 120):
        line = footer(mode, width, LOOK, 4)
        assert width_of(line) <= width
        assert text_of(line).startswith(f" {mode} ")


@pytest.mark.parametrize("spec", PANES, ids=lambda spec: spec.pane_id)
def test_every_key_of_the_footer_is_in_the_help_of_every_pane(spec: PaneSpec) -> None:
    text = _texts(tuple(help_lines(spec.pane_id, 80, LOOK)))
    assert all(f" {key.label} " in text for key in (*ANYWHERE, *IN_KEYS))
    assert all(width_of(line) <= 80 for line in help_lines(spec.pane_id, 80, LOOK))


def test_log_filters_match_invert_and_survive_bad_expressions() -> None:
    assert matches("ERROR gateway timeout", "gate.*out")
    assert not matches("ERROR gateway timeout", "!timeout")
    assert matches("a [ b", "[")
    session = FakeSession()
    session.extra_logs.append(LogLine(JOINED_S, "dns", "ERROR", "NXDOMAIN [/foo]"))
    spec = next(spec for spec in PANES if spec.pane_id == "logs")
    state = PaneState(filter_text="nxdomain")
    assert "NXDOMAIN [/foo]" in _texts(spec.body(session.view(), Frame(80, 8, LOOK, state)).lines)
    assert "/nxdomain 1 of 41" in spec.caption(session.view(), state)


def test_front_end_words_are_parsed_and_everything_else_is_the_sessions() -> None:
    assert parse_front("speed 10") == FrontCommand("speed", 10.0)
    assert parse_front("wait 2m") == FrontCommand("wait", 120.0)
    assert parse_front(" next ") == FrontCommand("next")
    assert parse_front("speed 3").problem  # type: ignore[union-attr]
    assert parse_front("wait never").problem  # type: ignore[union-attr]
    assert parse_front("next please") is None
    assert parse_front("kubectl get pods") is None


def test_completion_replaces_the_last_word_and_cycles_back_to_what_was_typed() -> None:
    offered = candidates("kubectl g", ["get"])
    assert offered == ("kubectl get",)
    assert candidates("kubectl g", ["kubectl get"]) == offered
    assert ghost("kubectl g", offered) == "kubectl get"
    assert "speed" in candidates("sp", [])
    cycle = Cycle("x", ("xa", "xb"))
    assert [cycle.step(), cycle.step(), cycle.step(), cycle.step(-1)] == ["xa", "xb", "x", "xb"]


def test_history_walks_by_prefix_and_is_bounded() -> None:
    history = History()
    for line in ("logs a", "kubectl x", "logs b", "logs b"):
        history.add(line)
    assert history.lines == ["logs a", "kubectl x", "logs b"]
    assert history.older("lo") == "logs b"
    assert history.older("logs b") == "logs a"
    assert history.newer("logs a") == "logs b"
    assert history.newer("logs b") == "lo"
    assert history.search("ku") == "kubectl x"
    for n in range(600):
        history.add(f"line {n}")
    assert len(history.lines) == 500


def test_facts_tell_each_change_once() -> None:
    session = FakeSession()
    before = session.view()
    assert [fact.prefix for fact in facts_between(None, before)].count("PAGE") == 1
    session.advance(JOINED_S + 130)
    middle = session.view()
    assert [fact.text for fact in facts_between(before, middle)] == ["#4 P2 firing RetryStorm: retries 48 % > 10 %"]
    assert facts_between(middle, middle) == []
    session.submit("resolve x")
    assert facts_between(middle, session.view())[-1].prefix == "END"


def test_the_debrief_shows_why_and_which_events() -> None:
    for width, height in ((80, 22), (120, 38)):
        text = _texts(score_tab(DEBRIEF, DebriefState(cursor=1), width, height, LOOK).lines)
        assert "#44" in text
        assert "T+05:10 kubectl rollout undo" in text
        assert "no chance" in text
        assert "-/6" in text
    assert "- #44 T+05:10" in debrief_markdown(DEBRIEF)


def test_progress_and_snapshot_are_plain_text() -> None:
    assert "62%" in text_of(progress_line(Readiness("building", 0.62), 80, LOOK))
    assert "GatewayErrorBudgetBurn" in room_text(FakeSession().view())
    assert room_text(FakeSession().view()).isascii()
