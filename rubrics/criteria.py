"""Measures of how the responder worked: hypotheses, diagnosis, discipline, communication, post-mortem.

Each takes the facts of a run and its own section of the rubric, and returns a judgement that cites events.
"""

from __future__ import annotations

import itertools

from rubrics import schema
from rubrics.facts import Cause, Facts, Fault, Hypothesis, cause_of, number, text, texts
from rubrics.findings import Judgement
from rubrics.patterns import CITED_MAX
from rubrics.words import at, clock, is_prose, minutes, names, prose
from simulator.engine.events import Event


def judged(share: float, events: list[Event], because: str) -> Judgement:
    """A judgement whose verdict follows from its share. Citing nothing is our bug."""
    share = min(1.0, max(0.0, share))
    verdict = "met" if share >= 0.999 else "partly" if share > 0.0 else "missed"
    numbers = tuple(dict.fromkeys(event.n for event in events))[:CITED_MAX]
    assert numbers, "a judgement cites at least one event"
    return Judgement(verdict, share, numbers, because)  # type: ignore[arg-type]


def no_chance(facts: Facts, because: str) -> Judgement:
    return Judgement("no_chance", 0.0, (facts.joined.n,), because)


def evidence_backed_hypotheses(facts: Facts, rule: schema.EvidenceBackedHypotheses) -> Judgement:
    """40% for the number of distinct causes with relevant evidence, 30% for one supported, 30% for one ruled out."""
    claims = facts.since_join("resolve.claimed")
    limit_n = claims[0].n if claims else facts.last.n + 1
    backed = [h for h in facts.hypotheses if any(event.n < limit_n for event in (*h.pro, *h.contra))]
    if not backed:
        tried = [hypothesis.events[0] for hypothesis in facts.hypotheses]
        what = f"{len(tried)} suspected, none with evidence that bears on it" if tried else "no cause was suspected"
        return judged(0.0, tried or [facts.joined], what)
    distinct = {hypothesis.cause: hypothesis for hypothesis in reversed(backed)}
    supported = next((h for h in backed if h.pro), None)
    rejected = next((h for h in backed if _refuted(h)), None)
    share = 0.4 * min(1.0, len(distinct) / rule.at_least)
    share += 0.3 * (supported is not None) + 0.3 * (rejected is not None)
    cited = [event for h in distinct.values() for event in (*h.pro, *h.contra)[:1]]
    parts = [f"{len(distinct)} suspected cause{'s' if len(distinct) > 1 else ''} with evidence that bears on it"]
    if rejected is not None and rejected.ruled_out is not None:
        cited.append(rejected.ruled_out)
        parts.append(f"{at(facts, rejected.ruled_out)} on evidence")
    else:
        parts.append("none was ruled out on evidence against it")
    return judged(share, cited, "; ".join(parts))


def rival_ruled_out(facts: Facts, rule: schema.RivalRuledOut) -> Judgement:
    for hypothesis in facts.hypotheses:
        if _refuted(hypothesis) and hypothesis.ruled_out is not None:
            return judged(1.0, [hypothesis.contra[0], hypothesis.ruled_out], at(facts, hypothesis.ruled_out))
    weak = [h for h in facts.hypotheses if h.ruled_out is not None or h.contra]
    if weak:
        events = [event for h in weak for event in (*h.contra, *((h.ruled_out,) if h.ruled_out else ()))]
        return judged(0.3, events, "a rival was doubted, but not ruled out on evidence that bears on it")
    return judged(0.0, [facts.joined], "no other explanation was tested")


def _refuted(hypothesis: Hypothesis) -> bool:
    out = hypothesis.ruled_out
    return out is not None and any(event.n < out.n for event in hypothesis.contra)


