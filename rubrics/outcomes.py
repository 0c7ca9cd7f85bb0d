"""Measures of what came of it: mitigation, recovery, resolution, harm, speed; and the four times."""

from __future__ import annotations

from rubrics import measures
from rubrics.cause import inspects
from rubrics.facts import Facts, Stretch
from rubrics.findings import Judgement, Times
from rubrics.judging import judged, no_chance
from rubrics.losses import harm_eur, harm_idle_eur, idle_rate_eur_per_s, rate_after
from rubrics.reading import texts
from rubrics.suspects import named_causes
from rubrics.triage import shows_customers
from rubrics.words import at, clock, minutes, names
from simulator.engine.events import Event


def mitigation(facts: Facts, rule: measures.Mitigation) -> Judgement:
    """Judged by the true state, so every fix that removes the cause counts; what else was touched or tried costs."""
    if not facts.changes:
        return judged(0.0, [facts.joined, facts.last], "nothing was changed, so the cause is still there")
    final = facts.state_before(facts.last) if facts.last.kind != "truth.state" else facts.last
    if final is None or final.data.get("cleared") is not True:
        return judged(0.0, [*facts.changes, *([final] if final else [])][-4:], "the cause was still there at the end")
    cleared, repairs = facts.cleared(), facts.repairs
    if cleared is None or not repairs or cleared.n < repairs[0].n:
        return judged(0.0, [final], f"the cause went away, but not through a change that {facts.who} made")
    stray = facts.stray_acts()
    if not stray:
        fix = [event for event in facts.changes if event.n < cleared.n][-1]
        return judged(1.0, [fix, cleared], f"after {at(facts, fix)} the cause was gone; nothing else was touched")
    components = tuple(stray)
    ratios = rule.collateral_ratios
    share = ratios[len(components) - 1] if len(components) <= len(ratios) else 0.0
    because = f"the cause is gone, but {names(components[:4])} had nothing to do with it"
    return judged(share, [*(act.event for act in stray.values()), cleared], because)


def recovery_held(facts: Facts, rule: measures.RecoveryHeld) -> Judgement:
    """Held from the start of the final good stretch until the last resolve."""
    claim, recovery = facts.claim, facts.recovery()
    if recovery is None:
        return judged(0.0, [facts.last], f"service did not come back, and stay, through a change that {facts.who} made")
    if claim is None:
        because = f"recovered at {_when(facts, recovery)}, but never declared resolved"
        held = (facts.last.t_us - recovery.since_us) / 1e6 >= rule.hold
        return judged(rule.undeclared_ratio if held else 0.0, [recovery.start, facts.last], because)
    held_s = (claim.t_us - recovery.since_us) / 1e6
    if held_s < rule.partly_hold:
        shown = f"after only {minutes(held_s)}" if held_s >= 0 else "before service was back"
        came_true = held_s >= 0 or facts.healed_after(claim) is not None
        return judged(rule.early_ratio if came_true else 0.0, [recovery.start, claim], f"{at(facts, claim)}, {shown}")
    looked = [e for e in facts.looks() if recovery.start.n < e.n < claim.n and _watches(facts, e, rule)]
    share = (0.5 if held_s < rule.hold else 1.0) - (0.0 if looked else 0.4)
    because = f"good for {minutes(held_s)} before {at(facts, claim)}"
    because += f"; after recovery {at(facts, looked[0])}" if looked else ", but nobody looked in that time"
    return judged(share, [recovery.start, *looked[:1], claim], because)


def _watches(facts: Facts, event: Event, rule: measures.RecoveryHeld) -> bool:
    """A look that tells whether it holds: at what customers get, or at what had been broken.

    After a silent fault the objectives are met all along; only the cause itself shows that it is gone.
    """
    looked, subjects = set(texts(event, "looked")), set(texts(event, "subjects"))
    front_door = "logs" in looked and "gateway" in subjects
    cause = bool(subjects & set(facts.right_components())) and inspects(event)
    return bool(looked & set(rule.looked)) or front_door or cause or shows_customers(facts, event)


def _when(facts: Facts, stretch: Stretch) -> str:
    return clock(facts.after_join_s(stretch.start))


def resolved_right(facts: Facts, rule: measures.ResolvedRight) -> Judgement:
    claim = facts.claim
    if claim is None:
        # Saying nothing is no false statement; whether service came back is judged elsewhere.
        return judged(0.0, [facts.joined, facts.last], "it was never declared resolved", critical=False)
    if facts.harmless:
        share = facts.explained(claim)
        if share == 0.0 and any(facts.fits(cause) for cause in named_causes(claim)):
            share = 0.5
        said = "with the right explanation" if share == 1.0 else "without quite the right explanation"
        return judged(share, [claim], f"{at(facts, claim)}, {said}")
    state = facts.state_before(claim)
    cited = [*([state] if state else []), claim]
    if facts.good_at(claim) is None and not facts.healed_at(claim):
        healed = facts.healed_after(claim)
        if healed is not None and (healed.t_us - claim.t_us) / 1e6 <= rule.healed_within:
            after = minutes((healed.t_us - claim.t_us) / 1e6)
            return judged(0.3, [*cited, healed], f"{at(facts, claim)}, {after} before it was true")
        return judged(0.0, cited, f"{at(facts, claim)}, while users were still not well served")
    return judged(1.0, cited, f"{at(facts, claim)}, and it was true")


