"""The error tree. Every error says what happened, where, why, and the next action.

PagerDrillError
├── ContentError    an author's file (scenario, rubric, player script) is wrong
├── CommandError    a responder's command was refused; shown in the terminal, never a traceback
├── ConfigError     the user's machine or settings: cache, disk, permissions, terminal
└── InternalError   our own bug; front ends keep the run file so that it can be replayed
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

NEAR_MISS_RATIO = 0.75
"""How alike two names must be for one to be a slip of the other: a letter or two, not a part of it."""


class PagerDrillError(Exception):
    """Base of all errors shown to people. `str()` is the complete message, at most four lines."""

    def __init__(self, what: str, *, where: str = "", why: str = "", fix: str = "") -> None:
        self.what = what
        self.where = where
        self.why = why
        self.fix = fix
        super().__init__(what)

    def __str__(self) -> str:
        first = f"{self.where}: {self.what}" if self.where else self.what
        return "\n  ".join(part for part in (first, self.why, self.fix) if part)


class ContentError(PagerDrillError):
    """A content file is wrong. `where` is `path:line:column`."""


class CommandError(PagerDrillError):
    """A command could not be carried out. The platform is unchanged."""


class ConfigError(PagerDrillError):
    """The machine or the settings stand in the way: no space, no permission, damaged cache."""


class InternalError(PagerDrillError):
    """A broken promise of this program itself."""


def near_miss(name: str, names: Iterable[str]) -> str:
    """The name that `name` is a slip of; "" when there is none. Unlike `nearest` it gives nothing away to a guess."""
    close = difflib.get_close_matches(name, sorted(names), n=1, cutoff=NEAR_MISS_RATIO)
    return f'did you mean "{close[0]}"?' if close else ""


def nearest(name: str, names: Iterable[str]) -> str:
    """A fix that names the closest valid spelling, or lists what is valid when nothing is close."""
    known = sorted(names)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    return "valid: " + ", ".join(known[:12]) + (" ..." if len(known) > 12 else "")
