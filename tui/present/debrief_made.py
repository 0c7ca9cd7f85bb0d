"""From the debrief that scoring makes to the one that is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tui.present.debrief_view import CriterionRow, DebriefView, Met, TimelineMark

if TYPE_CHECKING:
    from rubrics.debrief import Debrief
    from rubrics.findings import Finding
    from simulator.session.view import SessionView

_MET: dict[str, Met] = {"met": "met", "partly": "partly", "missed": "missed", "no_chance": "no chance"}


def debrief_view(
    made: Debrief, last: SessionView, events: Iterable[tuple[int, str]], expert: tuple[str, ...], run_path: str
) -> DebriefView:
    """What the screens show of `made`. `last` is the session's view at its end; `events` gives readable text by event
    number; `expert` holds the paragraphs of the expert's play."""
    card = made.card
    lessons = {lesson.title: lesson for lesson in made.lessons}

    def row(finding: Finding) -> CriterionRow:
        lesson = lessons.get(finding.title)
        return CriterionRow(
            finding.title,
            None if finding.verdict == "no_chance" else finding.points,
            finding.points_max,
            _MET[finding.verdict],
            finding.because,
            finding.evidence,
            finding.critical,
            finding.why,
            finding.how,
            lesson.expert if lesson else "",
        )

    return DebriefView(
        scenario_id=made.scenario,
        title=last.title,
        verdict=card.verdict,
        score=card.score,
        expert_score=made.expert_card.score if made.expert_card else None,
        joined_s=last.joined_s,
        drill_s=made.axis_s,
        harm_eur=card.harm_eur,
        harm_idle_eur=made.harm.idle_eur,
        harm_expert_eur=made.harm.expert_eur,
        summary=" ".join([*made.truth, made.prevention]),
        rows=tuple(row(finding) for finding in card.findings),
        reasons=card.reasons,
        hints=f"{card.hints.taken} taken, {card.hints.points:g} points off" if card.hints.taken else "",
        red_flags=tuple(f"{flag.title} ({flag.level}): {flag.text}" for flag in card.red_flags),
        timeline=tuple(TimelineMark(last.joined_s + e.t_s, e.lane, e.kind, e.text, e.n) for e in made.entries),
        expert=expert,
        lessons=tuple(f"{lesson.title}: {lesson.how}" for lesson in made.lessons if lesson.how),
        times_s={
            "tta_s": card.times.tta_s,
            "ttd_s": card.times.ttd_s,
            "ttm_s": card.times.ttm_s,
            "ttr_s": card.times.ttr_s,
        },
        events=dict(events),
        dashboards=last.dashboards,
        marks=last.marks,
        run_path=run_path,
    )
