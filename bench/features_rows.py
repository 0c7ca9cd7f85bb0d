"""Ours beside a peer's on the same work in one run: a table, or JSON lines with `--json`, and whether promises held."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One piece of work. `ours_s`, `peer_s`: seconds, medians of rounds that took turns.

    `peer` is empty when the work has no peer. Promises: `times_min`, the peer takes at least this many times as long;
    `ours_most_s`, we take at most this long. None: nothing is promised.
    """

    work: str
    ours_s: float
    peer: str = ""
    peer_s: float | None = None
    times_min: float | None = None
    ours_most_s: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times as long the peer takes."""
        return None if self.peer_s is None else self.peer_s / self.ours_s

    @property
    def promise(self) -> str:
        """What was promised, in words; empty for nothing."""
        if self.times_min is not None and self.peer_s is not None:
            return f"at least {self.times_min:g}x"
        return f"at most {self.ours_most_s * 1e3:g} ms" if self.ours_most_s is not None else ""

    @property
    def kept(self) -> bool:
        """Whether every promise of this row held."""
        slow = self.ours_most_s is not None and self.ours_s > self.ours_most_s
        behind = self.times_min is not None and self.ratio is not None and self.ratio < self.times_min
        return not slow and not behind

    def to_json(self) -> str:
        """One line."""
        return json.dumps(
            {
                "work": self.work,
                "ours_s": round(self.ours_s, 6),
                "peer": self.peer,
                "peer_s": None if self.peer_s is None else round(self.peer_s, 6),
                "ratio": None if self.ratio is None else round(self.ratio, 3),
                "promise": self.promise,
                "kept": self.kept,
            }
        )


def show_rows(rows: Sequence[Row]) -> int:
    """Print them all; 1 when a promise was broken, else 0."""
    if json_wanted():
        for row in rows:
            print(row.to_json())
    else:
        print(f"{'work':<44}{'ours':>11}  {'peer':<22}{'peer':>11}{'ratio':>9}")
        for row in rows:
            peer_s = "" if row.peer_s is None else f"{row.peer_s * 1e3:,.1f} ms"
            ratio = "" if row.ratio is None else f"{row.ratio:,.1f}x"
            word = ("ok" if row.kept else "FELL SHORT") if row.promise else ""
            print(f"{row.work:<44}{row.ours_s * 1e3:>8,.1f} ms  {row.peer:<22}{peer_s:>11}{ratio:>9}", end="")
            print(f"  {row.promise}  {word}".rstrip())
    return 0 if all(row.kept for row in rows) else 1


def skipped(peer: str, why: str) -> None:
    """Say that a peer was not measured."""
    print(f"skipped {peer}: {why}", file=sys.stderr if json_wanted() else sys.stdout)


def json_wanted() -> bool:
    """Whether the command line asks for one JSON object per line."""
    return "--json" in sys.argv[1:]


def median_s(rounds: Sequence[float]) -> float:
    """The median of one contestant's rounds."""
    return statistics.median(rounds)
