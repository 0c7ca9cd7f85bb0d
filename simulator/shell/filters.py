"""Pipe stages: the text tools that people put behind a command."""

from __future__ import annotations

import getopt
import re
from collections.abc import Callable, Iterable

from reference_platform.errors import CommandError, nearest
from simulator.shell.free_text import is_digits
from simulator.shell.pattern import Pattern
from simulator.shell.pattern_parser import extended_spelling

COUNT_MAX = 10**9
"""Larger numbers mean the same: everything."""
_NUMBER = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(Ki|Mi|Gi|Ti|[KMGTkmgt%]|ms|[smhd])?")
_SCALES = {"K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}
_PRINT = re.compile(r"\{\s*print\s*(?P<what>[^{}]*?)\s*;?\s*\}")
_FIELD = re.compile(r"\$(\d{1,6}|NF)|\"((?:[^\"\\]|\\.)*)\"|(,)|\s+")

Lines = list[str]
Options = dict[str, str]


def apply_filters(text: str, stages: list[list[str]]) -> str:
    """`text` after it went through each stage. Raises CommandError naming the filters there are."""
    for words in stages:
        name = words[0] if words else ""
        if name == "tee":
            raise CommandError("tee: nothing can be written here", fix="leave it out; `note TEXT` keeps a note")
        tool = FILTERS.get(name)
        if tool is None:
            raise CommandError(f"{name}: not a filter", fix=f"{nearest(name, FILTERS)}  filters: {', '.join(FILTERS)}")
        text = "\n".join(tool(words[1:], text.split("\n") if text else []))
    return text


def _options(name: str, words: list[str], short: str, long: Iterable[str] = ()) -> tuple[Options, list[str]]:
    try:
        pairs, rest = getopt.gnu_getopt(words, short, list(long))
    except getopt.GetoptError as error:
        raise CommandError(f"{name}: {error.msg}", fix=f"here {name} takes: {_known(short)}") from None
    return dict(pairs), rest


def _known(short: str) -> str:
    return " ".join(f"-{flag}" + (" VALUE" if short[at + 1 : at + 2] == ":" else "")
                    for at, flag in enumerate(short) if flag != ":") or "no flags"  # fmt: skip


def _no_files(name: str, rest: list[str]) -> None:
    if rest:
        raise CommandError(f"{name}: {rest[0]}: No such file or directory", fix=f"put {name} behind a command and |")


def _count(name: str, text: str) -> int:
    digits = text.lstrip("+-")
    if not is_digits(digits) or len(digits) > 12:
        raise CommandError(f"{name}: invalid number: {text[:40]!r}", fix=f"such as {name} -n 20")
    return min(int(digits), COUNT_MAX)


def _grep(words: list[str], lines: Lines, extended: bool = False) -> Lines:
    options, rest = _options("grep", words, "ivEFcnwxhe:", ["color", "color=", "ignore-case"])
    if "-e" in options:
        rest = [options["-e"], *rest]
    if not rest:
        raise CommandError("grep: no pattern", fix="usage: grep [-i] [-v] [-E] [-F] [-w] [-x] [-c] [-n] PATTERN")
    _no_files("grep", rest[1:])
    fixed = "-F" in options
    wanted = re.sub(r"([\\.^$*+?{}()|\[\]])", r"\\\1", rest[0]) if fixed else rest[0]
    basic = not (fixed or extended or "-E" in options)
    if "-x" in options or "-w" in options:
        left, right = ("^", "$") if "-x" in options else (r"(^|\W)", r"(\W|$)")
        wanted = f"{left}({extended_spelling(wanted) if basic else wanted}){right}"
        basic = False
    pattern = Pattern(wanted, ignore_case="-i" in options or "--ignore-case" in options, basic=basic)
    hits = [(at, line) for at, line in enumerate(lines, 1) if pattern.found_in(line) != ("-v" in options)]
    if "-c" in options:
        return [str(len(hits))]
    return [f"{at}:{line}" if "-n" in options else line for at, line in hits]


def _egrep(words: list[str], lines: Lines) -> Lines:
    return _grep(words, lines, extended=True)


def _fgrep(words: list[str], lines: Lines) -> Lines:
    return _grep(["-F", *words], lines)


def _end_count(name: str, words: list[str]) -> str:
    if words and re.fullmatch(r"-\d+", words[0]):
        words = ["-n", words[0][1:], *words[1:]]
    options, rest = _options(name, words, "n:qf", ["lines="])
    _no_files(name, rest)
    return options.get("-n") or options.get("--lines") or "10"


def _head(words: list[str], lines: Lines) -> Lines:
    wanted = _end_count("head", words)
    count = _count("head", wanted)
    return lines[: max(0, len(lines) - count)] if wanted.startswith("-") else lines[:count]


def _tail(words: list[str], lines: Lines) -> Lines:
    wanted = _end_count("tail", words)
    count = _count("tail", wanted)
    if wanted.startswith("+"):
        return lines[max(0, count - 1) :]
    return lines[-count:] if count else []


def _wc(words: list[str], lines: Lines) -> Lines:
    options, rest = _options("wc", words, "lwcm")
    _no_files("wc", rest)
    text = "\n".join(lines)
    newline = 1 if lines else 0
    sizes = {"-l": len(lines), "-w": len(text.split()), "-c": len(text.encode(errors="replace")) + newline,
             "-m": len(text) + newline}  # fmt: skip
    wanted = [flag for flag in sizes if flag in options] or ["-l", "-w", "-c"]
    return [" ".join(f"{sizes[flag]:>7}" if len(wanted) > 1 else str(sizes[flag]) for flag in wanted)]


def _sort(words: list[str], lines: Lines) -> Lines:
    options, rest = _options("sort", words, "rnhuk:t:f")
    _no_files("sort", rest)
    first = _count("sort", re.split(r"[,.nrh]", options["-k"])[0]) if "-k" in options else 1
    if first < 1:
        raise CommandError("sort: field numbers start at 1", fix="such as sort -k 2")
    separator = options.get("-t")

    def key(line: str) -> tuple[float, str]:
        fields = line.split(separator) if separator else line.split()
        text = line if "-k" not in options else " ".join(fields[first - 1 :])
        number = _value(text) if "-n" in options or "-h" in options else 0.0
        return number, text.lower() if "-f" in options else text

    ordered = sorted(lines, key=key, reverse="-r" in options)
    return list(dict.fromkeys(ordered)) if "-u" in options else ordered


def _value(text: str) -> float:
    """The number a text starts with, its unit counted; smaller than every number when there is none."""
    found = _NUMBER.match(text)
    if not found:
        return -1e300
    unit = found[2] or ""
    return float(found[1][:40]) * _SCALES.get(unit, _SCALES.get(unit.upper(), 1.0) if unit in "kgt" else 1.0)


def _uniq(words: list[str], lines: Lines) -> Lines:
    options, rest = _options("uniq", words, "cdui")
    _no_files("uniq", rest)
    runs: list[tuple[int, str]] = []
    for line in lines:
        if runs and (runs[-1][1] == line or ("-i" in options and runs[-1][1].lower() == line.lower())):
            runs[-1] = (runs[-1][0] + 1, runs[-1][1])
        else:
            runs.append((1, line))
    runs = [(n, line) for n, line in runs if ("-d" not in options or n > 1) and ("-u" not in options or n == 1)]
    return [f"{n:>7} {line}" if "-c" in options else line for n, line in runs]


def _cut(words: list[str], lines: Lines) -> Lines:
    options, rest = _options("cut", words, "f:d:c:s")
    _no_files("cut", rest)
    if "-f" not in options and "-c" not in options:
        raise CommandError("cut: you must specify a list of fields", fix="such as cut -d' ' -f1,3-5")
    by_char = "-f" not in options
    separator = options.get("-d", "\t") or "\t"
    if len(separator) > 1:
        raise CommandError("cut: the delimiter must be a single character", fix="such as cut -d, -f2")
    ranges = _ranges(options["-c"] if by_char else options["-f"])
    out: list[str] = []
    for line in lines:
        fields = list(line) if by_char else line.split(separator)
        if not by_char and len(fields) == 1:
            out += [] if "-s" in options else [line]
            continue
        kept = [item for at, item in enumerate(fields, 1) if any(low <= at <= high for low, high in ranges)]
        out.append(("" if by_char else separator).join(kept))
    return out


def _ranges(text: str) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for part in text.split(","):
        found = re.fullmatch(r"(\d{1,6})?(-)?(\d{1,6})?", part)
        if not found or not (found[1] or found[3]):
            raise CommandError(f"cut: invalid field list {text[:40]!r}", fix="such as 2, 1,3 or 2-4")
        low = int(found[1]) if found[1] else 1
        ranges.append((low, (int(found[3]) if found[3] else COUNT_MAX) if found[2] else low))
    return ranges


def _awk(words: list[str], lines: Lines) -> Lines:
    options, rest = _options("awk", words, "F:v:")
    program = _PRINT.fullmatch(rest[0].strip()) if rest else None
    if program is None:
        raise CommandError("awk: only printing fields is possible here", fix="such as awk '{print $1, $3}'")
    _no_files("awk", rest[1:])
    what = program["what"]
    pieces = list(_FIELD.finditer(what))
    if sum(len(piece.group()) for piece in pieces) != len(what):
        raise CommandError(f"awk: cannot read {what[:40]!r}", fix="such as awk '{print $1, $3}'")
    separator = options.get("-F")
    return [_printed(pieces, line, line.split(separator) if separator else line.split()) for line in lines]


def _printed(pieces: list[re.Match[str]], line: str, fields: list[str]) -> str:
    if not any(piece[1] or piece[2] is not None for piece in pieces):
        return line
    out: list[str] = []
    for piece in pieces:
        if piece[3]:
            out.append(" ")
        elif piece[2] is not None:
            out.append(piece[2].replace('\\"', '"').replace("\\t", "\t"))
        elif piece[1]:
            at = len(fields) if piece[1] == "NF" else int(piece[1])
            out.append(line if at == 0 and piece[1] != "NF" else fields[at - 1] if 1 <= at <= len(fields) else "")
    return "".join(out)


def _same(words: list[str], lines: Lines) -> Lines:
    _no_files("cat", [word for word in words if not word.startswith("-")])
    return lines


FILTERS: dict[str, Callable[[list[str], Lines], Lines]] = {
    "grep": _grep,
    "egrep": _egrep,
    "fgrep": _fgrep,
    "head": _head,
    "tail": _tail,
    "wc": _wc,
    "sort": _sort,
    "uniq": _uniq,
    "cut": _cut,
    "awk": _awk,
    "cat": _same,
    "less": _same,
    "more": _same,
}
