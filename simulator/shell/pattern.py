"""Regular expressions that answer in time linear in the text, whatever somebody types.

A pattern becomes a small automaton whose table is filled in as it is needed, so no pattern can run away. The price: no
look-around, no back-references, no captures.
Source: R. Cox, "Regular Expression Matching Can Be Simple And Fast", 2007 (Thompson's construction).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.shell.pattern_parser import Alternatives, Letter, Node, Repeat, Sequence, Test, parse_pattern, refuse

STATES_MAX = 600
TABLE_MAX = 5_000
BEGIN, END = "\x02", "\x03"
"""Stand for the borders of a line; ^ and $ match them, as often as they are written, and nothing else does."""


@dataclass(slots=True)
class _State:
    """Goes on to `out` on a character that passes `test`, or without one when `test` is None."""

    test: Test | None
    out: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Part of the automaton: the state where it starts and the one where it ends."""

    start: int
    end: int


class Pattern:
    """A compiled pattern. `basic` reads it as plain grep does: | ( ) + ? { } are letters unless escaped."""

    def __init__(self, text: str, *, ignore_case: bool = False, basic: bool = False) -> None:
        """Raises CommandError for a pattern that is too long, malformed, or beyond what is supported."""
        self._ignore_case = ignore_case
        self._states: list[_State] = []
        whole = self._compile(parse_pattern(text, basic=basic))
        self._accept = whole.end
        self._first = self._closure([whole.start])
        self._table: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    def found_in(self, line: str) -> bool:
        """Whether the pattern matches anywhere in `line`."""
        current = self._first
        for char in (BEGIN, *line, END):
            if self._accept in current:
                return True
            key = (current, char)
            following = self._table.get(key)
            if following is None:
                following = self._step(current, char)
                if len(self._table) >= TABLE_MAX:
                    self._table.clear()
                self._table[key] = following
            current = following
        return self._accept in current

    def _step(self, current: frozenset[int], char: str) -> frozenset[int]:
        both = (char, char.swapcase()) if self._ignore_case else (char,)
        reached = self._closure(self._passed(current, both))
        if char in (BEGIN, END):
            while not (further := self._closure(self._passed(reached, both))) <= reached:
                reached |= further
        return reached | self._first

    def _passed(self, current: frozenset[int], variants: tuple[str, ...]) -> list[int]:
        """Where the states that accept one of these characters lead."""
        passed: list[int] = []
        for index in current:
            state = self._states[index]
            if state.test is not None and any(state.test(variant) for variant in variants):
                passed += state.out
        return passed

    def _closure(self, indices: list[int]) -> frozenset[int]:
        seen = set(indices)
        waiting = list(indices)
        while waiting:
            state = self._states[waiting.pop()]
            if state.test is None:
                fresh = [following for following in state.out if following not in seen]
                seen.update(fresh)
                waiting += fresh
        return frozenset(seen)

    def _state(self, test: Test | None, *out: int) -> int:
        if len(self._states) >= STATES_MAX:
            raise refuse("the pattern is too large", "shorten it, or use smaller repeat counts")
        self._states.append(_State(test, list(out)))
        return len(self._states) - 1

    def _link(self, start: int, end: int) -> None:
        self._states[start].out.append(end)

    def _compile(self, node: Node) -> _Piece:
        if isinstance(node, Letter):
            end = self._state(None)
            return _Piece(self._state(node.test, end), end)
        if isinstance(node, Sequence):
            start = end = self._state(None)
            for part in node.parts:
                piece = self._compile(part)
                self._link(end, piece.start)
                end = piece.end
            return _Piece(start, end)
        if isinstance(node, Alternatives):
            start, end = self._state(None), self._state(None)
            for choice in node.choices:
                piece = self._compile(choice)
                self._link(start, piece.start)
                self._link(piece.end, end)
            return _Piece(start, end)
        return self._repeat(node)

    def _repeat(self, node: Repeat) -> _Piece:
        start = end = self._state(None)
        for _ in range(node.low):
            piece = self._compile(node.part)
            self._link(end, piece.start)
            end = piece.end
        last = self._state(None)
        self._link(end, last)
        if node.high is None:
            piece = self._compile(node.part)
            self._link(last, piece.start)
            self._link(piece.end, last)
            return _Piece(start, last)
        for _ in range(node.high - node.low):
            piece = self._compile(node.part)
            self._link(end, piece.start)
            end = piece.end
            self._link(end, last)
        return _Piece(start, last)
