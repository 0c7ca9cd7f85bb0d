"""The eight panes of the room, by number. Tabs, keys, help and layout read this table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.present import alerts, dashboard, service_map, streams
from tui.present.cells import Line, Span, clip, fit, width_of
from tui.present.look import Look
from tui.present.pane import PaneId, PaneSpec, PaneState

if TYPE_CHECKING:
    from simulator.session.view import SessionView

_SCROLL = "j k scroll, g G first and last, z zoom."

PANES: tuple[PaneSpec, ...] = (
    PaneSpec(
        "alerts", "1", "Alerts", False, alerts.body, alerts.caption, alerts.aside,
        "What is firing, most urgent first. `!!` firing P1, `!` firing, `~` acknowledged or silenced, `v` resolved.\n"
        "j k choose an alert, a acknowledges it (typed: `ack 2`). Acknowledging says that you are on it; it fixes "
        "nothing.",
    ),
    PaneSpec(
        "dashboard", "2", "Dash", False, dashboard.body, dashboard.caption, dashboard.aside,
        "One line or chart per series. The percentage compares with ten minutes before. A dashed line is the limit; "
        "`!!` says since when it is broken.\nMarks on the axis: d deploy, a alert, y your change; they are at the same "
        "column in every chart.\nLeft and Right change the dashboard, w the time window. " + _SCROLL,
    ),
    PaneSpec(
        "map", "3", "Map", False, service_map.body, service_map.caption, service_map.aside,
        "Who depends on whom: a service is drawn under the one that calls it. Look downwards from the first one that "
        "is not OK.\nThe map knows health checks only; it can be green while answers are wrong. " + _SCROLL,
    ),
    PaneSpec(
        "logs", "4", "Logs", True, streams.logs_body, streams.logs_caption, streams.logs_aside,
        "All services, newest at the bottom. / filters by a regular expression over level, source and text; `/!text` "
        "inverts; an empty filter shows all.\nw switches wrapping. For one service or longer history use the `logs` "
        "command and pipes. " + _SCROLL,
    ),
    PaneSpec(
        "notes", "5", "Notes", False, streams.notes_body, streams.notes_caption, streams.no_aside,
        "Your hypotheses with evidence for (+) and against (-), then your notes. n starts a note, h a hypothesis, e "
        "attaches the last output as evidence.\nThe debrief reads them: two hypotheses with evidence beat one lucky "
        "guess. " + _SCROLL,
    ),
    PaneSpec(
        "comms", "6", "Comms", True, streams.comms_body, streams.comms_caption, streams.no_aside,
        "The incident channel. People ask; answer with a status update (s) or `ask`. The status bar counts down to "
        "the update you promised. " + _SCROLL,
    ),
    PaneSpec(
        "timeline", "7", "Timeline", True, streams.timeline_body, streams.timeline_caption, streams.no_aside,
        "Alerts, deploys, messages, your commands and changes in one order. What happened just before it broke? "
        + _SCROLL,
    ),
    PaneSpec(
        "terminal", "8", "Terminal", True, streams.terminal_body, streams.terminal_caption, streams.no_aside,
        "What you typed and what came back. #44 is the event number to cite as evidence; `3s` is what the command "
        "cost.\nTab completes, Up and Down walk through history, ctrl+r searches it. `help` lists commands, "
        "`help kubectl` explains one. What speaks to people or costs points is shown as it was understood before it is "
        "sent; `postmortem` opens a page to write on. " + _SCROLL,
    ),
)  # fmt: skip

BY_ID: dict[PaneId, PaneSpec] = {spec.pane_id: spec for spec in PANES}
BY_DIGIT: dict[str, PaneSpec] = {spec.digit: spec for spec in PANES}


def _ruled(left: Line, right: str, width: int, look: Look) -> Line:
    rule = look.glyphs.rule
    aside = f" {right} {rule}" if right else ""
    kept = fit(left, max(4, width), look.glyphs.ellipsis)
    room = width - width_of(kept) - len(aside)
    if room < 1:
        return (*kept, Span(rule * max(0, width - width_of(kept)), "rule"))
    return (*kept, Span(rule * room, "rule"), Span(aside, "dim"))


def header(spec: PaneSpec, view: SessionView, state: PaneState, width: int, look: Look, *, focused: bool) -> Line:
    """`── 1 Alerts: 2 firing ─────── aside ─` in exactly `width` cells."""
    said = spec.caption(view, state)
    name = Span(f" {spec.digit} {spec.name} ", "focus" if focused else "strong", f"screen.pane('{spec.pane_id}')")
    left: Line = (Span(look.glyphs.rule, "rule"), name)
    if said:
        left = (*left, Span(clip(said, width, look.glyphs.ellipsis) + " "))
    return _ruled(left, spec.aside(view, state), width, look)


def tab_bar(
    ids: tuple[PaneId, ...],
    active: PaneId,
    view: SessionView,
    state: PaneState,
    width: int,
    look: Look,
    *,
    focused: bool,
    unread: int = 0,
) -> Line:
    """`── [2 Dash]  3 Map  4 Logs ...` with the active pane's aside at the right end."""
    spans: list[Span] = [Span(look.glyphs.rule, "rule"), Span(" ")]
    for pane_id in ids:
        spec = BY_ID[pane_id]
        news = f"({unread})" if pane_id == "comms" and unread else ""
        action = f"screen.pane('{pane_id}')"
        if pane_id == active:
            spans.append(Span(f"[{spec.digit} {spec.name}]", "focus" if focused else "strong", action))
        else:
            spans.append(Span(f" {spec.digit} {spec.name}{news} ", "note" if news else "", action))
    spans.append(Span(" "))
    spec = BY_ID[active]
    aside = spec.aside(view, state)
    said = spec.caption(view, state) if active in ("logs", "dashboard") else ""
    right = "  ".join(part for part in (said, aside) if part)
    if width_of(tuple(spans)) + len(right) + 4 > width:
        right = said or aside
    return _ruled(tuple(spans), right, width, look)
