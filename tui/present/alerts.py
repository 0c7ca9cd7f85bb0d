"""Alerts: severity is a word, a glyph and a colour, in that order of importance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.present.cells import Line, Span, Tone, clean, fit, pad, spread, window, wrap
from tui.present.numbers import ago
from tui.present.pane import Drawing, Frame, PaneState

if TYPE_CHECKING:
    from simulator.session.view import AlertView, SessionView

_ORDER = {"FIRING": 0, "ACKED": 1, "SILENCED": 2, "RESOLVED": 3}


def glyph(alert: AlertView) -> tuple[str, Tone]:
    """`!!` firing P1, `!` other firing, `~` taken or silenced, `v` over."""
    if alert.state == "RESOLVED":
        return "v", "good"
    if alert.state in ("ACKED", "SILENCED"):
        return "~", "note"
    return ("!!", "crit") if alert.severity == "P1" else ("!", "warn")


def in_order(view: SessionView) -> list[AlertView]:
    """Most urgent first: firing before acknowledged before resolved, then severity, then age."""
    return sorted(view.alerts, key=lambda alert: (_ORDER[alert.state], alert.severity, alert.since_s, alert.alert_id))


def selected(view: SessionView, state: PaneState) -> AlertView | None:
    """The alert the cursor is on, if there is any alert."""
    ordered = in_order(view)
    return ordered[min(state.cursor, len(ordered) - 1)] if ordered else None


def caption(view: SessionView, state: PaneState) -> str:
    """`2 firing, 1 acked`."""
    counts = {name: sum(alert.state == name for alert in view.alerts) for name in _ORDER}
    said = [f"{counts[name]} {name.lower()}" for name in ("FIRING", "ACKED", "SILENCED") if counts[name]]
    return ", ".join(said) or "none firing"


def aside(view: SessionView, state: PaneState) -> str:
    """Nothing beyond the caption."""
    return ""


def body(view: SessionView, frame: Frame) -> Drawing:
    """One row per alert; in narrow panes only the chosen alert shows its summary, below its row."""
    ordered = in_order(view)
    if not ordered:
        return Drawing(((Span(fit_text("Quiet. No alert has fired.", frame), "dim"),),))
    cursor = min(frame.state.cursor, len(ordered) - 1)
    lines: list[Line] = []
    last_of_chosen = 0
    for at, alert in enumerate(ordered):
        lines.append(_row(alert, view.now_s, frame, at == cursor))
        if at == cursor:
            lines.extend(_detail(alert, frame))
            last_of_chosen = len(lines)
    scroll = max(frame.state.scroll, last_of_chosen - frame.height)
    shown, scroll_max = window(lines, frame.height, scroll, tail=False)
    return Drawing(shown, scroll_max)


def fit_text(text: str, frame: Frame) -> str:
    """`text` cut to the pane's width."""
    return pad(text, frame.width, frame.look.glyphs.ellipsis).rstrip()


def _detail(alert: AlertView, frame: Frame) -> list[Line]:
    """The chosen alert's summary, where its row has no room for it."""
    if frame.width >= 60:
        return []
    return [(Span("   " + piece, "dim"),) for piece in wrap(clean(alert.summary), frame.width - 4)[:2]]


def _row(alert: AlertView, now_s: float, frame: Frame, here: bool) -> Line:
    sign, tone = glyph(alert)
    cut = frame.look.glyphs.ellipsis
    cursor = Span(">", "key") if here else Span(" ")
    age = pad(ago(now_s - alert.since_s), 4)
    head = (cursor, Span(f"{sign:<2} {alert.severity} {alert.state:<8} ", tone), Span(age, "dim"))
    if frame.width < 60:
        return fit((*head, Span(clean(f"#{alert.alert_id} {alert.name}"))), frame.width, cut)
    name = pad(clean(f"#{alert.alert_id} {alert.name}"), 26 if frame.width < 110 else 34, cut)
    whole = (*head, Span(name, "strong"), Span(" " + clean(alert.summary)))
    hint = (Span(" a ack", "key", "screen.ack"),) if alert.state == "FIRING" and here else ()
    return spread(whole, hint, frame.width, cut) if hint else fit(whole, frame.width, cut)
