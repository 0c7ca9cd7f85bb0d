"""`grep`: lines that match, what is around them, or the matches alone."""

from __future__ import annotations

import getopt
import re

from reference_platform.errors import CommandError
from reference_platform.pattern import Pattern
from simulator.shell.filters.options import Filter, Lines, count_of, no_files, options_of

_FLAGS = "ivEFGPcnwxhHosqe:m:A:B:C:"
_LONG = ("color", "color=", "colour=", "ignore-case", "invert-match", "count", "only-matching", "line-number",
         "after-context=", "before-context=", "context=", "max-count=", "extended-regexp", "fixed-strings",
         "perl-regexp", "word-regexp", "line-regexp", "line-buffered", "regexp=")  # fmt: skip
_SHORT = {
    "ignore-case": "i", "invert-match": "v", "count": "c", "only-matching": "o", "line-number": "n",
    "after-context": "A", "before-context": "B", "context": "C", "max-count": "m", "extended-regexp": "E",
    "fixed-strings": "F", "perl-regexp": "P", "word-regexp": "w", "line-regexp": "x", "regexp": "e",
}  # fmt: skip
_SWAPPED = "|()+?{}"
"""In a basic pattern these are letters, and special after a backslash."""
_WORD_EDGE = re.compile(r"(?<!\\)((?:\\\\)*)\\[<>]")


def prepare_grep(words: list[str], extended: bool = False, fixed: bool = False) -> Filter:
    """Source: GNU grep manual; patterns are read by RE2."""
    flagged = words.index("--") if "--" in words else len(words)
    words = [
        f"-C{word[1:]}" if at < flagged and re.fullmatch(r"-\d{1,6}", word) else word for at, word in enumerate(words)
    ]
    options, rest = options_of("grep", words, _FLAGS, _LONG)
    flags = {_SHORT.get(key.lstrip("-"), key.lstrip("-")): value for key, value in options.items()}
    wanted = [value for key, value in _given(words) if key in ("-e", "--regexp")]
    if not wanted:
        if not rest:
            raise CommandError("grep: no pattern", fix="usage: grep [-i] [-v] [-E] [-o] [-c] [-n] [-A N] PATTERN")
        wanted, rest = [rest[0]], rest[1:]
    no_files("grep", rest)
    spelled = [
        text
        if "P" in flags
        else re.escape(text)
        if fixed or "F" in flags
        else _WORD_EDGE.sub(r"\1\\b", text if extended or "E" in flags else extended_spelling(text))
        for text in wanted
    ]
    pattern, bare = _patterns(spelled, flags)
    before = count_of("grep", flags.get("B", flags.get("C", "0")))
    after = count_of("grep", flags.get("A", flags.get("C", "0")))
    most = count_of("grep", flags["m"]) if "m" in flags else None

    def run(lines: Lines) -> Lines:
        hits = [at for at, line in enumerate(lines) if pattern.found_in(line) != ("v" in flags)][:most]
        if "q" in flags:
            return []
        if "c" in flags:
            return [str(len(hits))]
        if "o" in flags:
            found = [] if "v" in flags else [(at, hit) for at in hits for hit in bare.hits(lines[at])]
            return [f"{at + 1}:{hit}" if "n" in flags else hit for at, hit in found]
        return _around(lines, hits, before, after, "n" in flags)

    return run


def _given(words: list[str]) -> list[tuple[str, str]]:
    return getopt.gnu_getopt(words, _FLAGS, list(_LONG))[0]


def _patterns(spelled: list[str], flags: dict[str, str]) -> tuple[Pattern, Pattern]:
    """What a line is tested by, and what `-o` takes out of it."""
    for text in spelled:
        Pattern(text, ignore_case="i" in flags)
    text = spelled[0] if len(spelled) == 1 else "|".join(f"(?:{part})" for part in spelled)
    left, right = ("^", "$") if "x" in flags else (r"(?:^|\W)", r"(?:\W|$)") if "w" in flags else ("", "")
    edge = r"\b" if "w" in flags else ""
    tested = f"{left}(?:{text}){right}" if left else text
    return Pattern(tested, ignore_case="i" in flags), Pattern(f"{edge}(?:{text}){edge}", ignore_case="i" in flags)


def _around(lines: Lines, hits: list[int], before: int, after: int, numbered: bool) -> Lines:
    """Hits with their context; -- between groups that do not touch, as grep prints them."""
    out: Lines = []
    hit, last = set(hits), -1
    for at in hits:
        begins = max(last + 1, at - before)
        if last >= 0 and begins > last + 1 and (before or after):
            out.append("--")
        for shown in range(begins, min(len(lines), at + after + 1)):
            if shown > last:
                out.append(f"{shown + 1}{':' if shown in hit else '-'}{lines[shown]}" if numbered else lines[shown])
                last = shown
    return out


def extended_spelling(text: str) -> str:
    """A basic pattern in extended spelling."""
    out: list[str] = []
    at, in_class = 0, False
    while at < len(text):
        char = text[at]
        if char == "\\" and at + 1 < len(text) and not in_class:
            at += 1
            out.append(text[at] if text[at] in _SWAPPED else "\\" + text[at])
        elif char == "*" and (not out or out == ["^"]):
            out.append("\\*")
        else:
            if char == "[" and not in_class:
                in_class = True
            elif char == "]" and in_class and text[at - 1] not in "[^":
                in_class = False
            out.append("\\" + char if char in _SWAPPED and not in_class else char)
        at += 1
    return "".join(out)
