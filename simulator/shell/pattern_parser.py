"""Pattern text taken apart: letters, sequences, alternatives and repeats."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from reference_platform.errors import CommandError

PATTERN_CHARS_MAX = 200
REPEAT_MAX = 50
DEPTH_MAX = 20

Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Letter:
    """One character that passes the test."""

    test: Test


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    choices: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`high` is None for no upper limit."""

    part: Node
    low: int
    high: int | None


Node = Letter | Sequence | Alternatives | Repeat

_BORDERS = "\x02\x03"
_CLASSES: dict[str, Test] = {
    "d": lambda char: char.isdigit(),
    "w": lambda char: char.isalnum() or char == "_",
    "s": lambda char: char.isspace(),
    "D": lambda char: not char.isdigit() and char not in _BORDERS,
    "W": lambda char: not (char.isalnum() or char == "_") and char not in _BORDERS,
    "S": lambda char: not char.isspace() and char not in _BORDERS,
}
_NAMED: dict[str, Test] = {
    "alpha": str.isalpha,
    "digit": str.isdigit,
    "alnum": str.isalnum,
    "space": str.isspace,
    "upper": str.isupper,
    "lower": str.islower,
}
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r"}
_SWAPPED = "|()+?{}"
"""In a basic pattern these are letters, and special after a backslash."""
_COUNTS = re.compile(r"\{(\d{0,6})(?:(,)(\d{0,6}))?\}")


def refuse(what: str, fix: str) -> CommandError:
    """The error for a pattern that cannot be used."""
    return CommandError(f"bad pattern: {what}", fix=fix)


def parse_pattern(text: str, *, basic: bool) -> Node:
    """The pattern in `text`. Raises CommandError."""
    if len(text) > PATTERN_CHARS_MAX:
        raise refuse(f"{len(text)} characters", f"at most {PATTERN_CHARS_MAX}")
    parser = _Parser(extended_spelling(text) if basic else text)
    node = parser.alternatives(0)
    parser.finish()
    return node


def extended_spelling(text: str) -> str:
    """A basic pattern in extended spelling."""
    out: list[str] = []
    at, in_class = 0, False
    while at < len(text):
        char = text[at]
        if char == "\\" and at + 1 < len(text) and not in_class:
            at += 1
            out.append(text[at] if text[at] in _SWAPPED else "\\" + text[at])
        else:
            if char == "[" and not in_class:
                in_class = True
            elif char == "]" and in_class and text[at - 1] not in "[^":
                in_class = False
            out.append("\\" + char if char in _SWAPPED and not in_class else char)
        at += 1
    return "".join(out)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def finish(self) -> None:
        if self._at < len(self._text):
            raise refuse("unmatched )", "escape it: \\)")

    def alternatives(self, depth: int) -> Node:
        if depth > DEPTH_MAX:
            raise refuse("nested too deeply", "use fewer parentheses")
        choices = [self._sequence(depth)]
        while self._peek() == "|":
            self._at += 1
            choices.append(self._sequence(depth))
        return choices[0] if len(choices) == 1 else Alternatives(tuple(choices))

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._repeats(self._atom(depth)))
        return Sequence(tuple(parts))

    def _repeats(self, node: Node) -> Node:
        while True:
            char = self._peek()
            counts = _COUNTS.match(self._text, self._at)
            if char and char in "*+?":
                self._at += 1
                node = Repeat(node, int(char == "+"), 1 if char == "?" else None)
            elif counts and (counts[1] or counts[3]):
                self._at = counts.end()
                low = int(counts[1] or 0)
                high = low if not counts[2] else int(counts[3]) if counts[3] else None
                if max(low, high or 0) > REPEAT_MAX or (high is not None and high < low):
                    raise refuse(f"repeat {counts[0]}", f"use counts from 0 to {REPEAT_MAX}, the smaller first")
                node = Repeat(node, low, high)
            else:
                return node
            if self._peek() == "?":
                self._at += 1  # a lazy repeat finds a match exactly where a greedy one does

    def _atom(self, depth: int) -> Node:
        char = self._peek()
        self._at += 1
        if char == "(":
            return self._group(depth)
        if char == "[":
            return self._class()
        if char == ".":
            return Letter(lambda found: found not in _BORDERS)
        if char in "^$":
            border = _BORDERS[0] if char == "^" else _BORDERS[1]
            return Letter(lambda found: found == border)
        if char in "*+?":
            raise refuse(f"nothing to repeat before {char}", f"escape it: \\{char}")
        if char == "\\":
            return Letter(self._escape())
        return Letter(_equals(char))

    def _group(self, depth: int) -> Node:
        if self._peek() == "?":
            if self._text[self._at : self._at + 2] != "?:":
                raise refuse("look-around and flags are not supported", "use plain groups ( )")
            self._at += 2
        inner = self.alternatives(depth + 1)
        if self._peek() != ")":
            raise refuse("unmatched (", "close it, or escape it: \\(")
        self._at += 1
        return inner

    def _escape(self) -> Test:
        char = self._peek()
        self._at += 1
        if not char:
            raise refuse("it ends with a backslash", "escape it: \\\\")
        if char in _CLASSES:
            return _CLASSES[char]
        if char in "bBAZ<>" or char.isdigit():
            raise refuse(f"\\{char} is not supported", "leave it out")
        return _equals(_ESCAPES.get(char, char))

    def _class(self) -> Node:
        negated = self._peek() == "^"
        self._at += negated
        tests: list[Test] = []
        first = True
        while first or self._peek() != "]":
            if not self._peek():
                raise refuse("unmatched [", "close it, or escape it: \\[")
            tests.append(self._member())
            first = False
        self._at += 1

        def test(found: str) -> bool:
            return found not in _BORDERS and any(inner(found) for inner in tests) != negated

        return Letter(test)

    def _member(self) -> Test:
        named = re.compile(r"\[:(\w+):\]").match(self._text, self._at)
        if named:
            if named[1] not in _NAMED:
                raise refuse(f"unknown class {named[0]}", "use one of " + ", ".join(f"[:{name}:]" for name in _NAMED))
            self._at = named.end()
            return _NAMED[named[1]]
        low = self._peek()
        self._at += 1
        if low == "\\":
            return self._escape()
        after = self._text[self._at : self._at + 2]
        if len(after) == 2 and after[0] == "-" and after[1] != "]":
            self._at += 2
            high = after[1]
            if high < low:
                raise refuse(f"range {low}-{high} is the wrong way round", f"write {high}-{low}")
            return lambda found: low <= found <= high
        return _equals(low)


def _equals(char: str) -> Test:
    return lambda found: found == char
