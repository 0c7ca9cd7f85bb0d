"""Short full-screen texts: terminal too small, leaving, the end of the drill, a pane that broke."""

from __future__ import annotations

from tui.present.cells import Line, Span, clean, wrap
from tui.present.layout import COLUMNS_MIN, ROWS_MIN


def too_small(width: int, height: int) -> str:
    """What is needed, what there is, and the way out; "" when it is large enough."""
    if width >= COLUMNS_MIN and height >= ROWS_MIN:
        return ""
    return (
        f"This terminal is {width}x{height}; the incident room needs {COLUMNS_MIN}x{ROWS_MIN}. "
        "Enlarge the window and it comes back. Or leave with Ctrl-C and play with --plain, which fits any size."
    )


def leave_text(run_path: str, resume_command: str) -> tuple[str, ...]:
    """What leaving means."""
    return (
        "Leave the drill? Nothing is lost: every command is already on disk.",
        "",
        f"Run file   {run_path}",
        f"Resume     {resume_command}",
    )


def ended_text(reason: str, t: str) -> tuple[str, ...]:
    """Why the clock stopped."""
    why = {
        "resolved": "You declared the incident resolved.",
        "timeout": "Time is up.",
        "quit": "You ended the drill.",
    }.get(reason, f"The drill ended: {reason}.")
    return (f"{why} The clock stopped at {t}.", "", "Next: what was good, what was missed, and what an expert did.")


def error_card(pane: str, error: BaseException, width: int) -> tuple[Line, ...]:
    """Shown in place of a pane that could not be drawn."""
    said = clean(f"{type(error).__name__}: {error}".replace("\n", " "))
    lines: list[Line] = [(Span(f"!! {pane} could not be drawn; the clock is paused", "crit"),)]
    lines.extend((Span(piece),) for piece in wrap(said, width)[:4])
    lines.extend((Span(piece, "dim"),) for piece in wrap("Commands still work. Press Space to go on.", width))
    return tuple(lines)
