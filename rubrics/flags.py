"""Red flags that need more than a pattern. Each returns the offending events with a reason, or None."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from rubrics import measures
from rubrics.facts import Facts
from rubrics.patterns import CITED_MAX, Match
from rubrics.reading import number, numbers, text, texts
from rubrics.statements import contradiction
from rubrics.suspects import named_causes
from rubrics.words import at, minutes, names
from simulator.engine.events import Event


def seen(events: list[Event], because: str) -> Match:
    return Match(True, tuple(dict.fromkeys(event.n for event in events))[:CITED_MAX], because)


def mass_change(facts: Facts, rule: measures.MassChange) -> Match | None:
    """Components touched or tried inside a sliding window that ended before a right cause was proven.

    Several changes to one component are one repair.
    """
    for index, last in enumerate(facts.acts):
        if facts.proven_before(last.event) is not None:
            return None
        recent = [a for a in facts.acts[: index + 1] if (last.event.t_us - a.event.t_us) / 1e6 <= rule.within]
        touched = list(dict.fromkeys(c for act in recent for c in act.components))
        if len(touched) >= rule.at_least:
            what = f"{len(recent)} change{'s' if len(recent) > 1 else ''} to {names(tuple(touched[:4]))}"
            because = f"{what} within {minutes(rule.within)}, before the cause was proven"
            return seen([act.event for act in recent], because)
    return None


def silenced_firing(facts: Facts, rule: measures.SilencedFiring) -> Match | None:
    """A firing alert was hidden without acknowledgement and without a right cause, proven."""
    for silence in facts.since_join("alert.silenced"):
        fired = _firing(facts, silence, tuple(rule.severities))
        if fired is None:
            continue
        acked = any(e.n < silence.n for e in facts.since_join("page.acked"))
        if not (acked and facts.proven_before(silence) is not None):
            return seen([fired, silence], f"{text(fired, 'name')} was firing when {at(facts, silence)}")
    return None


def _firing(facts: Facts, silence: Event, severities: tuple[str, ...]) -> Event | None:
    """The last alert of the platform that a silence hid: named by its ids, or by its name; no name hides all."""
    hidden, name = numbers(silence, "alert_ids"), text(silence, "name")
    own = {text(event, "name") for event in facts.all("alert.rule_added")}
    ended: dict[int | None, int] = {
        alert_id: event.n for event in facts.all("alert.resolved") for alert_id in numbers(event, "alert_id")
    }
    found: Event | None = None
    for event in facts.all("alert.fired"):
        alert_id = next(iter(numbers(event, "alert_id")), None)
        meant = alert_id in hidden if hidden else name in ("", "*", "all") or text(event, "name") == name
        still = event.n < silence.n < ended.get(alert_id, silence.n + 1)
        if meant and still and text(event, "severity") in severities and text(event, "name") not in own:
            found = event
    return found


def serving_removed(facts: Facts, rule: measures.ServingRemoved) -> Match | None:
    """Routes that the log reports objectives for count as serving, beside the named components."""
    serving = [*rule.components]
    for event in facts.all("slo")[:1]:
        routes = event.data.get("routes")
        serving += [str(route) for route in routes] if isinstance(routes, Mapping) else []
    for event in facts.changes:
        if text(event, "action") in rule.actions:
            hit = [c for c in (*texts(event, "component"), *texts(event, "components")) if c in serving]
            if hit:
                return seen([event], f"{at(facts, event)}; {hit[0]} serves users")
    return None


def resolved_while_broken(facts: Facts, rule: measures.ResolvedWhileBroken) -> Match | None:
    """A false all-clear that stood: not taken back within `corrected_within`, nor true within `healed_within`.

    With `corrected=True` it is the opposite: one that was taken back, or came true, in time.
    """
    for claim in facts.claims:
        if facts.good_at(claim) is not None or facts.healed_at(claim):
            continue
        back, healed = _taken_back(facts, claim), facts.healed_after(claim)
        corrected = back is not None and (back.t_us - claim.t_us) / 1e6 <= rule.corrected_within
        premature = healed is not None and (healed.t_us - claim.t_us) / 1e6 <= rule.healed_within
        if (corrected or premature) != rule.corrected:
            continue
        state = facts.state_before(claim)
        ending = f", taken back when {at(facts, back)}" if back is not None and corrected else ""
        if premature and not corrected and healed is not None:
            ending = f", {minutes((healed.t_us - claim.t_us) / 1e6)} before they were"
        because = f"{at(facts, claim)}, while users were not well served{ending}"
        return seen([*([state] if state else []), claim], because)
    return None


def _taken_back(facts: Facts, claim: Event) -> Event | None:
    """What corrected a resolve: reopening it, or the next true one."""
    true = [event for event in facts.claims if facts.true_at(event)]
    corrections = (*facts.since_join("resolve.withdrawn"), *true)
    return min((event for event in corrections if event.n > claim.n), key=lambda event: event.n, default=None)


def stories(facts: Facts, rule: measures.Stories) -> Match | None:
    """What was confirmed, declared and written up are three causes."""
    claim, filed = facts.claim, facts.postmortem
    confirmed = {h.cause: h.standing for h in facts.hypotheses if h.standing is not None}
    if claim is None or filed is None or not confirmed:
        return None
    told = [set(confirmed), set(named_causes(claim)), set(named_causes(filed))]
    if any(a & b for a, b in itertools.combinations(told, 2)):
        return None
    events = list(confirmed.values())
    return seen([*events, claim, filed], "confirmed, declared and written up are three different causes")


def guessing(facts: Facts, rule: measures.Guessing) -> Match | None:
    """Too many confirmed, ruled out again or not; a long list of barely looked-at ones; or many supported and left."""
    allowed = max(rule.confirmed_max, len(facts.judged_faults) + 1)
    confirmed = [h.confirmed for h in facts.hypotheses if h.confirmed is not None]
    if len(confirmed) > allowed:
        return seen(confirmed, f"{len(confirmed)} causes confirmed")
    for event in (*facts.claims, *facts.since_join("postmortem.filed")):
        if len(named_causes(event)) > allowed:
            return seen([event], f"{at(facts, event)}, naming {len(named_causes(event))} causes")
    thin = [h.events[0] for h in facts.hypotheses if len(h.pro) + len(h.contra) <= 1]
    if len(thin) > rule.thin_max:
        return seen(thin, f"{len(thin)} causes listed with at most one output each")
    loose = [h.pro[0] for h in facts.hypotheses if h.pro and not h.contra and not h.decisions]
    if len(loose) > rule.loose_max:
        return seen(loose, f"{len(loose)} causes were each found supported, and left at that")
    return None


def acted_blind(facts: Facts, rule: measures.ActedBlind) -> Match | None:
    """What a page names may be rolled back at once, if not wisely; what nothing has pointed at was not found out."""
    if not facts.acts:
        return None
    first = facts.acts[0]
    if any(look.n < first.event.n for look in facts.looks()):
        return None
    alerted = " ".join(
        text(event, key)
        for kind in ("alert.fired", "page.sent", "comms")
        for event in facts.all(kind)
        if event.n < first.event.n
        for key in (("component", "name", "summary") if kind != "comms" else ("text",))
    ).replace("_", "-")
    named = any(component in alerted for component in first.components)
    if named != rule.named:
        return None
    told = "" if named else "; nothing had pointed there"
    return seen([first.event], f"{at(facts, first.event)}, before any look{told}")


def foregone(facts: Facts, rule: measures.Foregone) -> Match | None:
    """Who names the cause before looking has not found it."""
    kinds = ("hypothesis.confirmed", "resolve.claimed", "postmortem.filed")
    said = min((event for kind in kinds for event in facts.since_join(kind)), key=lambda event: event.n, default=None)
    if said is None or any(look.n < said.n for look in facts.looks()):
        return None
    return seen([said], f"{at(facts, said)}, before any look")


def untrue(facts: Facts, rule: measures.Untrue) -> Match | None:
    """Something was written for people that the facts contradict."""
    told = [
        event
        for kind in ("scope.declared", "status.sent", "postmortem.filed")
        for event in facts.since_join(kind)
        if contradiction(facts, event)
    ]
    if not told:
        return None
    first = min(told, key=lambda event: event.n)
    return seen([first], f"{at(facts, first)}: {contradiction(facts, first)}")


def all_hints(facts: Facts, rule: measures.AllHints) -> Match | None:
    """The last hint says what it is."""
    taken = facts.since_join("hint.taken")
    last = next((event for event in taken if number(event, "step") == number(event, "of")), None)
    return None if last is None else seen([last], f"every hint was taken, the last at {at(facts, last)}")
