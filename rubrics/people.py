"""Measures of what people were told while it lasted."""

from __future__ import annotations

import itertools

from rubrics import measures
from rubrics.facts import Facts
from rubrics.findings import Judgement
from rubrics.judging import judged
from rubrics.reading import number, text
from rubrics.statements import contradiction, vocabulary
from rubrics.words import at, clock, is_word_list, minutes
from simulator.engine.events import Event

SAID = ("impact", "doing", "text")
"""Fields of a status update that hold words of the responder."""


def sound_updates(facts: Facts) -> list[Event]:
    """Status updates that are about this incident, say nothing untrue, and are no list of words."""
    known = vocabulary(facts)
    return [
        event
        for event in facts.since_join("status.sent")
        if known.about(said_in(event)) and not contradiction(facts, event) and not lists_words(event)
    ]


def lists_words(event: Event) -> bool:
    """A field of an update is a list of keywords."""
    return any(is_word_list(text(event, field)) for field in SAID)


def said_in(event: Event) -> str:
    """Everything an update says."""
    return " ".join(text(event, field) for field in SAID)


def first_update(facts: Facts, rule: measures.FirstUpdate) -> Judgement:
    sent, sound = facts.since_join("status.sent"), sound_updates(facts)
    if not sent:
        return judged(0.0, [facts.joined, facts.last], f"no status update by {clock(facts.after_join_s(facts.last))}")
    if not sound:
        return judged(0.0, sent, _unsound(facts, sent[0]))
    after_s = facts.after_join_s(sound[0])
    share = 1.0 if after_s <= rule.met else 0.5 if after_s <= rule.partly else 0.0
    late = "" if share == 1.0 else "too late: "
    return judged(share, [sound[0]], f"{late}{at(facts, sound[0])}")


def _unsound(facts: Facts, event: Event) -> str:
    wrong = contradiction(facts, event) or ("it is a list of words" if lists_words(event) else "")
    return f"{at(facts, event)}: {wrong or 'it says nothing about this incident'}"


def update_content(facts: Facts, rule: measures.UpdateContent) -> Judgement:
    """Impact, action and the time of the next update; the best sound update counts."""
    sent, sound = facts.since_join("status.sent"), sound_updates(facts)
    if not sent:
        return judged(0.0, [facts.joined, facts.last], "nobody was told anything")
    if not sound:
        return judged(0.0, sent, _unsound(facts, sent[0]))
    best = max(sound, key=lambda event: (_content_share(event, rule), -event.n))
    share = _content_share(best, rule)
    missing = [name for name, there in _parts(best, rule).items() if not there]
    lacks = f"; it leaves out {', '.join(missing)}" if missing else ""
    return judged(share, [best], f"{at(facts, best)}{lacks}")


def _parts(event: Event, rule: measures.UpdateContent) -> dict[str, bool]:
    return {
        "the impact": len(text(event, "impact").split()) >= rule.words_min,
        "what is being done": len(text(event, "doing").split()) >= rule.words_min,
        "when the next one comes": (number(event, "next_s") or 0.0) > 0.0 or event.data.get("final") is True,
    }


def _content_share(event: Event, rule: measures.UpdateContent) -> float:
    parts = _parts(event, rule)
    if not parts["the impact"]:
        return 0.0
    return 1.0 if all(parts.values()) else 0.5


def communication_cadence(facts: Facts, rule: measures.Cadence) -> Judgement:
    sent = sound_updates(facts)
    if not sent:
        because = f"no useful status update by {clock(facts.after_join_s(facts.last))}"
        return judged(0.0, [facts.joined, facts.last, *facts.since_join("status.sent")[:1]], because)
    claim = facts.claim
    end = claim if claim is not None and facts.true_at(claim) else facts.last
    marks = [facts.joined, *(event for event in sent if event.n < end.n), end]
    start, stop = max(itertools.pairwise(marks), key=lambda pair: pair[1].t_us - pair[0].t_us)
    gap_s = (stop.t_us - start.t_us) / 1e6
    share = 1.0 if gap_s <= rule.met else 0.5 if gap_s <= rule.partly else 0.0
    because = f"the longest silence was {minutes(gap_s)}, ending when {at(facts, stop)}"
    return judged(share, [start, stop, sent[0]], because)


def final_status(facts: Facts, rule: measures.FinalStatus) -> Judgement:
    recovery = facts.recovery()
    sent = facts.since_join("status.sent")
    if recovery is None:
        return judged(0.0, [facts.last, *sent[-1:]], f"service did not recover through a change that {facts.who} made")
    known = vocabulary(facts)
    after = [event for event in sent if event.n > recovery.start.n]
    read = [event for event in after if not lists_words(event)]
    sound = [e for e in read if known.about(said_in(e)) or e.data.get("final") is True or _says_over(e)]
    if sound:
        return judged(1.0, [sound[-1]], f"{at(facts, sound[-1])}, after recovery")
    if after:
        lacks = "it says nothing about this incident" if after[-1] in read else "it is a list of words"
        return judged(0.0, [after[-1]], f"{at(facts, after[-1])}, but {lacks}")
    when = clock(facts.after_join_s(recovery.start))
    return judged(0.0, [recovery.start], f"recovery began at {when}; nobody was told")


_OVER = ("over", "resolved", "recovered", "fixed", "normal", "none", "nobody", "restored", "back")


def _says_over(event: Event) -> bool:
    words = {word.strip(".,;:!").lower() for word in said_in(event).split()}
    return bool(words & set(_OVER))