def harm(facts: Facts, rule: measures.Harm) -> Judgement:
    """What was saved of the harm that could be saved: the first minutes of looking are nobody's fault."""
    idle_eur, rate = harm_idle_eur(facts), idle_rate_eur_per_s(facts)
    measured = facts.since_join("truth.harm")
    if facts.cleared() is None:
        return judged(0.0, [*measured[-1:], facts.last], "the cause was never removed, so the harm went on")
    if not measured or not any(event.data.get("eur") for event in facts.all("truth.harm")):
        return no_chance(facts, "this drill measured no harm")
    if idle_eur is None or rate is None:
        stray = facts.stray_acts()
        if not stray:
            return no_chance(facts, "the fault was gone before its harm could be measured")
        because = "other things were touched before the harm of the fault could be seen"
        return judged(0.0, [*(act.event for act in stray.values()), measured[0]], because)
    avoidable_eur = idle_eur - min(idle_eur, rate * rule.grace)
    eur = harm_eur(facts) + _remaining_eur(facts, rate)
    saved_ratio = (idle_eur - eur) / avoidable_eur if avoidable_eur > 0.0 else 1.0
    share = 1.0 if saved_ratio >= rule.met_ratio else 0.5 if saved_ratio >= rule.partly_ratio else 0.0
    if share < 1.0 and _goes_on(facts, rate * rule.goes_on_ratio):
        return no_chance(facts, "as much was lost after the cause was gone as before: chance, which nobody could avoid")
    because = (
        f"{eur:,.0f} EUR of harm; doing nothing would have cost about {idle_eur:,.0f} EUR,"
        f" {min(1.0, max(0.0, saved_ratio)):.0%} of what could be saved was saved"
    )
    return judged(share, [measured[0], measured[-1]], because)


def _goes_on(facts: Facts, rate_eur_per_s: float) -> bool:
    """Whether harm kept such a rate after the cause was gone, although nothing but the repair was touched."""
    cleared = facts.cleared()
    assert cleared is not None, "asked only where the cause is gone"
    after = rate_after(facts, cleared)
    return after is not None and after >= rate_eur_per_s and not facts.stray_acts()


def _remaining_eur(facts: Facts, rate_eur_per_s: float) -> float:
    """Leaving early does not stop the harm: a service left broken goes on costing until the drill would have ended."""
    if facts.stretches and facts.stretches[-1].end is None:
        return 0.0
    return max(0.0, facts.drill_s - facts.after_join_s(facts.last)) * rate_eur_per_s


def speed(facts: Facts, rule: measures.Speed) -> Judgement:
    recovery = facts.recovery()
    if recovery is None:
        return judged(
            0.0, [facts.joined, facts.last], f"service did not recover through a change that {facts.who} made"
        )
    passed_s = facts.after_join_s(recovery.start)
    ratio = passed_s / facts.drill_s
    share = 1.0 if ratio <= rule.met_ratio else 0.5 if ratio <= rule.partly_ratio else 0.0
    return judged(share, [recovery.start], f"recovery began {minutes(passed_s)} after joining")


def times_of(facts: Facts, hold_s: float) -> Times:
    """The four times; see `Times`. `hold_s` is how long recovery must have held for a resolve to be right."""
    acked = facts.since_join("page.acked")
    named = [h.standing for h in facts.hypotheses if h.standing is not None and facts.accepts(h.cause)]
    named.sort(key=lambda event: event.n)
    recovery = None if facts.harmless else facts.recovery()
    return Times(
        tta_s=facts.after_join_s(acked[0]) if acked else None,
        ttd_s=facts.after_join_s(named[0]) if named else None,
        ttm_s=facts.after_join_s(recovery.start) if recovery else None,
        ttr_s=_resolved_s(facts, recovery, hold_s),
    )


def _resolved_s(facts: Facts, recovery: Stretch | None, hold_s: float) -> float | None:
    """When the first resolve was entered that was right and had held."""
    for claim in facts.claims:
        if facts.harmless:
            if facts.explained(claim) == 1.0 and not facts.changes:
                return facts.after_join_s(claim)
        elif recovery is not None and (claim.t_us - recovery.since_us) / 1e6 >= hold_s:
            return facts.after_join_s(claim)
    return None
