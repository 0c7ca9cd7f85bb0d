"""What a status update says: impact, what is being done, when one hears again. The sender's sentences stay whole.

Named parts (`impact="..." doing="..." next=15m to=customers`) go where they are named. Of what has no name the first
sentence is the impact; what is being done begins with the first later sentence that says `we ...` or `rolling back`,
else with the second. A single sentence is divided at its first `;` or `|`.
When the next update comes is understood from `next=` and from what people write: `next update at 19:10`, `in 6h`,
`final`, `no further updates`. Such words are taken out only where they stand alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from reference_platform.durations import format_duration
from reference_platform.errors import CommandError
from simulator.shell.free_text import DURATION_MAX_S, is_digits, parts_of, unquoted

STATUS_USAGE = 'status impact="..." doing="..." next=15m [to=stakeholders]'
NEXT_FIX = "such as next=15m, next=19:10, or next=none when this is the last one"
AUDIENCE = "stakeholders"
DAY_S = 86_400.0
JUST_OVER_S = 3_600.0
"""A time of day less than this ago is a slip, not tomorrow."""

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": DAY_S}
_NONE = ("none", "never", "no", "final", "-")

_UNIT = r"(?:seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)"
_LENGTH = rf"(?:(?:\d{{1,6}}(?:\.\d+)?\s*{_UNIT}(?:\s*(?:and\s+)?(?=\d))?)+|(?:half\s+)?an\s+hour)(?![\w:])"
_DAY = r"(?:(?:on\s+)?(?P<day>today|tomorrow|(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*)\s+(?:at\s+)?)?"
_CLOCK = (
    rf"{_DAY}(?:(?P<hour>\d{{1,2}}):(?P<minute>\d\d)(?::\d\d)?(?:\s*(?P<half>[ap])\.?m\b)?"
    r"|(?P<only_hour>\d{1,2})\s*(?P<only_half>[ap])\.?m\b)(?![\w:])"
)
_WHEN = rf"(?P<when>{_CLOCK}|{_LENGTH}|(?:none|never)\b)"
_LINK = (
    r"(?:\s*[:=]\s*|\s+)(?:(?:is|comes|follows|due|will|be|come|follow|in|at|by|before|about|around|after|within)\s+)*"
)
_TAIL = r"(?:\s+(?:at\s+the\s+latest|from\s+now|or\s+(?:sooner|earlier)|latest))?"
_FLAGS = re.IGNORECASE
_ANYWHERE = re.compile(
    r"\b(?:(?:(?:the|my|our)\s+)?next\s+(?:status\s+)?(?:update|message|report|news)"
    rf"|(?:i|we)(?:'ll|\s+will)\s+(?:update|write|report)(?:\s+(?:you|again))*){_LINK}{_WHEN}{_TAIL}",
    _FLAGS,
)
_ALONE = re.compile(rf"(?:next|(?:(?:another|more|further)\s+)?(?:updates?|news|more)){_LINK}{_WHEN}{_TAIL}", _FLAGS)
_FINAL = re.compile(
    r"(?:this\s+is\s+)?(?:(?:the|my|our)\s+)?(?:final|(?:final|last)\s+(?:status|message|(?:status\s+)?update))"
    r"|(?:there\s+will\s+be\s+)?no\s+(?:further|more|other)\s+(?:status\s+)?updates?(?:\s+[\w']+){0,4}",
    _FLAGS,
)
_FINAL_LEAD = re.compile(r"(?:final|last)(?:\s+(?:status|(?:status\s+)?update))?\s*:(?=\s)", _FLAGS)
_NAMED_NEXT = re.compile(
    rf"(?:(?:in|at)\s+)?(?:{_CLOCK}|{_LENGTH}|(?:{'|'.join(_NONE)})(?=[\s,;.]|$)|\d+(?![\w:.]))", _FLAGS
)
_CLOSED = " \t,;|.!"

_SENTENCE_END = re.compile(r"[.!?]+[\"')\]]*(?=\s)|\n+")
_ABBREVIATIONS = frozenset(("approx", "ca", "cf", "dr", "e.g", "excl", "i.e", "incl", "mr", "mrs", "ms", "resp", "vs"))
_MAY_END = frozenset(("a.m", "etc", "max", "no", "p.m"))
"""Abbreviations that end a sentence when a capital follows."""
_DOING = re.compile(
    r"(?:we|i|now|next|currently|meanwhile|plan|action)\b|(?!(?:no|any|some|every)thing\b|during\b)[a-z]{2,}ing\b",
    _FLAGS,
)
"""How a sentence begins that says what is being done: `We roll back`, `Rolling back`."""
_PIECE = re.compile(r"[;|]|,(?=\s)")


@dataclass(frozen=True, slots=True)
class Update:
    """One update as understood. `next_s` is the time until the next one, None when none was promised.

    `next_words` are the sender's words about it that are in neither `impact` nor `doing`.
    """

    audience: str
    impact: str
    doing: str
    next_s: float | None
    next_at: str
    """That time on the calendar of the drill, `19:10` or `Thu 07:00`; "" when none was promised."""
    next_words: str
    final: bool

    @property
    def closing(self) -> str:
        """When one hears again, "" when it does not say."""
        if self.final:
            return "This is the final update"
        return "" if self.next_s is None else f"Next update in {format_duration(self.next_s)}, at {self.next_at}"

    @property
    def text(self) -> str:
        """The update as it is sent."""
        pieces = [f"Impact: {self.impact}" if self.impact else "", f"Doing: {self.doing}" if self.doing else ""]
        return " ".join(_ended(piece) for piece in (*pieces, self.closing) if piece)

    @property
    def missing(self) -> tuple[str, ...]:
        """What a reader would ask for."""
        told = {"impact": bool(self.impact), "doing": bool(self.doing), "next": self.final or self.next_s is not None}
        return tuple(name for name, there in told.items() if not there)


def understand_update(raw: str, calendar_s: float) -> Update:
    """The update in `raw`, sent at `calendar_s` seconds after Monday 00:00. Raises CommandError."""
    names = ["impact", "doing", "next", "audience"] + (["to"] if re.search(r"(?:^|[\s,;])(?:--to\s|to=)", raw) else [])
    parts = parts_of(raw, names, one_word=("to", "audience"), shapes={"next": _NAMED_NEXT})
    named = parts.named
    pieces = {"impact": named.get("impact", ""), "doing": named.get("doing", ""), "rest": unquoted(parts.rest)}
    heard = {name: _heard(text) for name, text in pieces.items()}
    said = next((name for name in ("rest", "doing", "impact") if heard[name].told), None)
    words = ""
    if "next" in named:
        words = named["next"]
        next_s, final = _time_until(words, calendar_s)
    elif said is not None:
        pieces[said], words = heard[said].kept, heard[said].words
        next_s, final = (None, True) if heard[said].final else _time_until(heard[said].when, calendar_s)
    else:
        next_s, final = None, False
    impact, doing = _divided(pieces["rest"], pieces["impact"], pieces["doing"])
    if not re.search(r"[^\W_]", impact + doing):
        raise CommandError("an update needs at least the impact", fix=STATUS_USAGE)
    if next_s is not None and said is not None and heard[said].final:
        raise CommandError("it promises another update and says that there is none", fix=NEXT_FIX)
    at = "" if next_s is None else _calendar(calendar_s, next_s)
    audience = named.get("to") or named.get("audience") or AUDIENCE
    return Update(audience, impact, doing, next_s, at, words, final)


def sentences(text: str) -> list[str]:
    """Whole sentences in order. A decimal point, an abbreviation or a list number ends none."""
    found: list[str] = []
    start = 0
    for end in _SENTENCE_END.finditer(text):
        before = text[start : end.start()].split()
        if end[0] == "." and before and _is_no_end(before, text[end.end() :].lstrip()):
            continue
        found.append(text[start : end.end()].strip())
        start = end.end()
    return [sentence for sentence in (*found, text[start:].strip()) if sentence]


def _is_no_end(words: list[str], following: str) -> bool:
    last = words[-1].lower().lstrip("([\"'")
    if last in _MAY_END:
        return following[:1].islower() or following[:1].isdecimal()
    return last in _ABBREVIATIONS or (len(words) == 1 and last.isdecimal())


@dataclass(frozen=True, slots=True)
class _Heard:
    """`text` without words about the next update that stand alone (`kept`, `words`), and what these or others say."""

    kept: str
    words: str = ""
    when: str = ""
    final: bool = False

    @property
    def told(self) -> bool:
        return self.final or bool(self.when)


def _heard(text: str) -> _Heard:
    lead = _FINAL_LEAD.match(text)
    if lead:
        return _Heard(text[lead.end() :].strip(), lead[0], final=True)
    for start, end in reversed(_clauses(text)):
        clause = text[start:end].strip(_CLOSED)
        alone = _ANYWHERE.fullmatch(clause) or _ALONE.fullmatch(clause)
        final = _FINAL.fullmatch(clause) is not None
        if alone is None and not final:
            continue
        kept = " ".join(part for part in (text[:start].rstrip(" \t,;|"), text[end:].lstrip(" \t,;|.!")) if part)
        when = "" if alone is None else alone["when"]
        return _Heard(kept, clause, when, final)
    within = list(_ANYWHERE.finditer(text))
    return _Heard(text, when=within[-1]["when"]) if within else _Heard(text)


def _clauses(text: str) -> list[tuple[int, int]]:
    """Places of what stands between sentence ends, semicolons, bars and commas."""
    places: list[tuple[int, int]] = []
    start = 0
    for sentence in sentences(text):
        start = text.index(sentence, start)
        stop = start + len(sentence)
        cuts = [start, *(cut.end() for cut in _PIECE.finditer(text, start, stop)), stop]
        places += list(pairwise(cuts))
        start = stop
    return places


def _divided(rest: str, impact: str, doing: str) -> tuple[str, str]:
    """Impact and doing, with the unnamed rest put where nothing is said yet, in the sender's order."""
    if not re.search(r"\w", rest):
        return impact, doing
    if impact:
        return impact, " ".join(part for part in (doing, rest) if part)
    if doing:
        return rest, doing
    whole = sentences(rest)
    if len(whole) > 1:
        begins = next((n for n, sentence in enumerate(whole) if n and _tells_doing(sentence)), 1)
        at = rest.index(whole[begins], sum(len(sentence) for sentence in whole[:begins]))
        return rest[:at].strip(), rest[at:].strip()
    cut = re.search(r"[;|\n]", rest)
    return (rest[: cut.start()].strip(), rest[cut.end() :].strip()) if cut else (rest, "")


