"""The debrief, tab by tab. Every verdict shows the events it rests on."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tui.present.cells import EMPTY, Line, Span, Tone, clean, fit, pad, pad_left, spread, width_of, window, wrap
from tui.present.debrief_view import LETTERS, VERDICT_WORDS, CriterionRow, DebriefView, TimelineMark, Who
from tui.present.look import Look
from tui.present.numbers import drill_time, minutes
from tui.present.pane import Drawing

TabId = Literal["score", "timeline", "plots", "expert"]
TABS: tuple[tuple[TabId, str], ...] = (
    ("score", "1 Score"), ("timeline", "2 Timeline"), ("plots", "3 Plots"), ("expert", "4 Expert"),
)  # fmt: skip
_MET: dict[str, Tone] = {"met": "good", "partly": "warn", "missed": "crit", "no chance": "dim"}
_VERDICT: dict[str, Tone] = {"strong": "good", "lean": "warn", "no": "crit"}
_WHO: tuple[tuple[Who, Tone], ...] = (("world", "crit"), ("you", "strong"), ("expert", "good"))
_TIMES = {"tta_s": "acknowledged", "ttd_s": "diagnosed", "ttm_s": "mitigated", "ttr_s": "recovered"}


@dataclass(frozen=True, slots=True)
class DebriefState:
    """Which tab, which row is chosen, how far it is scrolled."""

    tab: TabId = "score"
    cursor: int = 0
    scroll: int = 0


def _points(value: float | None, most: float) -> str:
    return f"{'-' if value is None else f'{value:g}'}/{most:g}"


def title_line(view: DebriefView, state: DebriefState, width: int, look: Look) -> Line:
    """Score, verdict, expert's score, and the tabs."""
    spans: list[Span] = [
        Span(" DEBRIEF ", "info"),
        Span(f"{view.score:.0f}/100 ", "strong"),
        Span(VERDICT_WORDS[view.verdict], _VERDICT[view.verdict]),
    ]
    if view.expert_score is not None:
        spans.append(Span(f"  expert {view.expert_score:.0f}", "dim"))
    tabs: list[Span] = []
    for tab, name in TABS:
        text = f"[{name}]" if tab == state.tab else f" {name} "
        tabs.append(Span(text, "focus" if tab == state.tab else "", f"screen.tab('{tab}')"))
    return spread(tuple(spans), tuple(tabs), width)


def harm_text(view: DebriefView) -> str:
    """What it cost, and what it would have cost in other hands."""
    others = [(view.harm_expert_eur, "expert"), (view.harm_idle_eur, "nobody there")]
    beside = ", ".join(f"{who} {eur:,.0f}" for eur, who in others if eur is not None)
    return f"Harm {view.harm_eur:,.0f} EUR" + (f" ({beside})." if beside else ".")


def summary_lines(view: DebriefView, width: int) -> list[Line]:
    """What happened, how long things took, what it cost, what weighs most."""
    said = [f"{word} {minutes(t_s)}" for key, word in _TIMES.items() if (t_s := view.times_s.get(key)) is not None]
    never = [word for key, word in _TIMES.items() if key in view.times_s and view.times_s[key] is None]
    lines: list[Line] = [(Span(piece),) for piece in wrap(clean(view.summary), width)] if view.summary else []
    facts = ", ".join(said) + (f"; never {', '.join(never)}" if never else "")
    timed = f"{facts or 'nothing timed'}. {harm_text(view)}"
    lines.extend((Span(piece, "dim"),) for piece in wrap(timed, width))
    for label, text in (("NOT YET", "; ".join(view.reasons)), ("HINTS", view.hints)):
        if text:
            first, *rest = wrap(clean(text), max(10, width - 9))
            lines.append((Span(f"{label:<9}", "warn"), Span(first)))
            lines.extend((Span(" " * 9 + piece),) for piece in rest)
    for flag in view.red_flags:
        first, *rest = wrap(clean(flag), max(10, width - 9))
        lines.append((Span("RED FLAG ", "crit"), Span(first)))
        lines.extend((Span(" " * 9 + piece),) for piece in rest)
    return lines


def _row(row: CriterionRow, width: int, look: Look, here: bool) -> Line:
    cut = look.glyphs.ellipsis
    name_cells = max(18, width - 24)
    name = f"{row.criterion}{' (critical)' if row.critical else ''}"
    return fit(
        (
            Span(">", "key") if here else Span(" "),
            Span(pad(clean(name), name_cells, cut), "strong" if here else ""),
            Span(pad_left(_points(row.points, row.points_max), 8) + "  "),
            Span(f"{row.verdict:<10}", _MET[row.verdict]),
        ),
        width,
        cut,
    )


