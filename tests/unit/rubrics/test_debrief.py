from __future__ import annotations

import subprocess
import sys

import pytest

from reference_platform.errors import ContentError
from rubrics.debrief import Debrief, debrief
from rubrics.debrief_text import render_markdown, render_text
from rubrics.loader import incident_rubric
from rubrics.scoring import score
from rubrics.words import clock, is_prose
from tests.unit.rubrics.drill_logs import EXPERT, NIGHT, POSTMORTEM, QUIET, SILENT, Night, Step, change


def debriefed(night: Night, steps: tuple[Step, ...], expert: bool = True) -> Debrief:
    log = night.log(steps)
    return debrief(log, score(log, incident_rubric()), night.log(EXPERT) if expert else None)


def test_a_missed_criterion_shows_what_the_expert_did_about_it() -> None:
    steps = tuple(step for step in EXPERT if step.name != "fallback")
    lesson = debriefed(NIGHT, steps).lessons[0]
    assert lesson.title == "What customers get"
    assert "curl fallback" in lesson.expert
    assert lesson.critical


def test_critical_lessons_come_first_and_dearest_first() -> None:
    lessons = debriefed(NIGHT, ()).lessons
    order = [(not item.critical, -item.lost) for item in lessons]
    assert order == sorted(order)


def test_both_runs_stand_on_one_axis_that_counts_from_joining() -> None:
    entries = debriefed(NIGHT, EXPERT).entries
    assert {entry.lane for entry in entries} == {"world", "you", "expert"}
    assert [e.t_s for e in entries if e.kind == "fault"] == [-1200.0]
    assert [e.t_s for e in entries if e.kind == "recovery" and e.lane == "you"] == [480.0]
    assert [entry.t_s for entry in entries] == sorted(entry.t_s for entry in entries)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("steps", [(), EXPERT, (*EXPERT, change("x", 20, "restart", "gateway"))])
def test_no_line_is_wider_than_the_screen(width: int, steps: tuple[Step, ...]) -> None:
    for night in (NIGHT, SILENT, QUIET):
        text = render_text(debriefed(night, steps), width)
        assert max(len(line) for line in text.splitlines()) <= width


def test_the_text_says_what_was_wrong_and_every_verdict() -> None:
    text = render_text(debriefed(SILENT, EXPERT))
    assert "STRONG HIRE  100/100  (expert 100)" in text
    assert "online-store: connection exhaustion. It began 20 min before you joined." in text
    assert "no chance" in text
    assert "Your rule pool-full fires 5 min after the fault begins" in text


def test_a_debrief_without_an_expert_run_has_no_expert_lane() -> None:
    text = render_text(debriefed(NIGHT, (), expert=False))
    assert "expert" not in text


def test_markdown_names_every_criterion_with_its_events() -> None:
    found = debriefed(NIGHT, EXPERT)
    text = render_markdown(found)
    for finding in found.card.findings:
        assert f"| {finding.title} |" in text
    assert "[#" in text


def test_a_log_without_events_is_refused_with_a_way_out() -> None:
    with pytest.raises(ContentError, match="no events"):
        score([], incident_rubric())


def test_clock_counts_both_ways_and_in_hours_when_long() -> None:
    assert (clock(0), clock(65), clock(-65), clock(72 * 3600)) == ("T+00:00", "T+01:05", "T-01:05", "T+72h00m")


def test_prose_is_told_from_keywords() -> None:
    assert is_prose(POSTMORTEM, 30)
    assert not is_prose("pool leak deploy timeout retry gateway " * 10, 30)
    assert not is_prose("the the the the " * 10, 30)
    assert not is_prose("It broke.", 30)


def test_scoring_loads_nothing_heavy() -> None:
    code = (
        "import sys, rubrics.scoring, rubrics.loader, rubrics.debrief_text\n"
        "heavy = {'torch', 'mlflow', 'numpy', 'simpy', 'textual', 'typer'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