def _tells_doing(sentence: str) -> bool:
    """Whether a sentence begins as people begin who say what they do."""
    return _DOING.match(sentence) is not None


def _time_until(words: str, calendar_s: float) -> tuple[float | None, bool]:
    """Seconds until `15 min`, `19:10`, `Thu 7:00`, and whether the words say that there is no next update."""
    text = re.sub(r"^(?:in|at|by)\s+", "", words.strip(" \t,;.!\"'"), flags=_FLAGS)
    if text.lower() in _NONE or words.strip() == "-":
        return None, True
    clock = re.fullmatch(_CLOCK, text, _FLAGS)
    if clock:
        return _until_clock(clock, text, calendar_s), False
    lengths = re.findall(rf"(\d{{1,6}}(?:\.\d+)?)\s*({_UNIT})", text, _FLAGS)
    if is_digits(text):
        seconds = float(text) * 60.0
    elif re.fullmatch(_LENGTH, text, _FLAGS):
        an_hour_s = 1_800.0 if text.lower().startswith("half") else 3_600.0
        seconds = sum(float(n) * _UNITS_S[unit[0].lower()] for n, unit in lengths) if lengths else an_hour_s
    else:
        raise CommandError(f'next: "{words[:40]}" is not a time', fix=NEXT_FIX)
    if not 0 < seconds <= DURATION_MAX_S:
        raise CommandError(f'next: "{words[:40]}" is out of range', fix="give more than 0s and at most 400d")
    return seconds, False