def diagnosis(facts: Facts, rule: schema.Diagnosis) -> Judgement:
    confirmed = [h for h in facts.hypotheses if h.confirmed is not None]
    if not confirmed:
        return judged(0.0, [facts.joined], "no cause was confirmed")
    proven = [h for h in confirmed if h.proven()]
    right = [_proof(fault, proven) for fault in facts.judged_faults]
    found = [h for h in right if h is not None]
    cover = len(found) / len(right) if right else float(bool(_traffic(proven)))
    near = [h for h in proven if not facts.accepts(h.cause) and h.cause.component in _components(facts)]
    wrong = [
        h for h in confirmed if not facts.accepts(h.cause) and h not in near and (right or h not in _traffic(proven))
    ]
    cost = rule.wrong_cost_ratio * sum(0.5 if h.ruled_out else 1.0 for h in wrong)
    repeated, said = _repeated(facts)
    share = cover * (1.0 - rule.repeated_ratio + rule.repeated_ratio * repeated)
    if not cover and near:
        share = rule.component_only_ratio
    cited = [
        event for h in (found or near or confirmed) for event in (h.pro[:1] + ((h.confirmed,) if h.confirmed else ()))
    ]
    because = _diagnosis_words(facts, confirmed, found, near, wrong)
    if cover and not repeated:
        because += "; the resolve does not name the same cause"
    return judged(share - cost, [*cited, *(h.confirmed for h in wrong if h.confirmed), *said], because)


def _diagnosis_words(
    facts: Facts, confirmed: list[Hypothesis], found: list[Hypothesis], near: list[Hypothesis], wrong: list[Hypothesis]
) -> str:
    parts = [at(facts, h.confirmed) + " from evidence" for h in (found or near) if h.confirmed]
    if near and not found:
        parts.append("the component is right, the mechanism is not")
    if wrong:
        parts.append(
            f"{len(wrong)} wrong cause{'s' if len(wrong) > 1 else ''} confirmed as well"
            if parts
            else f"{len(wrong)} confirmed, none right"
        )
    if not parts:
        parts.append(f"{len(confirmed)} confirmed without relevant evidence for it beforehand")
    return "; ".join(parts)


def _proof(fault: Fault, proven: list[Hypothesis]) -> Hypothesis | None:
    return next((h for h in proven if h.cause in fault.accepted), None)


def _traffic(proven: list[Hypothesis]) -> list[Hypothesis]:
    """On a night with nothing wrong at all, traffic itself is the only explanation there can be."""
    return [h for h in proven if h.cause.component == "traffic"]


def _components(facts: Facts) -> list[str]:
    return [cause.component for fault in facts.judged_faults for cause in fault.accepted]


def _repeated(facts: Facts) -> tuple[bool, list[Event]]:
    """Whether the last resolve names a right cause; with the event."""
    claims = facts.since_join("resolve.claimed")
    if not claims:
        return False, []
    return _explains(facts, cause_of(claims[-1])), [claims[-1]]


def _explains(facts: Facts, cause: Cause) -> bool:
    return facts.accepts(cause) or (not facts.faults and cause.component == "traffic")


def compared_with_history(facts: Facts, rule: schema.ComparedWithHistory) -> Judgement:
    commands = {event.n: event for event in facts.looks()}
    tried: list[Event] = []
    for hypothesis in facts.hypotheses:
        if not _explains(facts, hypothesis.cause):
            continue
        for evidence in hypothesis.pro:
            command = commands.get(int(number(evidence, "event_n") or 0))
            if command is not None and set(texts(command, "looked")) & set(rule.looked):
                share = 1.0 if hypothesis.confirmed is not None else 0.5
                ending = "" if share == 1.0 else ", but the explanation was never confirmed"
                return judged(share, [command, evidence], f"{at(facts, command)} and cited it as evidence{ending}")
            tried.append(evidence)
    seen = [event for event in commands.values() if set(texts(event, "looked")) & set(rule.looked)]
    if seen:
        return judged(0.3, [seen[0], *tried], f"{at(facts, seen[0])}, but it was not cited for the explanation")
    return judged(0.0, tried or [facts.joined], "nothing was compared with earlier days")


def discipline(facts: Facts, rule: schema.Discipline) -> Judgement:
    if not facts.changes:
        return judged(0.0, [facts.joined, facts.last], "nothing was changed, so nothing could be put right")
    first = facts.changes[0]
    proven = [h for h in facts.hypotheses if h.proven() and h.confirmed is not None and h.confirmed.n < first.n]
    if proven and proven[0].confirmed is not None:
        return judged(1.0, [proven[0].confirmed, first], f"{at(facts, proven[0].confirmed)}, before {at(facts, first)}")
    backed = [event for h in facts.hypotheses for event in h.pro if event.n < first.n]
    if backed:
        return judged(0.5, [backed[0], first], f"{at(facts, first)} followed some evidence, but no confirmed cause")
    return judged(0.0, [first], f"too early: {at(facts, first)}, before any cause had evidence")


