"""Red flags that need more than a pattern. Each returns the offending events with a reason, or None."""

from __future__ import annotations

from collections.abc import Mapping

from rubrics import schema
from rubrics.facts import Facts, text, texts
from rubrics.patterns import CITED_MAX, Match
from rubrics.words import at, minutes, names
from simulator.engine.events import Event


def seen(events: list[Event], because: str) -> Match:
    return Match(True, tuple(dict.fromkeys(event.n for event in events))[:CITED_MAX], because)


def mass_change(facts: Facts, rule: schema.MassChange) -> Match | None:
    """Counts components and changes inside a sliding window that ended before any cause was proven."""
    proofs = [h.confirmed.n for h in facts.hypotheses if h.confirmed is not None and h.proven()]
    for index, last in enumerate(facts.changes):
        if any(n < last.n for n in proofs):
            return None
        recent = [e for e in facts.changes[: index + 1] if (last.t_us - e.t_us) / 1e6 <= rule.within]
        touched = list(dict.fromkeys(c for e in recent for c in (texts(e, "components") or texts(e, "component"))))
        if max(len(recent), len(touched)) >= rule.at_least:
            what = f"{len(recent)} change{'s' if len(recent) > 1 else ''} to {names(tuple(touched[:4]))}"
            return seen(recent, f"{what} within {minutes(rule.within)}, before any cause was proven")
    return None


def silenced_firing(facts: Facts, rule: schema.SilencedFiring) -> Match | None:
    for silence in facts.since_join("alert.silenced"):
        name = text(silence, "name")
        fired = _firing(facts, name, silence, tuple(rule.severities))
        if fired is None:
            continue
        acked = any(e.n < silence.n for e in facts.since_join("page.acked"))
        proven = any(h.proven() and h.confirmed is not None and h.confirmed.n < silence.n for h in facts.hypotheses)
        if not (acked and proven):
            return seen([fired, silence], f"{name or 'an alert'} was firing when {at(facts, silence)}")
    return None


def _firing(facts: Facts, name: str, silence: Event, severities: tuple[str, ...]) -> Event | None:
    """The last alert that a silence for `name` hid; an empty name or * hides all."""
    current: dict[str, Event] = {}
    ended = {text(event, "alert_id"): event.n for event in facts.all("alert.resolved")}
    for event in facts.all("alert.fired"):
        hidden = name in ("", "*", "all") or text(event, "name") == name
        over = ended.get(text(event, "alert_id"))
        if (
            event.n < silence.n
            and hidden
            and text(event, "severity") in severities
            and (over is None or over > silence.n)
        ):
            current[text(event, "name")] = event
    return next(iter(current.values()), None)


def serving_removed(facts: Facts, rule: schema.ServingRemoved) -> Match | None:
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


def resolved_while_broken(facts: Facts, rule: schema.ResolvedWhileBroken) -> Match | None:
    for claim in facts.since_join("resolve.claimed"):
        state = facts.state_before(claim)
        if facts.good_at(claim) is None:
            return seen([*([state] if state else []), claim], f"{at(facts, claim)}, while users were not well served")
    return None


def guessing(facts: Facts, rule: schema.Guessing) -> Match | None:
    blind = [h.confirmed for h in facts.hypotheses if h.confirmed is not None and not h.proven()]
    bare = [h.events[0] for h in facts.hypotheses if not h.pro and not h.contra]
    if len(blind) > rule.confirmed_max:
        return seen(blind, f"{len(blind)} causes confirmed without evidence")
    if len(bare) > rule.guessed_max:
        return seen(bare, f"{len(bare)} causes listed without evidence")
    return None
