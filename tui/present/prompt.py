"""What the prompt offers: candidates for the last word, ghost text, history by prefix and by search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tui.present.cells import Line, Span, Tone, clean, clip, width_of
from tui.present.front_commands import WORDS
from tui.present.look import Look

HISTORY_MAX = 500
CANDIDATES_MAX = 40


def completed(text: str, candidate: str) -> str:
    """`text` with its last word replaced by `candidate`; a candidate may also be the whole line."""
    head = text[: text.rfind(" ") + 1]
    return candidate if head and candidate.startswith(head) else head + candidate


def candidates(text: str, from_session: Sequence[str]) -> tuple[str, ...]:
    """Whole lines that `text` could become, the session's order kept, front-end words last."""
    if not text.strip():
        return ()
    lines = [completed(text, item) for item in from_session]
    if " " not in text:
        lines.extend(word for word in WORDS if word.startswith(text))
    unique = dict.fromkeys(line for line in lines if line.rstrip() != text.rstrip())
    return tuple(unique)[:CANDIDATES_MAX]


def ghost(text: str, offered: Sequence[str]) -> str:
    """The first offered line that goes on where `text` ends, or ""."""
    return next((line for line in offered if line.startswith(text) and len(line) > len(text)), "")


@dataclass(slots=True)
class Cycle:
    """Tab walks through candidates and comes back to what was typed."""

    typed: str
    offered: tuple[str, ...]
    at: int = -1

    def step(self, by: int = 1) -> str:
        """The next line to show."""
        self.at = (self.at + 1 + by) % (len(self.offered) + 1) - 1
        return self.typed if self.at < 0 else self.offered[self.at]


@dataclass(slots=True)
class History:
    """Lines entered, oldest first, at most HISTORY_MAX, without repeats in a row."""

    lines: list[str] = field(default_factory=list)
    _prefix: str = ""
    _at: int | None = None

    def add(self, line: str) -> None:
        """Remember a line and stop walking."""
        if line.strip() and (not self.lines or self.lines[-1] != line):
            self.lines.append(line)
            del self.lines[:-HISTORY_MAX]
        self._at = None

    def leave(self) -> None:
        """The user edited the line: the next walk starts anew."""
        self._at = None

    def older(self, text: str) -> str:
        """The next older line that starts with what was typed when the walk began."""
        if self._at is None:
            self._prefix, self._at = text, len(self.lines)
        for at in range(self._at - 1, -1, -1):
            if self.lines[at].startswith(self._prefix) and self.lines[at] != text:
                self._at = at
                return self.lines[at]
        return text

    def newer(self, text: str) -> str:
        """The next newer such line; after the newest, what was typed."""
        if self._at is None:
            return text
        for at in range(self._at + 1, len(self.lines)):
            if self.lines[at].startswith(self._prefix) and self.lines[at] != text:
                self._at = at
                return self.lines[at]
        self._at = None
        return self._prefix

    def search(self, wanted: str, skip: int = 0) -> str | None:
        """The newest line that contains `wanted`, after leaving out `skip` of them."""
        found = [line for line in dict.fromkeys(reversed(self.lines)) if wanted.lower() in line.lower()]
        return found[min(skip, len(found) - 1)] if found else None


def candidate_row(cycle: Cycle | None, offered: Sequence[str], width: int, look: Look, *, hint: bool) -> Line:
    """One row with the last words of the candidates; the chosen one stands out, cut ones are counted."""
    if not offered:
        return (Span("     "),)
    chosen = cycle.at if cycle is not None else -1
    tail = "Tab cycles  Right accepts  ^R history" if hint and width >= 70 else ""
    room = width - len(tail) - 12
    spans: list[Span] = [Span("     ")]
    first = max(0, min(chosen - 2, len(offered) - 1)) if chosen > 2 else 0
    shown = 0
    for at in range(first, len(offered)):
        word = clip(clean(offered[at].rstrip().rsplit(" ", 1)[-1]), 40, look.glyphs.ellipsis)
        if width_of(tuple(spans)) + len(word) + 2 > room:
            break
        tone: Tone = "select" if at == chosen else "dim"
        spans.extend((Span(word, tone), Span("  ")))
        shown = at + 1
    if shown < len(offered):
        spans.append(Span(f"+{len(offered) - shown}", "dim"))
    gap = width - width_of(tuple(spans)) - len(tail) - 1
    return (*spans, Span(" " * gap), Span(tail, "dim")) if tail and gap > 0 else tuple(spans)
