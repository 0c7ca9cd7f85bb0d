"""Stages of a pipeline that are more than filters: `tee` keeps what passes, `xargs` runs a command."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reference_platform.errors import CommandError
from simulator.shell.filters.chain import prepared
from simulator.shell.filters.options import Filter, count_of, options_of
from simulator.shell.registry import Command, find

CALLS_MAX = 50
_NAME = re.compile(r"[\w./-]{1,80}")


@dataclass(frozen=True, slots=True)
class Tee:
    """Keeps what passes by a name, and lets it pass."""

    name: str
    appends: bool


@dataclass(frozen=True, slots=True)
class Xargs:
    """Runs `words` with the words that come in: `most` at a time, 0 for all at once, or one line in place of `holder`.

    `command` is None for the `echo` that xargs runs of itself.
    """

    words: tuple[str, ...]
    command: Command | None
    most: int
    holder: str

    def calls(self, text: str) -> Iterator[list[str]]:
        """The command lines that come of a text, at most CALLS_MAX."""
        if self.holder:
            for line in [line.strip() for line in text.splitlines() if line.strip()][:CALLS_MAX]:
                yield [word.replace(self.holder, line) for word in self.words]
            return
        words = text.split()
        size = self.most or max(1, len(words))
        for at in range(0, min(len(words), size * CALLS_MAX), size):
            yield [*self.words, *words[at : at + size]]


Stage = Filter | Tee | Xargs


def stage_of(words: Sequence[str]) -> Stage:
    """What a stage behind a pipe does. Raises CommandError for anything that is wrong about it."""
    if words[:1] == ["tee"]:
        options, rest = options_of("tee", list(words[1:]), "ai")
        if len(rest) != 1 or not _NAME.fullmatch(rest[0]):
            raise CommandError(
                "tee: one name to keep the output by", fix="such as | tee pods.txt; cat pods.txt shows it"
            )
        return Tee(rest[0], "-a" in options)
    if words[:1] == ["xargs"]:
        return _xargs(list(words[1:]))
    return prepared(words)


def _xargs(words: list[str]) -> Xargs:
    most, holder = 0, ""
    while words and words[0].startswith("-"):
        flag, words = words[0], words[1:]
        if flag in ("-r", "-t", "--no-run-if-empty", "-0"):
            continue
        if flag[:2] not in ("-n", "-L", "-I", "-P") or (len(flag) == 2 and not words):
            raise CommandError(f"xargs: invalid option {flag}", fix="here xargs takes: -n COUNT -I {} -L 1 -r -t")
        value, words = (flag[2:], words) if len(flag) > 2 else (words[0], words[1:])
        if flag[1] == "I":
            holder = value
        elif flag[1] != "P":
            most = max(1, count_of("xargs", value))
    if not words or words[0] == "echo":
        return Xargs(tuple(words or ["echo"]), None, most, holder)
    found, _ = find(words)
    if found.rest == "text":
        raise CommandError(f"xargs: {' '.join(found.words)} is for your own words", fix="type it yourself")
    return Xargs(tuple(words), found, most, holder)
