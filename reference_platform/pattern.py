"""Regular expressions that answer in time linear in the text, whatever somebody types: RE2.

Matchers of queries, `grep` and everything else that is typed by people goes through here, so that no pattern can hold
up a process and none makes Python warn. The price: no look-around and no back-references.
Source: RE2 documentation, "Syntax"
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2

from reference_platform.errors import CommandError

PATTERN_CHARS_MAX = 1_000
_LOOK_AROUND = re.compile(r"\(\?<?[=!]")
_BACK_REFERENCE = re.compile(r"invalid escape sequence: \\[1-9]")


class Pattern:
    """A compiled pattern of RE2. `dot_all` lets . match the end of a line too, as Prometheus has it."""

    __slots__ = ("_compiled", "text")

    def __init__(self, text: str, *, ignore_case: bool = False, dot_all: bool = False) -> None:
        """Raises CommandError for a pattern that is too long, malformed, or beyond what a linear engine can do."""
        self.text = text
        self._compiled = _compile(text, ignore_case, dot_all)

    def found_in(self, line: str) -> bool:
        """Whether it matches anywhere in `line`."""
        return self._compiled.search(_sound(line)) is not None

    def is_whole(self, text: str) -> bool:
        """Whether it matches all of `text`."""
        return self._compiled.fullmatch(_sound(text)) is not None

    def hits(self, line: str) -> list[str]:
        """What it matches in `line`, from left to right, empty matches left out."""
        return [found.group() for found in self._compiled.finditer(_sound(line)) if found.group()]

    def first(self, line: str, start: int = 0) -> tuple[tuple[int, int], ...] | None:
        """Where it and each of its groups match first at or behind `start`; (-1, -1) for a group that took no part."""
        found = self._compiled.search(_sound(line), start)
        return None if found is None else tuple(found.span(at) for at in range(self._compiled.groups + 1))


def _sound(text: str) -> str:
    """`text` as RE2 can read it: half a letter becomes a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


@lru_cache(maxsize=1_000)
def _compile(text: str, ignore_case: bool, dot_all: bool) -> Any:  # the library has no types
    if len(text) > PATTERN_CHARS_MAX:
        raise _refused(f"{len(text)} characters", f"at most {PATTERN_CHARS_MAX}")
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    options.dot_nl = dot_all
    try:
        return re2.compile(_sound(text), options)
    except re2.error as error:
        said = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise _explained(text, said) from None


def _explained(text: str, said: str) -> CommandError:
    if "perl operator" in said and _LOOK_AROUND.search(text):
        return _refused(
            "look-around is not supported", "match what is there, and take lines out with a pattern of its own"
        )
    if _BACK_REFERENCE.search(said):
        return _refused("back-references are not supported", "write out what is meant to occur twice")
    return _refused(said[:120], "escape special characters with a backslash")


def _refused(what: str, fix: str) -> CommandError:
    return CommandError(f"bad pattern: {what}", fix=fix)
