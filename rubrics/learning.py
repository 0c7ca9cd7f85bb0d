"""Measures of what is left behind: the post-mortem, and what keeps it from coming back."""

from __future__ import annotations

from rubrics import measures
from rubrics.actions import is_concrete
from rubrics.blame import BLAMED_MIN, blamed, never_done
from rubrics.cause import causes_named
from rubrics.facts import NAMED_WRONG_COST, Facts
from rubrics.findings import Judgement
from rubrics.judging import judged
from rubrics.reading import number, text
from rubrics.statements import contradiction, vocabulary
from rubrics.suspects import named_causes
from rubrics.words import at, is_prose, is_word_list, minutes, names, prose
from simulator.engine.events import Event

EARLIER_MIN_S = 60.0
"""A rule that fires no earlier than this before the responder was called tells nobody anything new."""
EARLY_RATIO = 0.25
"""Share of the time from a silent fault to the first complaint within which a rule has to fire."""
LATE_RATIO = 0.5
"""What a rule earns that fires later: most of the harm is done by then."""
DOCUMENT = ("summary", "impact", "text", "went_well", "went_badly")
"""Fields of a post-mortem that hold prose of the responder."""


def postmortem_cause(facts: Facts, rule: measures.PostmortemCause) -> Judgement:
    """The right cause in sentences about this incident that contradict nothing; the last one filed counts."""
    last = facts.postmortem
    if last is None:
        return judged(0.0, [facts.joined, facts.last], "no post-mortem was filed")
    said = " ".join(text(last, field) for field in DOCUMENT)
    wrong = contradiction(facts, last)
    if wrong:
        return judged(0.0, [last], f"{at(facts, last)}: {wrong}")
    own = vocabulary(facts).own(said)
    if is_word_list(said):
        return judged(0.0, [last], f"{at(facts, last)}, and it is a list of words")
    if len(own) < rule.own_words_min:
        return judged(0.0, [last], f"{at(facts, last)}, and it is not about this incident")
    explained = facts.explained(last)
    if explained == 0.0:
        given = causes_named(named_causes(last))
        expected = " and ".join(":".join(fault.accepted[0]) for fault in facts.judged_faults)
        because = f"the post-mortem names {given}, which is not it" + (f"; expected {expected}" if expected else "")
        beside = any(facts.fits(cause) for cause in named_causes(last)) and is_prose(said, rule.words_min)
        return judged(rule.told_ratio if beside else 0.0, [last], because)
    undone = never_done(facts, last)
    if undone:
        return judged(0.0, [last], f"{at(facts, last)}: it says that {undone} was changed, and nobody did")
    others = blamed(facts, last)
    if len(others) >= BLAMED_MIN:
        share = max(0.0, explained - NAMED_WRONG_COST * len(others))
        return judged(share, [last], f"{at(facts, last)} with the right cause, and its prose blames {names(others)}")
    if not is_prose(said, rule.words_min) or len(own) < rule.own_words_met:
        because = f"the right cause, but not {rule.words_min} words about it that a colleague could learn from"
        return judged(0.5 * explained, [last], because)
    part = "" if explained == 1.0 else f", {explained:.0%} of the causes"
    return judged(explained, [last], f"{at(facts, last)} with the right cause, in sentences{part}")


def prevention(facts: Facts, rule: measures.Prevention) -> Judgement:
    """A proven alert rule or concrete actions; after a silent fault only the proven rule earns everything.

    A rule earns nothing unless it fires in the re-run before anybody had to call. One left behind that fires while
    nothing is wrong spoils what was done beside it.
    """
    checked = facts.since_join("prevention.checked")
    good = sorted((event for event in checked if _holds(facts, event)), key=lambda e: not _is_early(facts, e))
    written = _actions(facts, rule)
    noisy = [event for event in checked if _cries_wolf(facts, event)]
    if noisy:
        because = f"the rule {text(noisy[0], 'name')} {_why_useless(facts, noisy[0])}, and it was left there"
        return judged(0.0, noisy, because)
    if good:
        share = 1.0 if _is_early(facts, good[0]) else LATE_RATIO
        late = "" if share == 1.0 else ", when most of the harm was done"
        return judged(share, [good[0], *written], _caught_words(facts, good[0]) + late)
    useless = [f"the rule {text(e, 'name')} {_why_useless(facts, e)} [#{e.n}]" for e in checked]
    if not written:
        events = [*checked, *([facts.postmortem] if facts.postmortem else [])] or [facts.joined, facts.last]
        because = "; ".join(useless) or "nothing concrete was done so that it is caught next time"
        return judged(0.0, events, because)
    share = 0.5 if facts.joined_by_complaint and not facts.harmless else 1.0
    parts = [at(facts, event) for event in written]
    if share < 1.0:
        parts.append("the fault was silent: only a new alert rule proves that it would be caught")
    return judged(share, [*written, *checked], "; ".join([*parts, *useless]))


def _actions(facts: Facts, rule: measures.Prevention) -> list[Event]:
    """The post-mortem, if the actions in it are concrete: about this incident, and something that can be done."""
    last = facts.postmortem
    if last is None:
        return []
    said = prose(last, "prevention")
    concrete = is_concrete(said, vocabulary(facts).about, rule.words_min)
    return [last] if concrete else []


def _holds(facts: Facts, event: Event) -> bool:
    """The rule of a check would have helped when it mattered; where nothing was broken, none can prove that."""
    if facts.harmless:
        return False
    fires_s, since_fault_s = number(event, "fires_at_s"), number(event, "since_fault_s")
    return (
        fires_s is not None
        and since_fault_s is not None
        and since_fault_s >= 0.0
        and fires_s <= facts.joined.t_s - EARLIER_MIN_S
    )


def _cries_wolf(facts: Facts, event: Event) -> bool:
    """It fires while nothing is wrong. The number is no measure: a rule that never stops firing fires once."""
    tonight = facts.harmless and number(event, "fires_at_s") is not None
    return bool(number(event, "healthy_firings")) or tonight


def _is_early(facts: Facts, event: Event) -> bool:
    """After a silent fault a rule has to fire in the first part of the time until somebody complained."""
    fires_s, since_fault_s = number(event, "fires_at_s"), number(event, "since_fault_s")
    assert fires_s is not None, "asked only of a rule that helps"
    assert since_fault_s is not None, "asked only of a rule that helps"
    silent_s = facts.joined.t_s - (fires_s - since_fault_s)
    return not facts.joined_by_complaint or since_fault_s <= EARLY_RATIO * silent_s


def _why_useless(facts: Facts, event: Event) -> str:
    firings, since_s = number(event, "healthy_firings"), number(event, "since_fault_s")
    if firings:
        return f"fires {'once' if firings == 1 else f'{firings:.0f} times'} in a healthy week"
    if facts.harmless and number(event, "fires_at_s") is not None:
        return "fires on this night, on which nothing was wrong"
    if facts.harmless:
        return "proves nothing where nothing was broken"
    if since_s is None:
        return "does not fire when the drill is run again"
    return "fires before anything is wrong" if since_s < 0 else "fires no earlier than what called you"


def _caught_words(facts: Facts, event: Event) -> str:
    after_s = number(event, "since_fault_s") or 0.0
    early = "before any customer complained" if facts.joined_by_complaint else "before the page"
    return f"the rule {text(event, 'name')} fires {minutes(after_s)} after the fault began [#{event.n}], {early}"
