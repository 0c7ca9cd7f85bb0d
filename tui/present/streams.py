"""Panes that grow at the end: terminal, logs, comms, notes with hypotheses, timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_platform.errors import CommandError
from reference_platform.pattern import Pattern
from tui.present.cells import EMPTY, Line, Span, Tone, clean, clip, fit, pad, spread, squeezed, window, wrap
from tui.present.numbers import drill_time
from tui.present.pane import Drawing, Frame, PaneState

if TYPE_CHECKING:
    from simulator.session.view import HypothesisView, LogLine, SessionView, TerminalEntry

LINES_MAX = 2000
_LEVELS: dict[str, Tone] = {"INFO": "dim", "WARN": "warn", "ERROR": "crit"}
_HYPOTHESES: dict[str, Tone] = {"open": "note", "confirmed": "good", "out": "dim"}


def no_aside(view: SessionView, state: PaneState) -> str:
    """Nothing at the right end of the header."""
    return ""


def _drawing(lines: list[Line], frame: Frame, *, tail: bool, empty: str) -> Drawing:
    if not lines:
        return Drawing(tuple((Span(part, "dim"),) for part in wrap(empty, frame.width)[: frame.height]))
    shown, scroll_max = window(lines, frame.height, frame.state.scroll, tail=tail)
    return Drawing(shown, scroll_max)


# --- terminal ---------------------------------------------------------------------------------------------------


def _entry_lines(entry: TerminalEntry, width: int, bar: str) -> list[Line]:
    cost = f"{entry.cost_s:.0f}s {bar} " if entry.cost_s >= 1 else ""
    right: list[Span] = [Span(f"{cost}#{entry.n}", "dim")]
    if entry.exit:
        right.insert(0, Span(f"exit {entry.exit} {bar} ", "warn"))
    lines = [spread((Span("ops$ ", "good"), Span(clean(entry.line), "strong")), tuple(right), width)]
    for text in squeezed([clean(part[:20_000]) for part in entry.text.splitlines()], width):
        lines.extend((Span(piece),) for piece in wrap(text, width))
    return lines


def terminal_caption(view: SessionView, state: PaneState) -> str:
    """How many commands were entered."""
    return f"{len(view.terminal)} commands" if view.terminal else ""


def terminal_body(view: SessionView, frame: Frame) -> Drawing:
    """The end of the scrollback, wrapped; only as many entries are laid out as are needed."""
    lines: list[Line] = []
    for entry in reversed(view.terminal):
        lines = _entry_lines(entry, frame.width, frame.look.glyphs.bar) + lines
        if len(lines) > frame.height + frame.state.scroll or len(lines) > LINES_MAX:
            break
    return _drawing(lines, frame, tail=True, empty="Type a command below. `help` lists them, Tab completes.")


# --- logs -------------------------------------------------------------------------------------------------------


def matches(text: str, filter_text: str) -> bool:
    """Regular expression, any case; `!` in front inverts. An invalid expression is taken literally."""
    inverted = filter_text.startswith("!")
    wanted = filter_text[1:] if inverted else filter_text
    if not wanted:
        return True
    try:
        found = Pattern(wanted, ignore_case=True).found_in(text)
    except CommandError:
        found = wanted.lower() in text.lower()
    return found != inverted


def filtered(view: SessionView, state: PaneState) -> list[LogLine]:
    """Log lines that pass the filter, at most the last 2,000."""
    recent = view.logs[-LINES_MAX:]
    return [item for item in recent if matches(f"{item.level} {item.source} {item.text}", state.filter_text)]


def logs_caption(view: SessionView, state: PaneState) -> str:
    """How many lines, and the filter when there is one."""
    if not state.filter_text:
        return f"{len(view.logs)} lines"
    return f"/{clean(state.filter_text)} {len(filtered(view, state))} of {len(view.logs)}"


def logs_aside(view: SessionView, state: PaneState) -> str:
    """Whether lines are wrapped and whether the pane follows the end."""
    return f"{'wrap' if state.wrap else 'no wrap'} {'following' if not state.scroll else f'-{state.scroll}'}"


def logs_body(view: SessionView, frame: Frame) -> Drawing:
    """`time level source text`, newest at the bottom."""
    lines: list[Line] = []
    for item in reversed(filtered(view, frame.state)):
        lines = _log_lines(item, view.joined_s, frame) + lines
        if len(lines) > frame.height + frame.state.scroll or len(lines) > LINES_MAX:
            break
    empty = "No line matches. Esc in the filter clears it." if frame.state.filter_text else "No logs yet."
    return _drawing(lines, frame, tail=True, empty=empty)


def _log_lines(item: LogLine, joined_s: float, frame: Frame) -> list[Line]:
    cut = frame.look.glyphs.ellipsis
    lead = (
        Span(pad(drill_time(item.t_s, joined_s), 9), "dim"),
        Span(f"{item.level:<5} ", _LEVELS[item.level]),
        Span(pad(clean(item.source), 14, cut) + " ", "info"),
    )
    room = max(10, frame.width - 30)
    text = clean(item.text[:20_000])
    if not frame.state.wrap:
        return [fit((*lead, Span(text)), frame.width, cut)]
    first, *rest = wrap(text, room)
    lines: list[Line] = [(*lead, Span(first)), *((Span(" " * 30 + piece),) for piece in rest)]
    return [fit(item, frame.width, cut) for item in lines]


# --- notes and hypotheses ---------------------------------------------------------------------------------------


def notes_caption(view: SessionView, state: PaneState) -> str:
    """`2 hypotheses, 3 notes`."""

    def counted(n: int, one: str, many: str) -> str:
        return f"{n} {one if n == 1 else many}"

    return f"{counted(len(view.hypotheses), 'hypothesis', 'hypotheses')}, {counted(len(view.notes), 'note', 'notes')}"


def _hypothesis_lines(item: HypothesisView, frame: Frame) -> list[Line]:
    evidence = [f"+#{n}" for n in item.evidence_for] + [f"-#{n}" for n in item.evidence_against]
    right = (Span(" ".join(evidence) or "no evidence yet", "dim"),)
    tone = _HYPOTHESES[item.state]
    what = clean(f"{item.component}:{item.mechanism}" if item.mechanism else item.component)
    head = (Span(f"H{item.hyp_id} {item.state:<9} ", tone), Span(what, "strong"))
    cut = frame.look.glyphs.ellipsis
    lines = [spread(head, right, frame.width, cut)]
    if frame.width < 60:
        lines = [spread(head[:1], right, frame.width, cut), fit((Span("   "), head[1]), frame.width, cut)]
    if item.text:
        lines.extend((Span("   " + piece),) for piece in wrap(clean(item.text), frame.width - 3))
    return lines


def notes_body(view: SessionView, frame: Frame) -> Drawing:
    """Hypotheses with their evidence (+ for, - against), then notes, newest first."""
    lines: list[Line] = []
    for item in view.hypotheses:
        lines.extend(_hypothesis_lines(item, frame))
    for note in reversed(view.notes):
        first, *rest = wrap(clean(note.text), max(10, frame.width - 9))
        lines.append((Span(pad(drill_time(note.t_s, view.joined_s), 9), "dim"), Span(first)))
        lines.extend((Span(" " * 9 + piece),) for piece in rest)
    empty = "Nothing yet. `note ...` keeps a thought, a hypothesis names a component and a mechanism."
    return _drawing(lines, frame, tail=False, empty=empty)


# --- comms ------------------------------------------------------------------------------------------------------


def comms_caption(view: SessionView, state: PaneState) -> str:
    """How many messages."""
    return f"{len(view.comms)} messages" if view.comms else "no messages"


def comms_body(view: SessionView, frame: Frame) -> Drawing:
    """`time author: text`, newest at the bottom."""
    lines: list[Line] = []
    for item in view.comms[-LINES_MAX:]:
        author = clean(item.author)
        lead = (Span(pad(drill_time(item.t_s, view.joined_s), 9), "dim"), Span(f"{author}: ", "info"))
        if frame.width < 60:
            lines.append(fit(lead, frame.width))
            lines.extend((Span("  " + piece),) for piece in wrap(clean(item.text), frame.width - 2))
            continue
        first, *rest = wrap(clean(item.text), max(10, frame.width - 11 - len(author)))
        lines.append((*lead, Span(first)))
        lines.extend((Span(" " * (11 + len(author)) + piece),) for piece in rest)
    return _drawing(lines, frame, tail=True, empty="Nobody has written yet.")


# --- timeline ---------------------------------------------------------------------------------------------------


def timeline_caption(view: SessionView, state: PaneState) -> str:
    """Nothing beyond the name."""
    return ""


def timeline_body(view: SessionView, frame: Frame) -> Drawing:
    """Everything that happened, in order: alerts, deploys, messages, your commands and changes."""
    rows: list[tuple[float, int, str, Tone, str]] = []
    for alert in view.alerts:
        state = f"{alert.severity} {alert.state}"
        rows.append((alert.since_s, 0, "alert", "crit", f"{alert.name} {state}: {alert.summary}"))
    rows.extend(
        (mark.t_s, 1, "deploy", "info", mark.text) if mark.kind == "d" else (mark.t_s, 1, "change", "good", mark.text)
        for mark in view.marks
        if mark.kind != "a"
    )
    rows.extend((item.t_s, 2, "comms", "note", f"{item.author}: {item.text}") for item in view.comms)
    rows.extend((note.t_s, 3, "note", "dim", note.text) for note in view.notes)
    rows.extend((entry.t_s, 4, "you", "strong", f"{entry.line}  #{entry.n}") for entry in view.terminal)
    rows.sort(key=lambda row: (row[0], row[1]))
    cut = frame.look.glyphs.ellipsis
    lines = [
        fit(
            (
                Span(pad(drill_time(t_s, view.joined_s), 9), "dim"),
                Span(f"{kind:<7}", tone),
                Span(clip(clean(text), frame.width, cut)),
            ),
            frame.width,
            cut,
        )
        for t_s, _, kind, tone, text in rows[-LINES_MAX:]
    ]
    return _drawing(lines, frame, tail=True, empty="Nothing has happened yet.") if lines else Drawing((EMPTY,))
