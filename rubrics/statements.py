"""What is written for people: is it about this incident, is it prose, does it contradict what was true?

No meaning is understood here. A text is about the incident when it uses the incident's own words, which the log holds,
beside those that anybody uses of a service in trouble; it contradicts the facts when it denies an impact that customers
had. Both err on the side of the writer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import snowballstemmer

from rubrics.denials import denies_impact
from rubrics.facts import Facts, first_after, last_before
from rubrics.losses import reach_of
from rubrics.reading import text
from rubrics.words import FUNCTION_WORDS
from simulator.engine.events import Event

SERVICE_WORDS = """
    504 503 500 backlog batch bestseller cache canary capacity checkout click cluster connection cpu dashboard
    database default deadline degrade deploy deployment error export fallback feature fraud gateway generic gpu home
    job latency lag limit load lock memory model network node offline online oom order page payment peak personal
    personalisation personalised personalization personalized pipeline pod prediction producer product purchase
    queue ranking recommendation record redis replica request restart retry revision rollback rollout route schema
    search shop site slow stale store stream suggestion threshold timeout traffic version website
    """
"""What people name who speak of this kind of service. Words that fit any incident of any company are left out."""
COMMON_WORDS = "customer model request response server service timed user"
"""Words that are in every incident of this kind of service, and so tell none from another."""
RHYTHM_WORDS = "baseline curve floor night pattern season seasonal weekday weekend weekly"
"""What an alert on a rhythm is about, where nothing was wrong but the alert."""
WORD_MIN_CHARS = 3
_SMALL_WORDS = FUNCTION_WORDS | frozenset(
    (
        "all",
        "any",
        "back",
        "day",
        "down",
        "got",
        "her",
        "him",
        "his",
        "hour",
        "how",
        "just",
        "last",
        "min",
        "minute",
        "new",
        "non",
        "now",
        "off",
        "old",
        "once",
        "one",
        "only",
        "our",
        "out",
        "over",
        "own",
        "per",
        "she",
        "than",
        "they",
        "time",
        "too",
        "top",
        "two",
        "under",
        "until",
        "who",
        "why",
        "you",
        "your",
    )
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[a-z0-9]+")
DENIAL_GRACE_S = 180.0
"""So soon after a statement the world may still prove it right."""
HURT_RATIO = 0.02


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Stems of one incident's own words: its components, mechanisms, alerts, deployments and people."""

    stems: frozenset[str]

    def own(self, said: str) -> frozenset[str]:
        """Distinct stems in `said` that belong to this incident."""
        return stems_of(said) & self.stems

    def about(self, said: str) -> bool:
        """Whether `said` names anything of this incident or of this kind of service."""
        return bool(stems_of(said) & (self.stems | stems_of(SERVICE_WORDS)))


def vocabulary(facts: Facts) -> Vocabulary:
    """The words of the incident in `facts`."""
    said: list[str] = [RHYTHM_WORDS] if facts.harmless else []
    for event in facts.events:
        if event.kind in ("truth.fault", "alert.fired", "deploy") or text(event, "type") == "Warning":
            said += [text(event, key) for key in ("component", "mechanism", "name", "summary", "deployment", "message")]
    for event in facts.all("slo")[:1]:
        routes = event.data.get("routes")
        said += list(routes) if isinstance(routes, Mapping) else []
    for fault in facts.judged_faults:
        said += [f"{cause.component} {cause.mechanism}" for cause in (*fault.accepted, *fault.near)]
    return Vocabulary(stems_of(" ".join(said)) - stems_of(COMMON_WORDS))


@lru_cache(maxsize=4096)
def stems_of(said: str) -> frozenset[str]:
    """Content words of a text, cut to their stems, so that plural and tense do not matter."""
    words = {word for word in _words(said) if word not in _SMALL_WORDS and len(word) >= WORD_MIN_CHARS}
    return frozenset(map(stem, words))


@cache
def _stemmer() -> Any:
    return snowballstemmer.stemmer("english")


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """The English stem of `word`."""
    return str(_stemmer().stemWord(word))


def _words(said: str) -> Iterable[str]:
    return _WORD.findall(_CAMEL.sub(" ", said).replace("_", " ").lower())


def hurt_at(facts: Facts, event: Event) -> bool:
    """Customers were served by no model, or the cause of a silent fault was at work, when `event` happened.

    What turned good within `DENIAL_GRACE_S` is not held against the writer.
    """
    if facts.harmless:
        return False
    for pick in (last_before, first_after):
        report, state = pick(facts.all("slo"), event), pick(facts.all("truth.state"), event)
        if report is not None and (report.t_us - event.t_us) / 1e6 > DENIAL_GRACE_S:
            continue
        broken = report is not None and reach_of(report).share > HURT_RATIO
        uncured = state is not None and state.data.get("cleared") is not True
        if not (broken or uncured):
            return False
    return True


def contradiction(facts: Facts, event: Event) -> str:
    """Why what `event` says is not true, or "". Statements about impact are held to what customers were served."""
    filed = event.kind == "postmortem.filed"
    hurt = _was_hurt(facts) if filed else hurt_at(facts, event)
    prose = [text(event, key) for key in ("summary", "text")] if filed else []
    impact = text(event, "scope" if event.kind == "scope.declared" else "impact")
    names = vocabulary(facts).about
    denied = denies_impact(impact, names, about_impact=True) or any(
        denies_impact(said, names, about_impact=False) for said in prose
    )
    return "it says that nobody is hurt, and customers were" if hurt and denied else ""


def _was_hurt(facts: Facts) -> bool:
    return not facts.harmless and any(
        event.data.get("good") is not True for kind in ("slo", "truth.state") for event in facts.since_join(kind)
    )
