"""Finished plays on disk, so that an interrupted regression goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from pydantic import TypeAdapter

from reference_platform.errors import ConfigError
from scenarios.regress import Key, Play
from scenarios.regress_report import Change
from simulator.image.import_graph import ROOT

PACKAGES = ("reference_platform", "simulator", "rubrics", "scenarios")


def program_digest() -> str:
    """The same while no source file and no document of the program changes."""
    digest = sha256()
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            if path.suffix in (".py", ".yaml"):
                digest.update(f"\0{path.relative_to(ROOT).as_posix()}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class _Line:
    play: Play
    change: Change | None


_LINE = TypeAdapter(_Line)


class Journal:
    """One line per finished play. What was kept for another `identity` is never read."""

    def __init__(self, path: Path, identity: str) -> None:
        """`path` need not exist. Raises ConfigError when it cannot be written."""
        self.path = path
        self._identity = identity
        self.kept = dict(self._read())
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = path.open("w", encoding="utf-8")
        except OSError as error:
            why = error.strerror or str(error)
            raise ConfigError(
                "results cannot be kept here", where=str(path), why=why, fix="free it, or check it"
            ) from None
        self._stream.write(json.dumps({"identity": identity}) + "\n")
        for play, change in self.kept.values():
            self.keep(play, change)

    def keep(self, play: Play, change: Change | None) -> None:
        """Write down a finished play; one that stopped is tried again."""
        if not play.failed:
            body = {"play": asdict(play), "change": None if change is None else asdict(change)}
            self._stream.write(json.dumps(body) + "\n")
            self._stream.flush()

    def forget(self) -> None:
        """Everything is done: remove the file."""
        self._stream.close()
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Leave the file for another time."""
        self._stream.close()

    def _read(self) -> Iterator[tuple[Key, tuple[Play, Change | None]]]:
        try:
            lines = self.path.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError):
            return
        try:
            if json.loads(lines[0]) != {"identity": self._identity}:
                return
            for line in lines[1:-1]:  # what follows the last line end was cut off
                kept = _LINE.validate_json(line)
                yield kept.play.key, (kept.play, kept.change)
        except (ValueError, RecursionError):
            return
