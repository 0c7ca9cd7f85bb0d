"""What became of each mutant, kept from run to run, and survivors that were judged equivalent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from tests.mutants.generate import Mutant
from tests.mutants.scope import ROOT, STATE

RESULTS = STATE / "results.jsonl"
EQUIVALENT = Path(__file__).with_name("equivalent.yaml")
How = Literal["killed", "survived"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`tests` are the files that decided it, `tested` a digest of their texts: other tests, another question.

    A kill was decided by those that were asked, a survival by all of the package.
    """

    key: str
    how: str
    because: str
    tests: tuple[str, ...]
    tested: str

    @classmethod
    def of(cls, mutant: Mutant, how: How, because: str, tests: Collection[str]) -> Outcome:
        """Of the tests as they are now."""
        names = tuple(sorted(tests))
        return cls(mutant.key, how, because, names, digest_of_tests(names))

    def still_holds(self) -> bool:
        """A kill holds; a survivor is asked again once its tests have changed, or when none ran it."""
        return self.how == "killed" or (bool(self.tests) and self.tested == digest_of_tests(self.tests))


def digest_of_tests(names: Iterable[str]) -> str:
    """One digest of these files."""
    digest = hashlib.sha256()
    for name in names:
        path = ROOT / name
        digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()[:16]


def read_outcomes() -> dict[str, Outcome]:
    """The newest outcome of each mutant by key; a line that was cut off is left out."""
    found: dict[str, Outcome] = {}
    if RESULTS.exists():
        for line in RESULTS.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
                found[row["key"]] = Outcome(row["key"], row["how"], row["because"], tuple(row["tests"]), row["tested"])
            except (ValueError, KeyError):
                continue
    return found


def keep(outcome: Outcome) -> None:
    """Append an outcome."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    body = {name: getattr(outcome, name) for name in ("key", "how", "because", "tests", "tested")}
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(body) + "\n")


@dataclass(frozen=True, slots=True)
class Judged:
    """A change that no test can notice, and why."""

    path: str
    was: str
    now: str
    because: str


def read_judged() -> tuple[Judged, ...]:
    """Survivors that were judged equivalent: by the changed line before and after, whatever its number."""
    rows = yaml.safe_load(EQUIVALENT.read_text(encoding="utf-8")) or []
    return tuple(Judged(row["path"], row["was"], row["now"], row["because"]) for row in rows)
