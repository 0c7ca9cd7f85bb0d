"""The page before the clock starts: the situation, what is allowed, what is judged, and whether it is ready."""

from __future__ import annotations

from dataclasses import dataclass

from tui.present.cells import EMPTY, Line, Span, clean, fit, spread, wrap
from tui.present.look import Look
from tui.present.session_port import Briefing

LABEL_CELLS = 13
TEXT_CELLS_MAX = 92


@dataclass(frozen=True, slots=True)
class Readiness:
    """How far the start has come. `wanted` means that the user already pressed Enter."""

    doing: str = "preparing"
    share: float = 0.0
    ready: bool = False
    wanted: bool = False
    problem: str = ""


def _labelled(label: str, items: tuple[str, ...], width: int) -> list[Line]:
    if not items:
        return []
    pieces = wrap(clean("; ".join(items)), width - LABEL_CELLS)
    lines: list[Line] = [(Span(f"{label:<{LABEL_CELLS}}", "note"), Span(pieces[0]))]
    lines.extend((Span(" " * LABEL_CELLS + piece),) for piece in pieces[1:])
    return lines


def rules(briefing: Briefing) -> tuple[str, ...]:
    """What the mode and the hints mean, in words."""
    if briefing.mode == "interview":
        clock = "interview rules: the clock runs at x1 and never stops, reading help included"
    else:
        clock = "practice: pause and speed up as you like"
    return clock, _hints(briefing)


def _hints(briefing: Briefing) -> str:
    if briefing.mode == "interview" or not briefing.hints_total:
        return "no hints"
    *first, last = [str(cost) for cost in briefing.hint_costs_points] or [""]
    costs = f"{', '.join(first)} and {last}" if first else last
    many = f"{briefing.hints_total} hints: they cost" if briefing.hints_total > 1 else "1 hint: it costs"
    return f"{many} {costs} points; after the last one Lean Hire is the most"


def briefing_lines(briefing: Briefing, width: int, look: Look) -> list[Line]:
    """The whole text, top first, in a column that stays readable on wide screens."""
    text_cells = min(width - 2, TEXT_CELLS_MAX)
    minutes = f"{briefing.drill_s / 60:.0f} min"
    left = (Span("BRIEFING ", "info"), Span(clean(briefing.title), "strong"), Span(f"  {briefing.scenario_id}", "dim"))
    right = (Span(f"{minutes} {look.glyphs.bar} {briefing.mode.upper()} {look.glyphs.bar} seed {briefing.seed}"),)
    lines: list[Line] = [spread(left, right, width - 2), EMPTY]
    for paragraph in briefing.brief.strip().split("\n\n"):
        flat = " ".join(paragraph.split())
        lines.extend((Span(piece),) for piece in wrap(clean(flat), text_cells))
        lines.append(EMPTY)
    for label, items in (
        ("You may", briefing.may),
        ("You may not", briefing.may_not),
        ("Judged", briefing.judged),
        ("People", briefing.people),
        ("Runbooks", briefing.runbooks),
        ("Rules", rules(briefing)),
    ):
        lines.extend(_labelled(label, items, text_cells))
    return [fit(item, width, look.glyphs.ellipsis) for item in lines]


def progress_line(readiness: Readiness, width: int, look: Look) -> Line:
    """`building the platform image  ######....  62 %`, or that it is ready."""
    if readiness.problem:
        return (Span("could not start", "crit"),)
    if readiness.ready:
        return (Span("ready", "good"), Span(": the platform is up and the page has come in"))
    cells = max(10, min(40, width - 46))
    done = round(max(0.0, min(1.0, readiness.share)) * cells)
    return fit(
        (
            Span(look.glyphs.full * done, "info"),
            Span(look.glyphs.empty * (cells - done), "dim"),
            Span(f" {readiness.share:4.0%}  ", "strong"),
            Span(clean(readiness.doing)),
        ),
        width,
        look.glyphs.ellipsis,
    )


def briefing_footer(readiness: Readiness, width: int, look: Look) -> Line:
    """What Enter does now."""
    if readiness.problem:
        keys: tuple[tuple[str, str], ...] = (("q", "leave"),)
    elif readiness.wanted and not readiness.ready:
        keys = (("", "starts as soon as it is ready"), ("q", "leave"))
    elif readiness.ready:
        keys = (("Enter", "start the clock"), ("j k", "scroll"), ("q", "leave"))
    else:
        keys = (("Enter", "start when ready"), ("j k", "scroll"), ("q", "leave"))
    spans: list[Span] = [Span(" BRIEFING ", "select")]
    for label, says in keys:
        spans.extend((Span("  "), Span(label, "key"), Span(f" {says}" if label else says)))
    return fit(tuple(spans), width, look.glyphs.ellipsis)
