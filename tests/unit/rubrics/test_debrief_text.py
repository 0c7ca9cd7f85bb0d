"""A debrief to the letter: a small one, made by hand, on a wide and on a narrow screen and as Markdown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rubrics.debrief import Debrief, Entry, HarmCompared, Lesson
from rubrics.debrief_text import WIDTH_MIN, render_markdown, render_text
from rubrics.findings import Finding, Hints, RedFlag, Scorecard, Times

TEXTS = Path(__file__).parent / "debriefs"
FINDINGS = (
    Finding("a", "Took the page", "met", 3.0, 3.0, (4,), "you acknowledged at T+00:30 [#4]"),
    Finding("b", "Found the cause", "partly", 7.5, 14.0, (5, 6), "nearly [#5]", critical=True),
    Finding("c", "Read | the logs", "missed", 0.0, 2.0, (2,), "never"),
    Finding("d", "Severity", "no_chance", 0.0, 3.0, (2,), "nobody could"),
)


def card(**changes: object) -> Scorecard:
    whole = Scorecard(
        rubric="incident",
        score=62.5,
        verdict="lean",
        reasons=("Took a hint", "62.5 points; Strong Hire asks for 80"),
        findings=FINDINGS,
        red_flags=(RedFlag("untrue", "Told what was not true", "major", (7, 8), "you said so [#7]. Bad."),),
        critical_missed=("b",),
        hints=Hints(2, 10.0, (9, 10)),
        times=Times(30.0, 330.0, None, 6000.0),
        harm_eur=1234.5,
        harm_idle_eur=5000.0,
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def small() -> Debrief:
    """Twenty minutes; the expert was better."""
    return Debrief(
        scenario="toy-drill",
        card=card(),
        expert_card=card(score=98.0, verdict="strong", times=Times(10.0, 100.0, 200.0, None)),
        entries=(
            Entry("world", -600.0, "fault", "store: full began", 1),
            Entry("world", 0.0, "alert", "alert Burn", 3),
            Entry("you", 30.0, "ack", "acknowledged the page", 4),
            Entry("expert", 60.0, "look", "ran `slo`", 5),
            Entry("you", 330.0, "look", "ran `kubectl get pods`", 6),
            Entry("you", 335.0, "change", "restarted store", 7),
            Entry("you", 1200.0, "resolve", "declared it resolved", 8),
        ),
        lessons=(
            Lesson("Found the cause", 6.5, True, "nearly", "Luck is no cause.", "hyp confirm 1", "they did", (5, 6)),
            Lesson("Read | the logs", 2.0, False, "never", "They say it.", "kubectl logs", "", (2,)),
        ),
        truth=("store: full. It began 10 min before you joined.",),
        prevention="You wrote: an alert.",
        harm=HarmCompared(1234.5, 5000.0, 400.4),
        axis_s=1200.0,
    )


def kept(name: str) -> str:
    return (TEXTS / name).read_text(encoding="utf-8")


def test_on_a_screen_of_eighty_columns() -> None:
    assert render_text(small(), 80) == kept("wide.txt")
    assert render_text(small()) == kept("wide.txt")


@pytest.mark.parametrize("width", [0, WIDTH_MIN - 1, WIDTH_MIN])
def test_no_screen_is_narrower_than_sixty_columns(width: int) -> None:
    assert render_text(small(), width) == kept("narrow.txt")


def test_as_markdown() -> None:
    assert render_markdown(small()) == kept("kept.md")


def test_what_there_is_nothing_to_say_about_is_left_out() -> None:
    """No expert, no flag, no reason, no hint, no lesson."""
    bare = replace(
        small(),
        scenario="",
        card=card(reasons=(), red_flags=(), hints=Hints(0, 0.0, ())),
        expert_card=None,
        entries=tuple(entry for entry in small().entries if entry.lane != "expert"),
        lessons=(),
        harm=HarmCompared(1234.5, None, None),
    )
    told = render_text(bare, 80).splitlines()
    assert told[0] == "DEBRIEF".ljust(80 - len("LEAN HIRE  62.5/100")) + "LEAN HIRE  62.5/100"
    text = "\n".join(told[1:])
    for title in ("Red flags", "Next time", "What the expert did", "Why not better", "Hints", "expert"):
        assert title not in text
    assert "  harm              you 1,234 EUR\n" in text
    assert "  rightly resolved  you T+1h40m\n" in text
    kept_md = render_markdown(bare)
    assert kept_md.startswith("# Debrief: drill\n")
    assert "Red flags" not in kept_md
    assert "Next time" not in kept_md


def test_the_weightier_of_two_marks_in_one_cell_is_drawn_whichever_came_first() -> None:
    look, change = Entry("you", 0.0, "look", "look", 1), Entry("you", 1.0, "change", "change", 2)
    for entries in ((look, change), (change, look)):
        lane = next(x for x in render_text(replace(small(), entries=entries), 80).splitlines() if x.startswith(" you "))
        assert lane == " you    X" + "." * 71


@pytest.mark.parametrize(("count", "more"), [(60, ""), (61, "... and 1 more"), (63, "... and 3 more")])
def test_a_long_timeline_is_cut_and_says_so(count: int, more: str) -> None:
    rows = tuple(Entry("you", float(k), "look", f"look {k}", k + 1) for k in range(count))
    text = render_text(replace(small(), entries=rows), 80)
    assert more in text
    assert ("... and" in text) == bool(more)
    assert "look 59 " in text
    assert "look 60 " not in text


def test_a_long_row_keeps_its_number() -> None:
    rows = (Entry("you", 1.0, "look", "x" * 200, 1234),)
    line = render_text(replace(small(), entries=rows), 80).splitlines()[-1]
    assert line == "  T+00:01   o " + "x" * 58 + " [#1234]"


def test_the_ruler_tells_quarters_in_minutes() -> None:
    ruler = next(x for x in render_text(replace(small(), axis_s=7200.0), 80).splitlines() if "|" in x and "m" in x)
    assert ruler.split() == ["|0m", "|30m", "|60m", "|90m"]


@pytest.mark.parametrize(("idle_eur", "lengths"), [(50_000.0, [60]), (500_000.0, [57, 5])])
def test_a_line_of_numbers_is_wrapped_only_where_the_screen_ends(idle_eur: float, lengths: list[int]) -> None:
    text = render_text(replace(small(), harm=HarmCompared(123_456.0, idle_eur, None)), WIDTH_MIN)
    assert [len(line) for line in text[text.index("  harm  ") :].partition("\n\n")[0].splitlines()] == lengths


def test_a_name_is_not_broken_at_its_hyphens() -> None:
    said = "It was the store, the export, and nobody saw loyalty-export-of-the-night."
    text = render_text(replace(small(), prevention=said), WIDTH_MIN)
    assert "\n  loyalty-export-of-the-night.\n" in text
