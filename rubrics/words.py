"""Plain words: one short phrase for an event, the drill clock, and a guard against stuffed prose."""

from __future__ import annotations

import re

from rubrics.facts import Facts
from rubrics.reading import number, text, texts
from simulator.engine.events import Event

LINE_CHARS_MAX = 60
# fmt: off
FUNCTION_WORDS = frozenset((
    "a", "an", "and", "are", "as", "at", "be", "because", "been", "before", "but", "by", "can", "did",
    "do", "for", "from", "had", "has", "have", "if", "in", "is", "it", "its", "no", "not", "of", "on",
    "or", "so", "that", "the", "them", "then", "there", "this", "to", "was", "we", "were", "what",
    "when", "which", "while", "will", "with",
))
GLUE_WORDS = FUNCTION_WORDS | frozenset((
    "about", "above", "after", "again", "against", "all", "also", "although", "any", "anybody", "anything", "away",
    "back", "below", "between", "both", "could", "does", "down", "during", "each", "either", "every", "everybody",
    "everyone", "everything", "he", "her", "here", "him", "his", "how", "i", "into", "just", "may",
    "me", "might", "more", "most", "must", "my", "neither", "no-one", "nobody", "none", "nor", "nothing", "now", "off",
    "once", "only", "other", "our", "out", "over", "own", "per", "she", "should", "since", "some", "somebody",
    "still", "than", "their", "these", "they", "those", "though", "through", "too", "under", "unless", "until", "up",
    "us", "via", "where", "whether", "who", "whose", "why", "within", "without", "would", "yet", "you", "your",
))
"""Closed classes of English beside those above: what holds words together, and no keyword ever is."""
# fmt: on
LIST_WORDS_MIN = 8
LIST_WORDS_PER_GLUE = 20
FUNCTION_WORD_RATIO_MIN = 0.15
UNIQUE_RATIO_MIN = 0.35
WORDS_PER_SENTENCE_MAX = 60
_SENTENCE_END = re.compile(r"[.!?;\n]+(?:\s+|$)")

_ACTIONS = {
    "delete_pod": "deleted a pod of",
    "delete_deployment": "deleted the deployment",
    "rollback": "rolled back",
    "restart": "restarted",
    "set_limit": "changed the memory limit of",
    "set_env": "changed the settings of",
    "move_pool": "moved to another node pool:",
    "scale": "scaled",
    "scale_to_zero": "scaled to zero:",
    "cordon": "cordoned",
    "drain": "drained",
    "stop_job": "stopped the job",
    "restart_job": "restarted the job of",
    "backfill": "backfilled",
    "set_connections": "changed the connection pool of",
    "set_alias": "moved the model alias of",
    "rebalance": "dealt out the partitions of",
    "set_dedup": "changed the removal of repeats in",
    "replay": "replayed the events of",
    "set_clock": "set the clock of",
    "set_store": "changed a setting of",
    "set_retries": "changed the retries of",
}