def no_needless_change(facts: Facts, rule: schema.NoNeedlessChange) -> Judgement:
    if facts.changes:
        count = f"{len(facts.changes)} change{'s' if len(facts.changes) > 1 else ''}"
        because = f"{count}, the first: {at(facts, facts.changes[0])}; nothing was broken"
        return judged(0.0, list(facts.changes), because)
    looks = facts.looks()
    if len(looks) < rule.looks_min:
        return judged(0.0, [facts.joined, *looks], "nothing was changed, but nothing was found out either")
    return judged(1.0, list(looks[: rule.looks_min]), f"{len(looks)} looks and no change")


def communication_cadence(facts: Facts, rule: schema.Cadence) -> Judgement:
    sent = facts.since_join("status.sent")
    if not sent:
        return judged(0.0, [facts.joined, facts.last], f"no status update by {clock(facts.after_join_s(facts.last))}")
    claims = facts.since_join("resolve.claimed")
    end = claims[0] if claims else facts.last
    marks = [facts.joined, *(event for event in sent if event.n < end.n), end]
    pairs = list(itertools.pairwise(marks))
    start, stop = max(pairs, key=lambda pair: pair[1].t_us - pair[0].t_us)
    gap_s = (stop.t_us - start.t_us) / 1e6
    share = 1.0 if gap_s <= rule.met else 0.5 if gap_s <= rule.partly else 0.0
    return judged(share, [start, stop], f"the longest silence was {minutes(gap_s)}, ending when {at(facts, stop)}")


def final_status(facts: Facts, rule: schema.FinalStatus) -> Judgement:
    recovery = facts.recovery()
    sent = facts.since_join("status.sent")
    if recovery is None:
        return judged(0.0, [facts.last, *sent[-1:]], f"service did not recover through a change that {facts.who} made")
    after = [event for event in sent if event.n > recovery.start.n]
    if after:
        return judged(1.0, [after[-1]], f"{at(facts, after[-1])}, after recovery")
    return judged(
        0.0, [recovery.start], f"recovery began at {clock(facts.after_join_s(recovery.start))}; nobody was told"
    )


def postmortem_cause(facts: Facts, rule: schema.PostmortemCause) -> Judgement:
    filed = facts.since_join("postmortem.filed")
    if not filed:
        return judged(0.0, [facts.joined, facts.last], "no post-mortem was filed")
    last = filed[-1]
    if not _explains(facts, cause_of(last)):
        named = ":".join(cause_of(last))
        return judged(0.0, [last], f"the post-mortem names {named if named != ':' else 'no cause'}, which is not it")
    if not is_prose(text(last, "text"), rule.words_min):
        return judged(
            0.5, [last], f"the right cause, but not {rule.words_min} words of sentences a colleague could learn from"
        )
    return judged(1.0, [last], f"{at(facts, last)} with the right cause, in sentences")


def prevention(facts: Facts, rule: schema.Prevention) -> Judgement:
    added = facts.since_join("alert.rule_added")
    checked = facts.since_join("prevention.checked")
    filed = [
        event for event in facts.since_join("postmortem.filed") if is_prose(prose(event, "prevention"), rule.words_min)
    ]
    if not added and not filed:
        return judged(0.0, [facts.joined, facts.last], "nothing was done so that it is caught next time")
    if not facts.joined_by_complaint or facts.harmless:
        events = [*added, *filed]
        return judged(1.0, events, names(tuple(at(facts, event) for event in events[:2])))
    caught = [event for event in checked if _caught(facts, event)]
    if caught:
        after_s = number(caught[0], "since_fault_s") or 0.0
        because = f"the rule {text(caught[0], 'name')} fires {minutes(after_s)} after the fault began [#{caught[0].n}]"
        return judged(1.0, [*added, caught[0]], f"{because}, before any customer complained")
    if checked:
        return judged(
            0.5, [*added, *checked], "the rule did not fire between the fault and the complaint in the re-run"
        )
    return judged(0.5, [*added, *filed], "the fault was silent: only a new alert rule proves that it would be caught")


def _caught(facts: Facts, event: Event) -> bool:
    """The rule fires once the fault has begun and before anybody had to call."""
    fires_s, since_fault_s = number(event, "fires_at_s"), number(event, "since_fault_s")
    return fires_s is not None and since_fault_s is not None and since_fault_s >= 0.0 and fires_s < facts.joined.t_s
