"""Words of the prompt that the front end answers itself. Every other line goes to the session unchanged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

SPEEDS = (1, 2, 5, 10, 60)
NEXT_MAX_S = 600.0
WAIT_MAX_S = 86_400.0

FrontVerb = Literal["pause", "resume-clock", "speed", "next", "wait", "quit", "keys", "commands"]
WORDS: tuple[FrontVerb, ...] = ("pause", "resume-clock", "speed", "next", "wait", "quit", "keys", "commands")

_SPAN = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)?")
_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}


@dataclass(frozen=True, slots=True)
class FrontCommand:
    """A word for the front end. `value` is a speed or a time in seconds; `problem` says what is wrong with it."""

    verb: FrontVerb
    value: float = 0.0
    problem: str = ""


_EDIT = re.compile(r"(?:postmortem|post-mortem|pm)(?P<edit>\s+edit)?(?P<editor>\s+--editor)?", re.IGNORECASE)
Edit = Literal["draft", "pane", "editor"]


def edit_asked(line: str) -> Edit | None:
    """Whether a line asks to edit the post-mortem: in $EDITOR, in a pane, or where the front end shows drafts."""
    found = _EDIT.fullmatch(line.strip())
    if found is None:
        return None
    return "editor" if found["editor"] else "pane" if found["edit"] else "draft"


def span_s(text: str) -> float | None:
    """Seconds of `90`, `30s`, `5m`, `1h`, or None."""
    found = _SPAN.fullmatch(text.strip())
    return float(found[1]) * _UNITS_S[found[2]] if found else None


def parse_front(line: str) -> FrontCommand | None:
    """The front-end command in `line`, or None when the session should answer."""
    verb, _, rest = line.strip().partition(" ")
    rest = rest.strip()
    if verb == "speed":
        number = rest.lstrip("x")
        if number.isascii() and number.isdecimal() and int(number) in SPEEDS:
            return FrontCommand("speed", float(number))
        return FrontCommand("speed", problem=f"speed takes one of {', '.join(map(str, SPEEDS))}, like `speed 10`")
    if verb == "wait":
        seconds = span_s(rest or "60s")
        if seconds is None or not 0 < seconds <= WAIT_MAX_S:
            return FrontCommand("wait", problem="wait takes a time of at most 24 h, like `wait 30s` or `wait 2m`")
        return FrontCommand("wait", seconds)
    if rest:
        return None
    for word in WORDS:
        if verb == word:
            return FrontCommand(word)
    return None
