"""Whether what is written against a repetition can be done: a thing of this incident, and a change to it.

No meaning is understood here. Good intentions and refusals are left out; what remains must name a thing of the incident
beside a control or a verb of change. Both lists hold stems and err on the side of the writer.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from rubrics.statements import stems_of
from rubrics.words import is_word_list, sentences

CONTROL_WORDS = """
    alarm alert approval audit backfill baseline budget burn canary cap check checklist circuit compare comparison
    contract drill expire expiry floor gate guard heartbeat lease limit lint page pin policy probe quota ratio rehearse
    replay review rollback rule runbook schema seasonal shadow staged test threshold timeout tune validate validation
    verify watchdog
    """
"""What prevents or detects."""
CHANGE_WORDS = """
    add adjust allocate allow assign automate block bound buffer change close configure cut deduplicate deny deploy
    detect disable document drop enforce enable ensure exclude fix forbid freeze get give grant halt install
    introduce isolate keep lower measure migrate monitor move notify own pool prevent prioritise prioritize prohibit
    protect publish put raise rate rebuild redesign reduce refuse reject release remove rename repair replace
    require reserve reserved rewrite rotate route schedule separate set size ship show split step switch take teach
    tell throttle track train trigger unlock update upgrade warn watch write
    """
"""Verbs of change and of ownership. Verbs of a repair (stop, restart, kill) are no prevention, so they are not here."""
_INTENT = re.compile(
    r"\b(?:careful\w*|attention|attentive|mindful|vigilan\w*|hop(?:e|es|ed|ing|eful\w*)|harder|faster|lessons?|awareness|aware|"
    r"(?:do|be|get|react|communicate|work) (?:\w+ )?(?:better|quicker|sooner)|take care|keep an eye|"
    r"better (?:communication|luck|teamwork)|never happen again|luck|pray|think twice|remember)\b",
    re.IGNORECASE,
)
"""Intentions nobody can check off."""
_REFUSAL = re.compile(
    r"\b(?:no|nothing|none|not|never|n't|without)\b.{0,40}\b(?:need(?:ed|s)?|necessary|required|planned|"
    r"to (?:do|change|fix|add)|worth|prevented|be done|do anything)\b"
    r"|\b(?:nothing|no (?:action|change|measure|prevention|step)s?)\b\W*(?:\w+\W+){0,3}$",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\b(?:must|may|shall|cannot|can't|no longer)\b.*\b(?:before|if|only|unless|until|when|without)\b", re.IGNORECASE
)
"""What is to hold before something else may happen is an action of its own."""


def acts(said: str) -> frozenset[str]:
    """Stems in `said` that name a control, a change, or that somebody owns one."""
    return stems_of(said) & stems_of(CONTROL_WORDS + CHANGE_WORDS)


def is_concrete(said: str, names: Callable[[str], bool], words_min: int) -> bool:
    """Whether `said` holds an action of at least `words_min` words on what `names` says is of this incident.

    Sentences that only intend, or say that nothing is to be done, count for nothing.
    """
    kept = [part for part in sentences(said) if _REFUSAL.search(part) is None and _INTENT.search(part) is None]
    done = " ".join(kept)
    acted = bool(acts(done)) or _CONDITION.search(done) is not None
    return acted and len(done.split()) >= words_min and names(done) and not is_word_list(said)
