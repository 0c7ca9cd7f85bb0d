"""What a materialisation has done so far, kept in one small file per view that is only ever replaced as a whole."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from reference_platform.errors import ConfigError

Kind = Literal["range", "incremental"]
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of a source: `read` from it, `taken` because they were asked for, `written` because they won in the store.

    `late`: taken although their event lies at or before the watermark of the run. `unusable`: without a key or an event
    time. `never_known`: left out of an incremental run because nothing says when they arrived.
    """

    read: int = 0
    taken: int = 0
    written: int = 0
    late: int = 0
    unusable: int = 0
    never_known: int = 0

    def __add__(self, other: Counts) -> Counts:
        mine, theirs = asdict(self), asdict(other)
        return Counts(**{name: mine[name] + theirs[name] for name in mine})


@dataclass(frozen=True, slots=True)
class Progress:
    """One run. Rows of the source before number `position` are done, of `rows`; instants in UTC microseconds.

    A "range" takes rows whose event lies in start_us .. end_us, both included. "incremental" takes rows that became
    known after `start_us` and not after `end_us`; `watermark_us` is where the store stood before it.
    """

    view: str
    kind: Kind
    start_us: int
    end_us: int
    watermark_us: int
    source_sha256: str
    rows: int
    position: int = 0
    done: bool = False
    counts: Counts = Counts()

    @property
    def ratio(self) -> float:
        """How much of the source is done, 0..1."""
        return 1.0 if self.done or not self.rows else self.position / self.rows

    def same_request(self, other: Progress) -> bool:
        """Whether both were asked to do the same to the same data."""
        start = replace(self, position=0, done=False, counts=Counts())
        return start == replace(other, position=0, done=False, counts=Counts())


@dataclass(frozen=True, slots=True)
class Kept:
    """What the file of a view holds: the run that is not finished, if any, and the counts of all that are."""

    unfinished: Progress | None = None
    finished_runs: int = 0
    finished: Counts = Counts()


class ProgressFolder:
    """The files, `<folder>/<view>.json`. A crash leaves the old or the new content, never a part."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, view: str) -> Path:
        return self._folder / f"{view}.json"

    def load(self, view: str) -> Kept:
        """What is known of `view`. Raises ConfigError when the file was damaged by somebody else."""
        path = self._path(view)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return Kept()
        try:
            raw = json.loads(data)
            if raw["version"] != _VERSION:
                raise ValueError(f"version {raw['version']}")
            run = raw["unfinished"]
            unfinished = None if run is None else Progress(**{**run, "counts": Counts(**run["counts"])})
            return Kept(unfinished, int(raw["finished_runs"]), Counts(**raw["finished"]))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ConfigError(
                f"{path} is damaged", why=str(error)[:200],
                fix="delete it; the next run starts from the watermark and ends in the same state",
            ) from error  # fmt: skip

    def save(self, view: str, kept: Kept) -> None:
        """Replace what is known of `view`; on disk when this returns."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(view)
        fresh = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
        with fresh.open("w", encoding="utf-8") as stream:
            json.dump({"version": _VERSION, **asdict(kept)}, stream)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)

    def drop(self, view: str) -> None:
        """Forget `view`."""
        self._path(view).unlink(missing_ok=True)