def clock(seconds: float) -> str:
    """`T+mm:ss` since joining; before joining the sign is a minus, and long times show hours."""
    whole = int(abs(seconds))
    sign = "-" if seconds < 0 else "+"
    if whole >= 6000:
        return f"T{sign}{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"T{sign}{whole // 60:02d}:{whole % 60:02d}"


def minutes(seconds: float) -> str:
    """A length of time as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:.1f} h"


def phrase(event: Event) -> str:
    """What happened, in a few words, without who and when."""
    match event.kind:
        case "command":
            return f"ran `{shorten(text(event, 'line'))}`"
        case "changed":
            action = text(event, "action")
            return f"{_ACTIONS.get(action, action.replace('_', ' '))} {text(event, 'component')}".strip()
        case "hypothesis.added" | "hypothesis.confirmed" | "hypothesis.ruled_out":
            verb = {"added": "suspected", "confirmed": "confirmed", "ruled_out": "ruled out"}[event.kind[11:]]
            return f"{verb} {text(event, 'component')}:{text(event, 'mechanism')}"
        case "hypothesis.evidence":
            return f"cited [#{int(number(event, 'event_n') or 0)}] {text(event, 'direction')} a cause"
        case "status.sent":
            return f"sent a status update to {text(event, 'audience') or 'everyone'}"
        case "alert.fired" | "page.sent" | "alert.resolved":
            verb = {"alert.fired": "alert", "page.sent": "page", "alert.resolved": "alert cleared:"}[event.kind]
            return f"{verb} {text(event, 'name')}"
        case "truth.fault":
            return f"{text(event, 'component')}: {text(event, 'mechanism').replace('_', ' ')} began"
        case "truth.state" | "slo":
            return "users well served" if event.data.get("good") is True else "users not well served"
    return _OTHER.get(event.kind, event.kind.replace(".", " "))


_OTHER = {
    "session.joined": "joined",
    "page.acked": "acknowledged the page",
    "scope.declared": "declared severity and scope",
    "resolve.claimed": "declared it resolved",
    "resolve.withdrawn": "took the resolve back",
    "hint.taken": "took a hint",
    "postmortem.filed": "filed a post-mortem",
    "alert.silenced": "silenced an alert",
    "alert.rule_added": "added an alert rule",
    "prevention.checked": "the drill was run again with that alert rule",
    "session.ended": "the drill ended",
    "truth.harm": "harm was measured",
}
_RESPONDER = (
    "alert.rule_added",
    "alert.silenced",
    "changed",
    "command",
    "hypothesis.",
    "page.acked",
    "postmortem.",
    "resolve.",
    "scope.",
    "session.joined",
    "status.",
)


def told(facts: Facts, event: Event) -> str:
    """The phrase as a clause, with who did it and when."""
    who = f"{facts.who} " if event.kind.startswith(_RESPONDER) else ""
    return f"{who}{phrase(event)} at {clock(facts.after_join_s(event))}"


def at(facts: Facts, event: Event) -> str:
    """The clause with its event number: what `because` texts are made of."""
    return f"{told(facts, event)} [#{event.n}]"


def names(items: tuple[str, ...]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def shorten(line: str, chars_max: int = LINE_CHARS_MAX) -> str:
    """One line of at most `chars_max` characters."""
    flat = " ".join(line.split())
    return flat if len(flat) <= chars_max else flat[: chars_max - 3] + "..."


def prose(event: Event, key: str) -> str:
    """The text at `key`; a list is read as sentences."""
    return ". ".join(texts(event, key))


def is_prose(words_text: str, words_min: int) -> bool:
    """Sentences a colleague could read: long enough, and not a list of keywords.

    A guard, not a judge of meaning: it asks for function words, some variety, and sentence ends.
    """
    words = re.findall(r"[a-z0-9'-]+", words_text.lower())
    if len(words) < words_min:
        return False
    sentences = max(1, len(re.findall(r"[.!?;:\n](?:\s|$)", words_text)))
    function_ratio = sum(word in FUNCTION_WORDS for word in words) / len(words)
    return (
        function_ratio >= FUNCTION_WORD_RATIO_MIN
        and len(set(words)) / len(words) >= UNIQUE_RATIO_MIN
        and len(words) / sentences <= WORDS_PER_SENTENCE_MAX
    )


def sentences(said: str) -> list[str]:
    """The sentences of a text, blank ones left out. A point within a word or a number ends none."""
    return [part for part in _SENTENCE_END.split(said) if part.strip()]


def is_word_list(said: str) -> bool:
    """Keywords and no sentences: more than half of the words stand in sentences that nothing holds together.

    Such a sentence has `LIST_WORDS_MIN` words or more, and fewer than one in `LIST_WORDS_PER_GLUE` of them is a word of
    grammar or a contraction. What is shorter may be terse; commas prove nothing either way; numbers are no words.
    """
    spoken = [re.findall(r"[^\W\d_][\w'/-]*", part.lower()) for part in sentences(said)]
    listed = sum(len(words) for words in spoken if len(words) >= LIST_WORDS_MIN and not _held_together(words))
    return 2 * listed > sum(map(len, spoken))


def _held_together(words: list[str]) -> bool:
    return sum(word in GLUE_WORDS or "'" in word for word in words) * LIST_WORDS_PER_GLUE >= len(words)
