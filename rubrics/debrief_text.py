"""A debrief as plain text for a terminal, or as Markdown to keep."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from rubrics.debrief import Debrief, Kind, Lane, Lesson
from rubrics.findings import Band, Finding, Hints, Verdict
from rubrics.words import clock, minutes

WIDTH_MIN = 60
LANE_LABEL_CHARS = 8
TIMELINE_ROWS_MAX = 60

BANDS: dict[Band, str] = {"strong": "STRONG HIRE", "lean": "LEAN HIRE", "no": "NO HIRE"}
VERDICTS: dict[Verdict, str] = {"met": "met", "partly": "partly", "missed": "missed", "no_chance": "no chance"}
MARKS: dict[Kind, str] = {
    "resolve": "R", "recovery": "G", "fault": "F", "change": "X", "alert": "!", "status": "s", "hypothesis": "h",
    "prevention": "p", "ack": "a", "look": "o",
}  # fmt: skip
LEGEND = "F fault  ! alert  a ack  o look  h hypothesis  X change  s status  G good again  R resolve  p prevention"


def render_text(debrief: Debrief, width: int = 80) -> str:
    """The whole debrief in lines of at most `width` characters (at least WIDTH_MIN)."""
    width = max(WIDTH_MIN, width)
    blocks = [
        _headline(debrief, width),
        _section("What was wrong", [line for item in debrief.truth for line in _wrap(item, width, "  ")], width),
        _section("Red flags", _flag_lines(debrief, width), width),
        _section(f"{minutes(debrief.axis_s)} on one axis", _axis_lines(debrief, width), width),
        _section(
            "Times and harm", [part for line in _number_lines(debrief) for part in _wrap(line, width, "  ")], width
        ),
        _section("What was judged", [line for f in debrief.card.findings for line in _row(f, width)], width),
        _section("Next time", [line for item in debrief.lessons for line in _lesson(item, width)], width),
        _section("Prevention", _wrap(debrief.prevention, width, "  "), width),
        _section("What you did", _timeline(debrief, "you", width), width),
        _section("What the expert did", _timeline(debrief, "expert", width), width),
    ]
    return "\n".join(line for block in blocks for line in block) + "\n"


def render_markdown(debrief: Debrief) -> str:
    """The debrief as Markdown, every line with the event numbers it rests on."""
    card = debrief.card
    lines = [f"# Debrief: {debrief.scenario or 'drill'}", "", f"**{BANDS[card.verdict]}**, {card.score:g} of 100.", ""]
    lines += [f"What was wrong: {item}" for item in debrief.truth]
    lines += ["", *(f"- {line}" for line in _number_lines(debrief))]
    if card.red_flags:
        lines += ["", "## Red flags", ""]
        lines += [
            f"- **{flag.title}** ({flag.level}): {_with_events(flag.text, flag.evidence)}" for flag in card.red_flags
        ]
    lines += ["", "## What was judged", "", "| Criterion | Points | Verdict | Why | Events |", "|---|---|---|---|---|"]
    lines += [_markdown_row(finding) for finding in card.findings]
    if debrief.lessons:
        lines += ["", "## Next time", ""]
        lines += [f"- **{item.title}**. {item.why} Try: {item.how}.{_expert_says(item)}" for item in debrief.lessons]
    lines += ["", "## Prevention", "", debrief.prevention, "", "## Timeline", ""]
    lines += [f"- {clock(e.t_s)} {e.lane}: {e.text} [#{e.n}]" for e in debrief.entries]
    return "\n".join(lines) + "\n"


def _markdown_row(finding: Finding) -> str:
    cells = (finding.title, _points(finding), VERDICTS[finding.verdict], finding.because, _cite(finding.evidence))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _headline(debrief: Debrief, width: int) -> list[str]:
    card = debrief.card
    left = f"DEBRIEF  {debrief.scenario}"
    right = f"{BANDS[card.verdict]}  {card.score:g}/100"
    if debrief.expert_card is not None:
        right += f"  (expert {debrief.expert_card.score:g})"
    room = width - len(right) - 2
    lines = [f"{left[:room]:<{room}}  {right}"]
    if card.reasons:
        lines += _wrap(f"Why not better: {'; '.join(card.reasons)}.", width)
    if card.hints.taken:
        lines += _wrap(hints_line(card.hints), width)
    return lines


def hints_line(hints: Hints) -> str:
    """What hints cost."""
    return f"Hints: {hints.taken} taken, {hints.points:g} points off."


def _section(title: str, lines: list[str], width: int) -> list[str]:
    return ["", f"-- {title} ".ljust(width, "-"), *lines] if lines else []


def _wrap(text: str, width: int, indent: str = "") -> list[str]:
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def _flag_lines(debrief: Debrief, width: int) -> list[str]:
    lines = []
    for flag in debrief.card.red_flags:
        lines += _wrap(f"{flag.title} ({flag.level})", width, "  ! ")
        lines += _wrap(_with_events(flag.text, flag.evidence), width, "    ")
    return lines


def _axis_lines(debrief: Debrief, width: int) -> list[str]:
    columns = width - LANE_LABEL_CHARS
    lines = [_lane(debrief, lane, columns) for lane in ("world", "you", "expert")]
    ruler = [" "] * columns
    for share in (0.0, 0.25, 0.5, 0.75):
        label = f"|{debrief.axis_s * share / 60:.0f}m"
        start = int(columns * share)
        ruler[start : start + len(label)] = label
    return [
        *(line for line in lines if line),
        " " * LANE_LABEL_CHARS + "".join(ruler).rstrip(),
        *_wrap(LEGEND, width, "  "),
    ]


def _lane(debrief: Debrief, lane: Lane, columns: int) -> str:
    """One line; where marks share a cell the weightier one is drawn. What came before joining stands at the left."""
    entries = [entry for entry in debrief.entries if entry.lane == lane]
    if not entries:
        return ""
    cells = ["."] * columns
    lightest_first = list(reversed(MARKS))
    for entry in sorted(entries, key=lambda item: lightest_first.index(item.kind)):
        column = min(columns - 1, max(0, int(entry.t_s / debrief.axis_s * columns)))
        cells[column] = MARKS[entry.kind]
    return f" {lane:<{LANE_LABEL_CHARS - 1}}" + "".join(cells)


def _number_lines(debrief: Debrief) -> list[str]:
    times = debrief.card.times
    expert = debrief.expert_card.times if debrief.expert_card is not None else None
    rows = [("acknowledged", times.tta_s, expert.tta_s if expert else None)]
    rows.append(("cause confirmed", times.ttd_s, expert.ttd_s if expert else None))
    rows.append(("recovery began", times.ttm_s, expert.ttm_s if expert else None))
    rows.append(("rightly resolved", times.ttr_s, expert.ttr_s if expert else None))
    lines = []
    for label, you_s, expert_s in rows:
        line = f"{label:<17} you {_when(you_s):<9}"
        lines.append((line + (f" expert {_when(expert_s)}" if expert else "")).rstrip())
    harm = debrief.harm
    line = f"{'harm':<17} you {harm.you_eur:,.0f} EUR"
    if harm.expert_eur is not None:
        line += f"  expert {harm.expert_eur:,.0f} EUR"
    if harm.idle_eur is not None:
        line += f"  nobody about {harm.idle_eur:,.0f} EUR"
    return [*lines, line]


def _when(seconds: float | None) -> str:
    return "never" if seconds is None else clock(seconds)


def _points(finding: Finding) -> str:
    if finding.verdict == "no_chance":
        return f"-/{finding.points_max:g}"
    return f"{finding.points:g}/{finding.points_max:g}"


def _row(finding: Finding, width: int) -> list[str]:
    star = "*" if finding.critical else " "
    head = f"{star} {finding.title:<31}{_points(finding):>8}  {VERDICTS[finding.verdict]}"
    return [head, *_wrap(_with_events(finding.because, finding.evidence), width, "      ")]


def _cite(evidence: Iterable[int]) -> str:
    return " ".join(f"[#{n}]" for n in evidence)


def _with_events(text: str, evidence: Iterable[int]) -> str:
    """The text, followed by the event numbers it does not name itself."""
    return f"{text} {_cite(n for n in evidence if f'[#{n}]' not in text)}".rstrip()


def _expert_says(lesson: Lesson) -> str:
    return f" In the expert's run: {lesson.expert}." if lesson.expert else ""


def _lesson(lesson: Lesson, width: int) -> list[str]:
    head = f"  {'critical: ' if lesson.critical else ''}{lesson.title} (-{lesson.lost:g})"
    return [head, *_wrap(f"{lesson.why} Try: {lesson.how}.{_expert_says(lesson)}", width, "      ")]


def _timeline(debrief: Debrief, lane: Lane, width: int) -> list[str]:
    rows = [entry for entry in debrief.entries if entry.lane == lane]
    lines = [f"  {clock(e.t_s):<9} {MARKS[e.kind]} {e.text}"[: width - 8].ljust(width - 7) + f"[#{e.n}]" for e in rows]
    if len(lines) > TIMELINE_ROWS_MAX:
        lines = [*lines[:TIMELINE_ROWS_MAX], f"  ... and {len(rows) - TIMELINE_ROWS_MAX} more in the run file"]
    return lines
