"""`sed`: substitute, print, delete and quit, for all lines or those an address names."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from reference_platform.errors import CommandError
from reference_platform.pattern import Pattern
from simulator.shell.filters.grep import extended_spelling
from simulator.shell.filters.options import Filter, Lines, no_files, options_of

LINE_MAX_CHARS = 20_000
_NUMBER = re.compile(r"[0-9]{1,9}|\$")
_PIECE = re.compile(r"\\(.)|(&)|([^\\&]+)", re.DOTALL)
_FIX = "such as sed 's/from/to/g', sed -n '2,5p' or sed '/text/d'"
Address = Callable[[int, str, bool], bool]
"""Whether a line is meant, by its number, its text and whether it is the last."""


@dataclass(slots=True)
class _Instruction:
    begins: Address | None
    ends: Address | None
    inverted: bool
    does: str
    pattern: Pattern | None = None
    to: str = ""
    nth: int = 1
    everywhere: bool = False
    prints: bool = False

    def change(self, line: str) -> tuple[str, bool]:
        """The line after a substitution, and whether anything was substituted."""
        assert self.pattern is not None, "only a substitution changes a line"
        out: list[str] = []
        at, seen, done, last = 0, 0, False, -1
        while at <= len(line) and (spans := self.pattern.first(line, at)) is not None:
            begins, ends = spans[0]
            if begins == ends == last:
                # Nothing, right behind a match, is no match of its own.
                out.append(line[at : at + 1])
                at, last = at + 1, -1
                continue
            seen, last = seen + 1, ends
            taken = seen == self.nth or (self.everywhere and seen > self.nth)
            out.append(line[at:begins] + (self._written(line, spans) if taken else line[begins:ends]))
            done = done or taken
            at = ends if ends > begins else ends + 1
            if ends == begins:
                out.append(line[begins : begins + 1])
            if taken and not self.everywhere:
                break
        return ("".join(out) + line[at:])[:LINE_MAX_CHARS], done

    def _written(self, line: str, spans: tuple[tuple[int, int], ...]) -> str:
        parts = []
        for escaped, whole, plain in _PIECE.findall(self.to):
            if whole:
                parts.append(line[spans[0][0] : spans[0][1]])
            elif escaped.isascii() and escaped.isdigit():
                begins, ends = spans[int(escaped)] if int(escaped) < len(spans) else (-1, -1)
                parts.append(line[begins:ends] if begins >= 0 else "")
            else:
                parts.append({"n": "\n", "t": "\t"}.get(escaped, escaped) if escaped else plain)
        return "".join(parts)


def prepare_sed(words: list[str]) -> Filter:
    """Source: POSIX, sed; patterns are read by RE2."""
    _refuse_edits(words)
    options, rest = options_of("sed", words, "nErue:", ["quiet", "silent", "regexp-extended", "expression="])
    script = options.get("-e", options.get("--expression"))
    if script is None:
        if not rest:
            raise CommandError("sed: no script", fix=_FIX)
        script, rest = rest[0], rest[1:]
    no_files("sed", rest)
    extended = bool({"-E", "-r", "--regexp-extended"} & set(options))
    instructions = _Script(script, extended).instructions()
    quiet = bool({"-n", "--quiet", "--silent"} & set(options))

    def run(lines: Lines) -> Lines:
        return _run(lines, instructions, quiet)

    return run


def _refuse_edits(words: list[str]) -> None:
    if any(word == "-i" or word.startswith("-i.") or word == "--in-place" for word in words):
        raise CommandError("sed: there is no file to edit in place", fix="leave -i out; the result is printed")


def _run(lines: Lines, instructions: list[_Instruction], quiet: bool) -> Lines:
    out: Lines = []
    inside = [False] * len(instructions)
    for number, source in enumerate(lines, 1):
        line, deleted, stop, last = source, False, False, number == len(lines)
        for index, item in enumerate(instructions):
            meant = _meant(item, index, inside, (number, line, last)) != item.inverted
            if not meant or deleted:
                continue
            if item.does == "s":
                line, changed = item.change(line)
                out += [line] if changed and item.prints else []
            elif item.does == "p":
                out.append(line)
            elif item.does == "d":
                deleted = True
            else:
                stop = True
                break
        out += [] if quiet or deleted else [line]
        if stop:
            break
    return [part for line in out for part in line.split("\n")]


def _meant(item: _Instruction, index: int, inside: list[bool], at: tuple[int, str, bool]) -> bool:
    if item.begins is None:
        return True
    if item.ends is None:
        return item.begins(*at)
    if inside[index]:
        inside[index] = not item.ends(*at)
        return True
    if item.begins(*at):
        inside[index] = not (at[2] or _is_over(item.ends, at[0]))
        return True
    return False


def _is_over(ends: Address, number: int) -> bool:
    last = getattr(ends, "number", None)
    return last is not None and last <= number


class _Script:
    def __init__(self, text: str, extended: bool) -> None:
        self._text = text
        self._extended = extended
        self._at = 0

    def instructions(self) -> list[_Instruction]:
        found: list[_Instruction] = []
        while True:
            while self._peek() and self._peek() in " \t\n;":
                self._at += 1
            if not self._peek():
                if not found:
                    raise CommandError("sed: no script", fix=_FIX)
                return found
            found.append(self._instruction())

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _instruction(self) -> _Instruction:
        begins, ends = self._address(), None
        if begins is not None and self._peek() == ",":
            self._at += 1
            ends = self._address()
            if ends is None:
                raise CommandError("sed: unexpected ,", fix=_FIX)
        while self._peek() == " ":
            self._at += 1
        inverted = self._peek() == "!"
        self._at += inverted
        does = self._peek()
        self._at += 1
        if does and does in "pdq":
            return _Instruction(begins, ends, inverted, does)
        if does != "s":
            raise CommandError(f"sed: unknown command: {does or 'none'!r}", fix=f"s, p, d and q are known; {_FIX}")
        separator = self._peek()
        if not separator or separator in "\\\n":
            raise CommandError("sed: unterminated `s' command", fix=_FIX)
        self._at += 1
        wanted, to = self._until(separator), self._until(separator, keep=True)
        flags = re.compile(r"[gpiI0-9]*").match(self._text, self._at)
        assert flags is not None, "no flags match too"
        self._at = flags.end()
        nth = re.search(r"[0-9]{1,4}", flags[0])
        return _Instruction(
            begins, ends, inverted, "s", self._pattern(wanted, "i" in flags[0].lower()), to,
            int(nth[0]) if nth else 1, "g" in flags[0], "p" in flags[0],
        )  # fmt: skip

    def _address(self) -> Address | None:
        number = _NUMBER.match(self._text, self._at)
        if number:
            self._at = number.end()
            return _Last() if number[0] == "$" else _Number(int(number[0]))
        if self._peek() != "/":
            return None
        self._at += 1
        pattern = self._pattern(self._until("/"), False)
        return lambda _, line, __: pattern.found_in(line)

    def _pattern(self, text: str, ignore_case: bool) -> Pattern:
        return Pattern(text if self._extended else extended_spelling(text), ignore_case=ignore_case)

    def _until(self, separator: str, *, keep: bool = False) -> str:
        """Text up to the next separator that no backslash stands before; `keep` leaves other backslashes alone."""
        out: list[str] = []
        while self._at < len(self._text):
            char = self._text[self._at]
            self._at += 1
            if char == separator:
                return "".join(out)
            if char == "\\" and self._peek():
                following = self._peek()
                self._at += 1
                out.append(
                    following if following == separator and (keep or separator not in "|()+?{}") else char + following
                )
            else:
                out.append(char)
        raise CommandError(f"sed: missing {separator} in {self._text[:60]!r}", fix=_FIX)


@dataclass(frozen=True, slots=True)
class _Number:
    number: int

    def __call__(self, number: int, _: str, __: bool) -> bool:
        return number == self.number


@dataclass(frozen=True, slots=True)
class _Last:
    def __call__(self, _: int, __: str, last: bool) -> bool:
        return last
