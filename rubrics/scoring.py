"""`score(events, rubric)`: from an event log to a scorecard. Pure, and the same for every player."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rubrics import criteria, flags, outcomes, schema
from rubrics.facts import Facts
from rubrics.findings import Band, Finding, Judgement, RedFlag, Scorecard
from rubrics.patterns import Match, match
from simulator.engine.events import Event

_HOLD_S = 600.0

MEASURES: Mapping[str, Callable[[Facts, Any], Judgement]] = {
    "evidence_backed_hypotheses": criteria.evidence_backed_hypotheses,
    "rival_ruled_out": criteria.rival_ruled_out,
    "diagnosis": criteria.diagnosis,
    "compared_with_history": criteria.compared_with_history,
    "discipline": criteria.discipline,
    "no_needless_change": criteria.no_needless_change,
    "communication_cadence": criteria.communication_cadence,
    "final_status": criteria.final_status,
    "postmortem_cause": criteria.postmortem_cause,
    "prevention": criteria.prevention,
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
    total = round(100.0 * sum(finding.points for finding in counted) / points_max, 1) if points_max else 0.0
    return Scorecard(
        rubric=rubric.id,
        score=total,
        verdict=_verdict(total, counted, red_flags, rubric.verdicts),
        findings=findings,
        red_flags=red_flags,
        critical_missed=tuple(f.criterion for f in counted if f.critical and f.verdict != "met"),
        times=outcomes.times_of(facts, _hold_s(rubric)),
        harm_eur=round(facts.harm_eur(), 2),
        harm_idle_eur=facts.harm_idle_eur(),
    )


def _hold_s(rubric: schema.Rubric) -> float:
    rules = [item.measure for item in rubric.criteria if isinstance(item.measure, schema.RecoveryHeld)]
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
        critical=item.critical,
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


def _verdict(total: float, counted: list[Finding], found: tuple[RedFlag, ...], bar: schema.Verdicts) -> Band:
    levels = [flag.level for flag in found]
    critical = [finding.verdict for finding in counted if finding.critical]
    if "fatal" in levels or "missed" in critical or total < bar.lean_score:
        return "no"
    if critical.count("partly") > bar.lean_critical_partly_max:
        return "no"
    strong = total >= bar.strong_score and "partly" not in critical and "major" not in levels
    return "strong" if strong else "lean"