def _until_clock(clock: re.Match[str], text: str, calendar_s: float) -> float:
    hour, minute = int(clock["hour"] or clock["only_hour"]), int(clock["minute"] or 0)
    half = (clock["half"] or clock["only_half"] or "").lower()
    if hour > (12 if half else 23) or minute > 59 or (half and hour == 0):
        raise CommandError(f'next: there is no time "{text[:40]}"', fix=NEXT_FIX)
    hour = hour % 12 + (12 if half == "p" else 0) if half else hour
    at_s = hour * 3_600.0 + minute * 60.0 - calendar_s % DAY_S
    day = (clock["day"] or "").lower()
    if day == "tomorrow":
        return at_s + DAY_S
    if day[:3] in _DAYS:
        days = (_DAYS.index(day[:3]) - int(calendar_s // DAY_S)) % 7
        return at_s + days * DAY_S + (7 * DAY_S if days == 0 and at_s <= 0 else 0.0)
    if at_s > 0:
        return at_s
    if day == "today" or at_s > -JUST_OVER_S:
        raise CommandError(f"next: {text[:40]} is over, it is {_clock_text(calendar_s)}", fix=NEXT_FIX)
    return at_s + DAY_S


def _clock_text(calendar_s: float) -> str:
    minutes = int(calendar_s % DAY_S) // 60
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _calendar(calendar_s: float, next_s: float) -> str:
    at_s = calendar_s + next_s
    same_day = at_s // DAY_S == calendar_s // DAY_S
    return _clock_text(at_s) if same_day else f"{_DAYS[int(at_s // DAY_S) % 7].capitalize()} {_clock_text(at_s)}"


def _ended(text: str) -> str:
    return text if text.rstrip("\"')]")[-1:] in (".", "!", "?") else f"{text}."
