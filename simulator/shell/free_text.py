"""Free text with a few named parts in it: `impact="..." doing=... next=15m`, and durations as people say them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from reference_platform.durations import parse_duration_s
from reference_platform.errors import CommandError

_SPOKEN = re.compile(
    r"(\d{1,6}(?:\.\d+)?)\s*(s|sec|secs|seconds?|m|min|mins|minutes?|h|hours?|d|days?)", re.IGNORECASE | re.ASCII
)
_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
DURATION_MAX_S = 400 * 86400.0


@dataclass(frozen=True, slots=True)
class Parts:
    """Named parts of a text, and what is left of it."""

    named: dict[str, str]
    rest: str


def parts_of(
    text: str,
    names: Sequence[str],
    one_word: Sequence[str] = (),
    shapes: Mapping[str, re.Pattern[str]] = MappingProxyType({}),
) -> Parts:
    """Parts written `name=value`, `name: value` or `--name value`.

    A value in quotes ends with the quote. Without quotes it is one word for names in `one_word`, what the pattern
    matches for names in `shapes`, and otherwise runs to the next named part. `name:` before anything else than its
    shape is a word like any other. A text that is named twice goes on; a second word or shape is text.
    Raises CommandError for a quote that is opened and not closed.
    """
    either = "|".join(names)
    head = re.compile(rf"(?:^|(?<=[\s,;]))(?:--({either})(?:=|\s+|$)|({either})[=:]\s*)", re.IGNORECASE)
    named: dict[str, str] = {}
    rest: list[str] = []
    kept = at = 0
    while True:
        found = head.search(text, at)
        if found is None:
            rest.append(text[kept:])
            return Parts(named, " ".join(part.strip(" ,;") for part in rest if re.search(r"\w", part)))
        name = (found[1] or found[2]).lower()
        shaped = shapes[name].match(text, found.end()) if name in shapes else None
        at = found.end()
        closing = _closing_quote(text, at)
        single = name in one_word or name in shapes
        by_colon = found[0].rstrip().endswith(":")
        if (single and name in named) or (name in shapes and shaped is None and closing is None and by_colon):
            continue
        rest.append(text[kept : found.start()])
        if closing is None:
            _refuse_open_quote(text[at:])
        elif (swallowed := head.search(text, at + 1, closing)) is not None:
            _refuse_open_quote(text[swallowed.end() : closing])
        if closing is not None:
            value, at = text[at + 1 : closing], closing + 1
        elif shaped is not None:
            value, at = shaped[0], shaped.end()
        elif single:
            word = re.compile(r"\S*").match(text, at)
            assert word is not None, "an empty word always matches"
            value, at = word[0], word.end()
        else:
            following = head.search(text, at)
            end = following.start() if following else len(text)
            value, at = text[at:end], end
        kept = at
        named[name] = " ".join(part for part in (named.get(name, ""), value.strip(" ,;")) if part)


def _closing_quote(text: str, at: int) -> int | None:
    """Where the quote that opens at `at` closes: before a blank, a stop or the end. None when it does not."""
    quote = text[at : at + 1]
    if quote not in ("'", '"'):
        return None
    found = re.compile(rf"{quote}(?=[\s,;.]|$)").search(text, at + 1)
    return found.start() if found else None


def _refuse_open_quote(text: str) -> None:
    """Raise CommandError when `text` begins with a quote that occurs nowhere behind it."""
    if len(text) > 1 and text[0] in ("'", '"') and text[0] not in text[1:]:
        raise CommandError(f"the quote that opens {text[:40]} is not closed", why="nothing was sent", fix="close it")


def is_digits(text: str) -> bool:
    """Whether `text` is one ASCII digit or more, and nothing else."""
    return text.isascii() and text.isdecimal()


def unquoted(text: str) -> str:
    """`text` without quotes that enclose all of it. Raises CommandError for a quote that is opened and not closed."""
    text = text.strip()
    _refuse_open_quote(text)
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"" and text[0] not in text[1:-1]:
        return text[1:-1].strip()
    return text


def length_s(text: str, what: str) -> float:
    """Seconds of `15m`, `1h30m`, `72h`, `15 min`; a bare number is seconds. Raises CommandError."""
    text = text.strip()
    spoken = _SPOKEN.fullmatch(text)
    try:
        if spoken:
            seconds = float(spoken[1]) * _UNITS_S[spoken[2][0].lower()]
        elif is_digits(text):
            seconds = float(text[:12])
        else:
            seconds = parse_duration_s(text)
    except ValueError:
        raise CommandError(f'{what}: "{text[:40]}" is not a duration', fix="such as 30s, 15m, 2h or 3d") from None
    if not 0 < seconds <= DURATION_MAX_S:
        raise CommandError(f'{what}: "{text[:40]}" is out of range', fix="give more than 0s and at most 400d")
    return seconds
