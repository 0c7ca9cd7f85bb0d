"""The run files of a user: listed, found by name, and what is known about whether they can be trusted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from reference_platform.errors import ConfigError, ContentError, nearest
from tui.judged import Check, Judged, Memory, judge, stat_of
from tui.places import data_dir, expanded, runs_dir

SUFFIX = ".jsonl"
SHOWN_AFTER_S = 1.0
"""A list that takes longer than this tells how far it is."""
OTHER_DRILL = "another drill under this id"
Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class RunEntry:
    """One run file. Verdict and score are of this program, from the file's events; "" and None unless finished."""

    path: Path
    judged: Judged
    check: Check | None
    """What the last replay found; None when there was none."""
    changed_at_s: float

    @property
    def scenario_id(self) -> str:
        return self.judged.scenario_id

    @property
    def finished(self) -> bool:
        return self.judged.state == "finished"

    @property
    def unfinished(self) -> bool:
        return self.judged.state == "unfinished"

    @property
    def damaged(self) -> bool:
        """Edited, cut or never a run: what it holds does not fit together."""
        return self.judged.state == "damaged"

    @property
    def contradicted(self) -> bool:
        return self.check == "contradicted"

    @property
    def verdict(self) -> str:
        return "" if self.contradicted else self.judged.verdict

    @property
    def score(self) -> float | None:
        return None if self.contradicted else self.judged.score

    @property
    def own(self) -> bool:
        """Whether it says that a person played a drill of the library to its end, and no replay contradicts that."""
        judged = self.judged
        alone = judged.kind == "person" and not judged.forked_from
        return self.finished and alone and judged.origin == "library" and not self.contradicted

    @property
    def counts(self) -> bool:
        """Whether it may stand in a list of the best: a person's own, known to follow from its commands."""
        return self.own and self.check is not None

    @property
    def player(self) -> str:
        """Who played, and whether that was a script."""
        return f"{self.judged.player} (script)" if self.judged.kind == "script" else self.judged.player

    @property
    def standing(self) -> str:
        """What a reader must know before believing the outcome."""
        said = []
        if self.damaged:
            return f"damaged: {self.judged.problem}"
        if self.contradicted:
            said.append("does not follow from its commands")
        elif self.finished:
            said.append(self.check or "not verified")
        if self.judged.origin == "altered":
            said.append(OTHER_DRILL)
        if self.judged.forked_from:
            said.append(f"fork of {self.judged.forked_from}")
        return ", ".join(said)


def list_runs(folder: Path | None = None, on_progress: Progress | None = None) -> list[RunEntry]:
    """Every run, newest first; files that are no runs are passed over.

    Raises ConfigError when the folder is there but cannot be read.
    """
    return entries_of(run_files(folder), on_progress)


def entries_of(paths: Iterable[Path], on_progress: Progress | None = None) -> list[RunEntry]:
    """The runs among `paths`, newest first."""
    files = list(paths)
    memory = Memory(data_dir())
    begun_s = time.monotonic()
    found = []
    for index, path in enumerate(files):
        if on_progress is not None and time.monotonic() - begun_s > SHOWN_AFTER_S:
            on_progress(index / len(files), "reading and scoring your runs")
        entry = _entry(path, memory)
        if entry is not None:
            found.append(entry)
    memory.save()
    return sorted(found, key=lambda entry: (-entry.changed_at_s, entry.path.name))


def run_files(folder: Path | None = None) -> list[Path]:
    """The files of a folder that are named as runs are; () when there is no folder."""
    place = folder or runs_dir()
    try:
        return sorted(path for path in place.iterdir() if path.suffix == SUFFIX and _is_file(path))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        fix = "make it readable, or choose another folder: PAGERDRILL_DATA_DIR=/some/folder pagerdrill ..."
        raise ConfigError("your runs cannot be listed", where=str(place), why=why, fix=fix) from None


def find_run(ref: str) -> Path:
    """The run file that `ref` names: a path, or the name of a run in the user's folder. Raises ContentError."""
    path = expanded(ref)
    if _is_file(path):
        return path
    kept = {file.stem: file for file in run_files()}
    if ref in kept:
        return kept[ref]
    fix = f"{nearest(ref[:200], kept)}   list them: pagerdrill runs" if kept else "play one first: pagerdrill practice"
    raise ContentError(f'no run "{ref[:200]}"', fix=fix)


def remember_check(content: str, check: Check) -> None:
    """Keep what a replay of the file with that content has found."""
    memory = Memory(data_dir())
    memory.keep_check(content, check)
    memory.save()


def _entry(path: Path, memory: Memory) -> RunEntry | None:
    stat = stat_of(path)
    if stat is None:
        return None
    judged = memory.outcome(path)
    if judged is None:
        judged = judge(path)
        if judged is None:
            return None
        memory.keep(path, judged, stat)
    return RunEntry(path, judged, memory.check(judged.content), stat[1] / 1e9)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
