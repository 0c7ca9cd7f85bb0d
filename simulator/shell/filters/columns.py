"""Filters that take lines apart: `cut`, `column`, `tr`, `paste`."""

from __future__ import annotations

import re

from reference_platform.errors import CommandError
from simulator.shell.filters.options import COUNT_MAX, Filter, Lines, no_files, options_of

_CLASSES = {
    "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "lower": "abcdefghijklmnopqrstuvwxyz",
    "digit": "0123456789",
    "space": " \t\n\r\v\f",
    "blank": " \t",
    "punct": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
}
_CLASSES |= {"alpha": _CLASSES["upper"] + _CLASSES["lower"]}
_CLASSES |= {"alnum": _CLASSES["digit"] + _CLASSES["alpha"]}
_LETTER = re.compile(r"\[:([a-z]+):\]|\\(.)|(.)-(.)|(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}


def prepare_cut(words: list[str]) -> Filter:
    """`cut -d, -f1,3-5`, `cut -c 1-80`."""
    options, rest = options_of("cut", words, "f:d:c:b:s", ["output-delimiter="])
    no_files("cut", rest)
    chosen = options.get("-f") or options.get("-c") or options.get("-b")
    if not chosen:
        raise CommandError("cut: you must specify a list of fields", fix="such as cut -d' ' -f1,3-5")
    by_char = not options.get("-f")
    separator = options.get("-d", "\t") or "\t"
    if len(separator) > 1:
        raise CommandError("cut: the delimiter must be a single character", fix="such as cut -d, -f2")
    between = options.get("--output-delimiter", "" if by_char else separator)
    ranges = _ranges(chosen)

    def run(lines: Lines) -> Lines:
        out: Lines = []
        for line in lines:
            fields = list(line) if by_char else line.split(separator)
            if not by_char and len(fields) == 1:
                out += [] if "-s" in options else [line]
                continue
            kept = [item for at, item in enumerate(fields, 1) if any(low <= at <= high for low, high in ranges)]
            out.append(between.join(kept))
        return out

    return run


def _ranges(text: str) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for part in text.split(","):
        found = re.fullmatch(r"([0-9]{1,6})?(-)?([0-9]{1,6})?", part)
        if not found or not (found[1] or found[3]):
            raise CommandError(f"cut: invalid field list {text[:40]!r}", fix="such as 2, 1,3 or 2-4")
        low = int(found[1]) if found[1] else 1
        ranges.append((low, (int(found[3]) if found[3] else COUNT_MAX) if found[2] else low))
    return ranges


def prepare_column(words: list[str]) -> Filter:
    """`column -t`: words of each line in columns; `-s,` says what separates them."""
    options, rest = options_of("column", words, "ts:o:", ["table", "separator="])
    no_files("column", rest)
    if "-t" not in options and "--table" not in options:
        raise CommandError("column: only tables are made here", fix="such as column -t, or column -t -s,")
    separators = options.get("-s", options.get("--separator", ""))
    between = options.get("-o", "  ")

    def fields(line: str) -> list[str]:
        return re.split("[" + re.escape(separators) + "]", line) if separators else line.split()

    def run(lines: Lines) -> Lines:
        rows = [fields(line) for line in lines if line.strip()]
        widths = [max(len(row[at]) for row in rows if at < len(row)) for at in range(max(map(len, rows), default=0))]
        return [
            between.join(cell.ljust(widths[at]) if at < len(row) - 1 else cell for at, cell in enumerate(row))
            for row in rows
        ]

    return run


def prepare_paste(words: list[str]) -> Filter:
    """`paste -sd,`: all lines on one."""
    options, rest = options_of("paste", words, "sd:")
    no_files("paste", rest)
    if "-s" not in options:
        return lambda lines: lines
    between = _ESCAPES.get(options.get("-d", "\t")[-1:], options.get("-d", "\t"))
    return lambda lines: [between.join(lines)] if lines else []


def prepare_tr(words: list[str]) -> Filter:
    """`tr a-z A-Z`, `tr -d '\"'`, `tr -s ' '`, `tr ',' '\\n'`."""
    options, sets = options_of("tr", words, "dscC")
    takes = 1 if "-d" in options or ("-s" in options and len(sets) == 1) else 2
    if len(sets) != takes:
        raise CommandError("tr: missing operand" if len(sets) < takes else "tr: extra operand",
                           fix="such as tr a-z A-Z, tr -d '\"' or tr -s ' '")  # fmt: skip
    first = _letters(sets[0])
    inverted = "-c" in options or "-C" in options
    other = _letters(sets[1]) if takes == 2 else ""
    if takes == 2 and not other:
        raise CommandError("tr: the second set is empty", fix="tr -d SET deletes")
    to = {} if inverted else {char: other[min(at, len(other) - 1)] for at, char in enumerate(first)} if other else {}
    squeezed = other or first

    def changed(char: str) -> str:
        if (char in first) == inverted:
            return char
        return "" if "-d" in options else other[-1:] if inverted and other else to.get(char, char)

    def run(lines: Lines) -> Lines:
        if not lines:
            return []
        text = "".join(map(changed, "\n".join(lines) + "\n"))
        if "-s" in options:
            text = "".join(
                char for at, char in enumerate(text)
                if not (at and text[at - 1] == char and (char in squeezed) != (inverted and not other))
            )  # fmt: skip
        return text.removesuffix("\n").split("\n") if text else []

    return run


def _letters(text: str) -> str:
    out: list[str] = []
    for named, escaped, low, high, plain in _LETTER.findall(text):
        if named:
            if named not in _CLASSES:
                raise CommandError(f"tr: invalid character class {named!r}", fix=", ".join(sorted(_CLASSES)))
            out.append(_CLASSES[named])
        elif low:
            if low > high:
                raise CommandError(f"tr: range {low}-{high} is in reverse order", fix=f"write {high}-{low}")
            out.append("".join(map(chr, range(ord(low), min(ord(high), ord(low) + 1000) + 1))))
        else:
            out.append(_ESCAPES.get(escaped, escaped) if escaped else plain)
    return "".join(out)
