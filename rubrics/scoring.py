"""`score(events, rubric)`: from an event log to a scorecard. Pure, and the same for every player."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rubrics import cause, flags, learning, measures, outcomes, people, schema, triage
from rubrics.facts import Facts
from rubrics.findings import Band, Finding, Hints, Judgement, RedFlag, Scorecard
from rubrics.losses import harm_eur, harm_idle_eur
from rubrics.patterns import Match, match
from rubrics.reading import number
from simulator.engine.events import Event

_HOLD_S = 600.0

MEASURES: Mapping[str, Callable[[Facts, Any], Judgement]] = {
    "acknowledged": triage.acknowledged,
    "customers_seen": triage.customers_seen,
    "severity_fits": triage.severity_fits,
    "evidence_backed_hypotheses": cause.evidence_backed_hypotheses,
    "rival_ruled_out": cause.rival_ruled_out,
    "diagnosis": cause.diagnosis,
    "compared_with_history": cause.compared_with_history,
    "discipline": cause.discipline,
    "no_needless_change": cause.no_needless_change,
    "first_update": people.first_update,
    "update_content": people.update_content,
    "communication_cadence": people.communication_cadence,
    "final_status": people.final_status,
    "postmortem_cause": learning.postmortem_cause,
    "prevention": learning.prevention,
    "mitigation": outcomes.mitigation,
    "recovery_held": outcomes.recovery_held,
    "resolved_right": outcomes.resolved_right,
    "harm": outcomes.harm,
    "speed": outcomes.speed,
}

FLAG_MEASURES: Mapping[str, Callable[[Facts, Any], Match | None]] = {
    "mass_change": flags.mass_change,
    "silenced_firing": flags.silenced_firing,
    "serving_removed": flags.serving_removed,
    "resolved_while_broken": flags.resolved_while_broken,
    "guessing": flags.guessing,
    "acted_blind": flags.acted_blind,
    "foregone": flags.foregone,
    "stories": flags.stories,
    "untrue": flags.untrue,
    "all_hints": flags.all_hints,
}


def score(events: Iterable[Event], rubric: schema.Rubric, who: str = "you") -> Scorecard:
    """Judge a run. Points count only for criteria that apply and had a chance; the score is their share of 100.

    `who` is how the reasons name the responder. Raises ContentError when the log holds no events.
    """
    facts = Facts(events, who)
    findings = tuple(_finding(item, facts) for item in rubric.criteria if _applies(item.applies_when, facts))
    red_flags = tuple(flag for item in rubric.red_flags for flag in _flag(item, facts))
    counted = [finding for finding in findings if finding.verdict != "no_chance"]
    points_max = sum(finding.points_max for finding in counted)
    hints = _hints(facts)
    earned = 100.0 * sum(finding.points for finding in counted) / points_max if points_max else 0.0
    total = round(max(0.0, earned - hints.points), 1)
    verdict, reasons = _verdict(total, counted, red_flags, rubric.verdicts)
    return Scorecard(
        rubric=rubric.id,
        score=total,
        verdict=verdict,
        reasons=reasons,
        findings=findings,
        red_flags=red_flags,
        critical_missed=tuple(f.criterion for f in counted if f.critical and f.verdict != "met"),
        hints=hints,
        times=outcomes.times_of(facts, _hold_s(rubric)),
        harm_eur=round(harm_eur(facts), 2),
        harm_idle_eur=harm_idle_eur(facts),
    )


def _hints(facts: Facts) -> Hints:
    """Each hint states its own price when it is taken."""
    taken = facts.since_join("hint.taken")
    points = sum(max(0.0, number(event, "costs_points") or 0.0) for event in taken)
    return Hints(len(taken), points, tuple(event.n for event in taken))


def _short(finding: Finding) -> bool:
    return finding.points < finding.strong_needs * finding.points_max - 1e-9


def _hold_s(rubric: schema.Rubric) -> float:
    rules = [item.measure for item in rubric.criteria if isinstance(item.measure, measures.RecoveryHeld)]
    return rules[0].hold if rules else _HOLD_S


def _applies(when: schema.AppliesWhen, facts: Facts) -> bool:
    drill = "harmless" if facts.harmless else "faulted"
    joined_by = "complaint" if facts.joined_by_complaint else "page"
    return when.drill in (None, drill) and when.joined_by in (None, joined_by)


def _finding(item: schema.Criterion, facts: Facts) -> Finding:
    judgement = _judge(item, facts)
    return Finding(
        criterion=item.id,
        title=item.title,
        verdict=judgement.verdict,
        points=round(item.points * judgement.share, 2),
        points_max=item.points,
        evidence=judgement.evidence,
        because=judgement.because,
        critical=item.critical and judgement.critical,
        strong_needs=item.strong_needs,
        why=item.why,
        how=item.how,
    )


def _judge(item: schema.Criterion, facts: Facts) -> Judgement:
    if item.no_chance is not None:
        lacking = match(item.no_chance.when, facts)
        if lacking.held:
            return Judgement("no_chance", 0.0, lacking.evidence, item.no_chance.because)
    if item.measure is not None:
        return MEASURES[item.measure.name](facts, item.measure)
    assert item.met is not None, "a criterion has a pattern or a measure"
    met = match(item.met, facts)
    if met.held:
        return Judgement("met", 1.0, met.evidence, met.because)
    if item.partly is not None and match(item.partly, facts).held:
        partly = match(item.partly, facts)
        return Judgement("partly", item.partly_ratio, tuple(dict.fromkeys(partly.evidence + met.evidence)), met.because)
    return Judgement("missed", 0.0, met.evidence, met.because)


def _flag(item: schema.Flag, facts: Facts) -> list[RedFlag]:
    if not _applies(item.applies_when, facts):
        return []
    if item.measure is not None:
        found = FLAG_MEASURES[item.measure.name](facts, item.measure)
    else:
        assert item.seen is not None, "a flag has a pattern or a measure"
        found = match(item.seen, facts)
    if found is None or not found.held:
        return []
    return [RedFlag(item.id, item.title, item.level, found.evidence, f"{found.because}. {item.why}")]


def _verdict(
    total: float, counted: list[Finding], found: tuple[RedFlag, ...], bar: schema.Verdicts
) -> tuple[Band, tuple[str, ...]]:
    """The verdict, and what stands between it and the next better one."""
    critical = [finding for finding in counted if finding.critical]
    partly = [finding.title for finding in critical if finding.verdict == "partly"]
    no = [flag.title for flag in found if flag.level == "fatal"]
    no += [f"missed and critical: {finding.title}" for finding in critical if finding.verdict == "missed"]
    if len(partly) > bar.lean_critical_partly_max:
        no.append(f"critical and only partly met: {', '.join(partly)}")
    if total < bar.lean_score:
        no.append(f"{total:g} points; Lean Hire asks for {bar.lean_score:g}")
    if no:
        return "no", tuple(no)
    lean = [flag.title for flag in found if flag.level == "major"]
    lean += [f"critical and only partly met: {title}" for title in partly]
    lean += [f"Strong Hire asks for more of: {finding.title}" for finding in counted if _short(finding)]
    if total < bar.strong_score:
        lean.append(f"{total:g} points; Strong Hire asks for {bar.strong_score:g}")
    return ("lean" if lean else "strong"), tuple(lean)
