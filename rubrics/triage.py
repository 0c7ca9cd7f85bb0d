"""Measures of the first minutes: what customers get, and how bad it is."""

from __future__ import annotations

from rubrics import measures
from rubrics.facts import Facts, first_after, last_before
from rubrics.findings import Judgement
from rubrics.judging import judged, no_chance
from rubrics.losses import Reach, reach_of, worst_reach
from rubrics.reading import text, texts
from rubrics.statements import contradiction
from rubrics.words import at
from simulator.engine.events import Event

SERVED = 0.995
"""From this share of answers by the models on, the objectives themselves show that nobody gets a default."""

LEVELS = ("SEV1", "SEV2", "SEV3", "SEV4")


def customers_seen(facts: Facts, rule: measures.CustomersSeen) -> Judgement:
    """Any look counts that shows what customers get; how much it counts depends on whether it came in time."""
    worst, report = worst_reach(facts)
    critical = worst.share >= rule.critical_from_ratio
    looks = [event for event in facts.since_join("command") if shows_customers(facts, event)]
    act = facts.acts[0].event if facts.acts else None
    over = facts.over
    in_time = [event for event in looks if act is None or event.n < act.n]
    if in_time:
        before = f", before {at(facts, act)}" if act is not None else ""
        return judged(1.0, in_time[:1], f"{at(facts, in_time[0])}{before}", critical=critical)
    late = [event for event in looks if over is None or event.n < over.n]
    if late and act is not None:
        return judged(0.5, [late[0], act], f"too late: {at(facts, late[0])}, after {at(facts, act)}", critical=critical)
    cited = [facts.joined, *([report] if report is not None and critical else [])]
    lost = f", while {worst.share:.0%} of responses came from no model" if critical else ""
    return judged(0.0, cited, f"nobody looked at what customers get{lost}", critical=critical)


def shows_customers(facts: Facts, event: Event) -> bool:
    """Whether a command shows what customers get: from the fallback, the front door, or counts of responses."""
    looked, subjects, line = texts(event, "looked"), texts(event, "subjects"), text(event, "line")
    if "fallback" in looked or "dashboard" in looked:
        return True
    if "fallback" in subjects and {"logs", "pods", "metrics"} & set(looked):
        return True
    if text(event, "verb") == "curl":
        return "gateway" in subjects
    if "shop_responses_total" in line or "gateway_requests_total" in line:
        return "metrics" in looked
    return text(event, "verb") == "slo" and _served_at(facts, event)


def _served_at(facts: Facts, event: Event) -> bool:
    """The objectives say it all where every answer comes from a model."""
    report = last_before(facts.all("slo"), event) or first_after(facts.all("slo"), event)
    return report is not None and 1.0 - reach_of(report).share >= SERVED


def severity_fits(facts: Facts, rule: measures.SeverityFits) -> Judgement:
    """The declared severity against whom the trouble reached by then; the last declaration counts."""
    declared = facts.since_join("scope.declared")
    if not declared:
        return judged(0.0, [facts.joined], "no severity was declared")
    last = declared[-1]
    if text(last, "severity") not in LEVELS:
        return judged(0.0, [last], f"declared no severity that exists; there are {', '.join(LEVELS)}")
    said = LEVELS.index(text(last, "severity")) + 1
    wrong = contradiction(facts, last)
    if wrong:
        return judged(0.0, [last], f"{at(facts, last)}: {wrong}")
    reach, report = _reach_by(facts, last)
    fitting = _fitting(facts, reach, rule)
    cited = [last, *([report] if report is not None else [])]
    distance = min(abs(said - level) for level in fitting)
    share = (1.0, 0.5)[distance] if distance < 2 else 0.0
    about = "nobody was hurt" if facts.harmless else _reach_words(reach)
    expected = " or ".join(f"SEV{level}" for level in fitting)
    return judged(share, cited, f"declared SEV{said} [#{last.n}]; {about}, which is {expected}")


def _reach_words(reach: Reach) -> str:
    if not reach.routes:
        return "no request failed, but what was served was worth less"
    return f"{reach.share:.0%} of responses came from no model, on {reach.routes} of {reach.routes_all} routes"


def _reach_by(facts: Facts, event: Event) -> tuple[Reach, Event | None]:
    """The worst reach reported from an hour before joining up to the first report after `event`."""
    until = first_after(facts.all("slo"), event)
    limit_n = until.n if until is not None else event.n
    since_us = facts.joined.t_us - 3_600_000_000
    found = [(reach_of(e), e) for e in facts.all("slo") if e.t_us >= since_us and e.n <= limit_n]
    return max(found, key=lambda item: item[0].share, default=(Reach(0.0, 0, 0), None))


def _fitting(facts: Facts, reach: Reach, rule: measures.SeverityFits) -> tuple[int, ...]:
    """Severities that a careful colleague would declare."""
    if facts.harmless:
        return (4,)
    if reach.share >= rule.most_ratio:
        return (1,)
    if reach.share >= rule.some_ratio:
        return (1, 2) if reach.routes == reach.routes_all else (2,)
    return (2, 3)


def acknowledged(facts: Facts, rule: measures.Acknowledged) -> Judgement:
    """Nobody paged: nothing to acknowledge, whatever made the responder join."""
    paged = facts.all("page.sent")
    if not paged:
        return no_chance(facts, "nobody was paged, so there was nothing to acknowledge")
    acked = facts.since_join("page.acked")
    if not acked:
        return judged(0.0, [paged[0]], "the page was never acknowledged")
    took_s = (acked[0].t_us - max(facts.joined.t_us, paged[0].t_us)) / 1e6
    share = 1.0 if took_s <= rule.met else 0.5 if took_s <= rule.partly else 0.0
    late = "" if share == 1.0 else "too late: "
    return judged(share, [acked[0]], f"{late}{at(facts, acked[0])}")
