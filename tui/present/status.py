"""The top line: what the clock says, how fast it runs, how bad it is, when the next update was promised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.present.cells import Line, Span, Tone, clean, fit, joined, pad, width_of
from tui.present.look import Look
from tui.present.numbers import drill_time, minutes

if TYPE_CHECKING:
    from simulator.session.view import SessionView


@dataclass(frozen=True, slots=True)
class ClockState:
    """How simulated time passes now. `effective` is the speed really reached while it lags, else None."""

    speed: int
    paused: bool
    effective: float | None = None
    seeking: bool = False


def clock_word(clock: ClockState) -> tuple[str, Tone]:
    """`x1 RUN`, `PAUSED`, `x10>x6.4 LAG`, `NEXT>>`."""
    if clock.seeking:
        return "FORWARD >>", "note"
    if clock.paused:
        return f"x{clock.speed} PAUSED", "note"
    if clock.effective is not None:
        return f"x{clock.speed}>x{clock.effective:.1f} LAG", "warn"
    return f"x{clock.speed} RUN", "good"


def _burn_tone(burn_rate: float) -> Tone:
    if burn_rate >= 10:
        return "crit"
    return "warn" if burn_rate >= 1 else "good"


def _due(view: SessionView) -> Span | None:
    if view.status_due_s is None:
        return None
    left_s = view.status_due_s - view.now_s
    if left_s < 0:
        return Span(f"status LATE {minutes(-left_s)}", "crit")
    return Span(f"status due {minutes(left_s)}", "warn" if left_s < 120 else "")


def status_line(view: SessionView, clock: ClockState, width: int, look: Look) -> Line:
    """One line of exactly `width` cells. What does not fit is dropped, least needed first; the clock never is."""
    word, tone = clock_word(clock)
    severity: Tone = "crit" if view.severity in ("SEV1", "SEV2") else "strong"
    due = _due(view)
    title = clean(view.title)
    shown: list[tuple[int, Line]] = [
        (6, (Span(title, "strong"),)),
        (3, (Span(view.severity, severity),) if view.severity else ()),
        (0, (Span(drill_time(view.now_s, view.joined_s), "strong"), Span(f" of {minutes(view.drill_s)}", "dim"))),
        (5, (Span(view.clock, "dim"),)),
        (0, (Span(word, tone),)),
        (1, (Span(f"burn {view.burn_rate:.1f}x", _burn_tone(view.burn_rate)), Span(f" err {view.error_ratio:.1%}"))),
        (2, (due,) if due else ()),
        (4, (Span(view.mode.upper(), "info"),)),
    ]
    shown = [(rank, group) for rank, group in shown if group]
    separator = Span(f" {look.glyphs.bar} ", "rule")
    while True:
        whole = joined((group for _, group in shown), separator)
        worst = max(rank for rank, _ in shown)
        if width_of(whole) <= width - 2 or worst == 0:
            break
        shown = [(rank, group) for rank, group in shown if rank != worst]
    whole = fit((Span(" "), *whole), width, look.glyphs.ellipsis)
    return (*whole, Span(pad("", width - width_of(whole))))