def evidence_lines(view: DebriefView, row: CriterionRow, width: int) -> list[Line]:
    """Why the points were given or withheld, and the events that show it."""
    lines: list[Line] = [(Span(piece),) for piece in wrap(clean(row.because), width)]
    for n in row.evidence:
        text = clean(view.events.get(n, "event not in view"))
        first, *rest = wrap(text, max(10, width - 8))
        lines.append((Span(pad_left(f"#{n} ", 8), "info"), Span(first)))
        lines.extend((Span(" " * 8 + piece),) for piece in rest)
    for label, text in (("Why", row.why), ("Next time", row.how), ("Expert", row.expert)):
        if text and row.verdict != "met":
            lines.extend(_labelled(label, text, width))
    return lines


def _labelled(label: str, text: str, width: int) -> list[Line]:
    first, *rest = wrap(clean(text), max(10, width - 10))
    return [(Span(f"{label:<10}", "note"), Span(first)), *((Span(" " * 10 + piece),) for piece in rest)]


def score_tab(view: DebriefView, state: DebriefState, width: int, height: int, look: Look) -> Drawing:
    """Criteria on the left (or top), why and evidence of the chosen one on the right (or below)."""
    top = [*summary_lines(view, width - 2), EMPTY]
    top = [(Span(" "), *item) for item in top[: max(2, height // 3)]]
    room = height - len(top)
    cursor = min(state.cursor, max(0, len(view.rows) - 1))
    chosen = view.rows[cursor] if view.rows else None
    if width >= 100:
        left_cells = width * 55 // 100
        rows = [_row(row, left_cells, look, at == cursor) for at, row in enumerate(view.rows)]
        shown, _ = window(rows, room, max(0, cursor - room + 1), tail=False)
        right = evidence_lines(view, chosen, width - left_cells - 3) if chosen else []
        bar = Span(f" {look.glyphs.bar} ", "rule")
        both = [_side(_at(shown, at), left_cells, bar, _at(right, at)) for at in range(room)]
        return Drawing((*top, *both), 0)
    below = evidence_lines(view, chosen, width - 3) if chosen else []
    table = max(3, min(len(view.rows), room - min(len(below), max(4, room // 3)) - 1))
    rows = [_row(row, width, look, at == cursor) for at, row in enumerate(view.rows)]
    shown, _ = window(rows, table, max(0, cursor - table + 1), tail=False)
    count = f" {cursor + 1} of {len(rows)}: why, and the events that show it "
    ruled = (
        Span(look.glyphs.rule, "rule"),
        Span(count, "strong"),
        Span(look.glyphs.rule * max(0, width - len(count) - 1), "rule"),
    )
    why, scroll_max = window([(Span("  "), *item) for item in below], room - len(shown) - 1, state.scroll, tail=False)
    return Drawing((*top, *shown, ruled, *why), scroll_max)


def _at(lines: Sequence[Line], at: int) -> Line:
    return lines[at] if at < len(lines) else EMPTY


def _side(left: Line, width: int, bar: Span, right: Line) -> Line:
    return (*left, Span(" " * max(0, width - width_of(left))), bar, *right)


def _lane(view: DebriefView, who: Who, cells: int, look: Look) -> str:
    lane = ["." if look.ascii else "·"] * cells
    for mark in view.timeline:
        share = (mark.t_s - view.joined_s) / max(1.0, view.drill_s)
        if mark.who == who:
            lane[min(cells - 1, max(0, int(share * cells)))] = mark.letter
    return "".join(lane)


def timeline_tab(view: DebriefView, state: DebriefState, width: int, height: int, look: Look) -> Drawing:
    """Three lanes over the length of the drill, then every mark in words."""
    cells = max(20, width - 10)
    lines: list[Line] = []
    for who, tone in _WHO:
        lines.append((Span(f" {who:<7} ", tone), Span(_lane(view, who, cells, look))))
    end = minutes(view.drill_s)
    lines.append((Span(" " * 9), Span("00:00" + " " * max(1, cells - 5 - len(end)) + end, "dim")))
    used = {mark.kind for mark in view.timeline}
    key = "  ".join(f"{letter} {kind}" for kind, letter in LETTERS.items() if kind in used)
    lines.extend((Span("         " + piece, "dim"),) for piece in wrap(clean(key), cells)[:3])
    lines.append(EMPTY)
    rows = [_mark_row(mark, view, width, look) for mark in sorted(view.timeline, key=lambda mark: mark.t_s)]
    shown, scroll_max = window(rows, height - len(lines), state.scroll, tail=False)
    return Drawing((*lines, *shown), scroll_max)


def _mark_row(mark: TimelineMark, view: DebriefView, width: int, look: Look) -> Line:
    tone = dict(_WHO)[mark.who]
    number = f" #{mark.n}" if mark.n else ""
    return fit(
        (
            Span(" " + pad(drill_time(mark.t_s, view.joined_s), 9), "dim"),
            Span(f"{mark.who:<7}", tone),
            Span(f"{mark.letter} ", "strong"),
            Span(clean(mark.text)),
            Span(number, "dim"),
        ),
        width,
        look.glyphs.ellipsis,
    )


def expert_tab(view: DebriefView, state: DebriefState, width: int, height: int, look: Look) -> Drawing:
    """What an expert did, step by step, and why."""
    lines: list[Line] = []
    if view.lessons:
        lines.append((Span(" Next time, dearest first", "strong"),))
        for lesson in view.lessons:
            first, *rest = wrap(clean(lesson), min(100, width - 5))
            lines += [(Span(" - "), Span(first)), *((Span("   " + piece),) for piece in rest)]
        lines.append(EMPTY)
    lines += [(Span(" What an expert did on the same night, same seed", "strong"),), EMPTY]
    for paragraph in view.expert:
        pieces = wrap(clean(paragraph), min(100, width - 3))
        lines.extend((Span(" " + piece),) for piece in pieces)
        lines.append(EMPTY)
    if not view.expert:
        lines.append((Span(" This scenario has no expert play.", "dim"),))
    shown, scroll_max = window(lines, height, state.scroll, tail=False)
    return Drawing(shown, scroll_max)


def debrief_footer(state: DebriefState, width: int, look: Look) -> Line:
    """Keys of the debrief."""
    move = {"score": "choose", "plots": "scroll"}.get(state.tab, "scroll")
    keys = (
        ("1-4", "tabs"),
        ("j k", move),
        ("J K", "scroll evidence"),
        ("e", "export Markdown"),
        ("?", "help"),
        ("q", "leave"),
    )
    spans: list[Span] = [Span(" DEBRIEF ", "select")]
    for label, says in keys:
        if label != "J K" or state.tab == "score":
            spans.extend((Span("  "), Span(label, "key"), Span(f" {says}")))
    return fit(tuple(spans), width, look.glyphs.ellipsis)


def debrief_markdown(view: DebriefView) -> str:
    """The whole debrief as Markdown; also what plain mode prints."""
    expert = "" if view.expert_score is None else f" (expert {view.expert_score:.0f})"
    out = [
        f"# Debrief: {clean(view.title)} ({view.scenario_id})",
        "",
        f"**{view.score:.0f}/100, {VERDICT_WORDS[view.verdict]}**{expert}. {harm_text(view)}",
        "",
    ]
    if view.summary:
        out += [textwrap.fill(clean(view.summary), 110), ""]
    for key, word in _TIMES.items():
        if key in view.times_s:
            t_s = view.times_s[key]
            out.append(f"- {word}: {'never' if t_s is None else minutes(t_s)}")
    out += [f"- RED FLAG: {clean(flag)}" for flag in view.red_flags]
    out += ["", "## Score", ""]
    for row in view.rows:
        out.append(
            f"- {clean(row.criterion)}: {_points(row.points, row.points_max)}, {row.verdict}. {clean(row.because)}"
        )
        out += [f"  - #{n} {clean(view.events.get(n, ''))}".rstrip() for n in row.evidence]
    out += ["", "## Timeline", ""]
    for mark in sorted(view.timeline, key=lambda mark: mark.t_s):
        number = f" #{mark.n}" if mark.n else ""
        out.append(f"- {drill_time(mark.t_s, view.joined_s)} {mark.who}: {clean(mark.text)}{number}")
    if view.lessons:
        out += ["", "## Next time", "", *(f"- {clean(lesson)}" for lesson in view.lessons)]
    if view.expert:
        out += ["", "## What an expert did", ""]
        for paragraph in view.expert:
            out += [textwrap.fill(clean(paragraph), 110), ""]
    if view.run_path:
        out += ["", f"Run file: {view.run_path}"]
    return "\n".join(out).rstrip() + "\n"
