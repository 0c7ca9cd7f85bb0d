"""Filters that take whole lines: which of them, in which order, with which numbers."""

from __future__ import annotations

import re

from reference_platform.errors import CommandError
from simulator.shell.filters.options import Filter, Lines, Options, count_of, no_files, options_of

_NUMBER = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(Ki|Mi|Gi|Ti|[KMGTkmgt%]|ms|[smhd])?")
_SCALES = {"K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}
_KEY = re.compile(r"(\d{1,6})(?:\.\d+)?([bdfghinr]*)(?:,(\d{1,6})(?:\.\d+)?([bdfghinr]*))?")
Order = tuple[float, str]


def _end_count(name: str, words: list[str]) -> str:
    if words and re.fullmatch(r"-\d+", words[0]):
        words = ["-n", words[0][1:], *words[1:]]
    options, rest = options_of(name, words, "n:qfF", ["lines=", "follow"])
    no_files(name, rest)
    return options.get("-n") or options.get("--lines") or "10"


def prepare_head(words: list[str]) -> Filter:
    """`head -n 5`, `head -5`, `head -n -2`."""
    wanted = _end_count("head", words)
    count = count_of("head", wanted)
    return lambda lines: lines[: max(0, len(lines) - count)] if wanted.startswith("-") else lines[:count]


def prepare_tail(words: list[str]) -> Filter:
    """`tail -n 5`, `tail -5`, `tail -n +2`."""
    wanted = _end_count("tail", words)
    count = count_of("tail", wanted)

    def run(lines: Lines) -> Lines:
        if wanted.startswith("+"):
            return lines[max(0, count - 1) :]
        return lines[-count:] if count else []

    return run


def prepare_wc(words: list[str]) -> Filter:
    """`wc -l`, and words, bytes and characters."""
    options, rest = options_of("wc", words, "lwcm", ["lines", "words", "bytes", "chars"])
    no_files("wc", rest)
    spelled = {"--lines": "-l", "--words": "-w", "--bytes": "-c", "--chars": "-m"}
    asked = {spelled.get(key, key) for key in options}

    def run(lines: Lines) -> Lines:
        text = "\n".join(lines)
        newline = 1 if lines else 0
        sizes = {"-l": len(lines), "-w": len(text.split()), "-m": len(text) + newline,
                 "-c": len(text.encode(errors="replace")) + newline}  # fmt: skip
        wanted = [flag for flag in sizes if flag in asked] or ["-l", "-w", "-c"]
        return [" ".join(f"{sizes[flag]:>7}" if len(wanted) > 1 else str(sizes[flag]) for flag in wanted)]

    return run


def prepare_sort(words: list[str]) -> Filter:
    """By the whole line or by `-k`; `-n` numbers, `-h` sizes and durations, `-r` the other way round, `-u` once."""
    options, rest = options_of(
        "sort", words, "rnhugbfVsk:t:", ["reverse", "numeric-sort", "human-numeric-sort", "unique", "key="]
    )
    no_files("sort", rest)
    field, last, key_flags = _sort_key(options)
    flags = set("".join(key.lstrip("-")[0] for key in options)) | set(key_flags)
    separator = options.get("-t")
    keyed = "-k" in options or "--key" in options

    def key(line: str) -> Order:
        fields = line.split(separator) if separator else line.split()
        text = (separator or " ").join(fields[field - 1 : last]) if keyed else line
        number = _value(text) if flags & set("nhg") else 0.0
        return number, "" if flags & set("nhg") else text.lower() if "f" in flags else text

    def run(lines: Lines) -> Lines:
        # Lines whose keys are equal are in order as a whole, unless told otherwise.
        whole = lines if "s" in flags else sorted(lines, reverse="-r" in options or "--reverse" in options)
        ordered = sorted(whole, key=key, reverse="r" in flags)
        if "u" not in flags:
            return ordered
        first: dict[Order, str] = {}
        for line in ordered:
            first.setdefault(key(line), line)
        return list(first.values())

    return run


def _sort_key(options: Options) -> tuple[int, int | None, str]:
    """First field, last field and flags of `-k2,2nr`."""
    text = options.get("-k", options.get("--key"))
    if text is None:
        return 1, None, ""
    found = _KEY.fullmatch(text)
    if found is None:
        raise CommandError(f"sort: invalid key {text[:40]!r}", fix="such as sort -k 2, or sort -k2,2nr")
    if int(found[1]) < 1:
        raise CommandError("sort: field numbers start at 1", fix="such as sort -k 2")
    return int(found[1]), int(found[3]) if found[3] else None, found[2] + (found[4] or "")


def _value(text: str) -> float:
    """The number a text starts with, its unit counted; 0 when there is none."""
    found = _NUMBER.match(text)
    if not found:
        return 0.0
    unit = found[2] or ""
    return float(found[1][:40]) * _SCALES.get(unit, _SCALES.get(unit.upper(), 1.0) if unit in "kgt" else 1.0)


def prepare_uniq(words: list[str]) -> Filter:
    """Neighbours that are equal once; `-c` counts them."""
    options, rest = options_of("uniq", words, "cdui", ["count", "repeated", "unique"])
    no_files("uniq", rest)
    flags = {{"repeated": "d", "unique": "u", "count": "c"}.get(key.lstrip("-"), key.lstrip("-")) for key in options}

    def run(lines: Lines) -> Lines:
        runs: list[tuple[int, str]] = []
        for line in lines:
            if runs and (runs[-1][1] == line or ("i" in flags and runs[-1][1].lower() == line.lower())):
                runs[-1] = (runs[-1][0] + 1, runs[-1][1])
            else:
                runs.append((1, line))
        kept = [(n, line) for n, line in runs if ("d" not in flags or n > 1) and ("u" not in flags or n == 1)]
        return [f"{n:>7} {line}" if "c" in flags else line for n, line in kept]

    return run


def prepare_cat(words: list[str]) -> Filter:
    """As it is; `-n` numbers the lines, `-b` those that hold something."""
    options, rest = options_of("cat", words, "nbsAeEtTv")
    no_files("cat", rest)
    return _numbered("-b" in options) if "-n" in options or "-b" in options else _same


def prepare_nl(words: list[str]) -> Filter:
    """Numbers the lines that hold something; `-b a` all of them."""
    options, rest = options_of("nl", words, "b:w:s:n:")
    no_files("nl", rest)
    return _numbered(options.get("-b", "t") != "a", empty=" " * 7)


def _numbered(only_filled: bool, empty: str = "") -> Filter:
    def run(lines: Lines) -> Lines:
        number, out = 0, []
        for line in lines:
            counts = bool(line) or not only_filled
            number += counts
            out.append(f"{number:>6}\t{line}" if counts else empty)
        return out

    return run


def prepare_pager(words: list[str]) -> Filter:
    """`less` and `more`: everything at once."""
    no_files("less", [word for word in words if not word.startswith(("-", "+"))])
    return _same


def prepare_tac(words: list[str]) -> Filter:
    """Last line first."""
    no_files("tac", words)
    return lambda lines: lines[::-1]


def _same(lines: Lines) -> Lines:
    return lines
