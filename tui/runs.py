"""The run files of a user, as far as a list of them needs to know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reference_platform.errors import ContentError, nearest
from tui.places import runs_dir

_TAIL_BYTES = 65536


@dataclass(frozen=True, slots=True)
class RunEntry:
    """One run file. `verdict` is "" while the run is unfinished."""

    path: Path
    scenario_id: str
    seed: int
    player: str
    mode: str
    finished: bool
    verdict: str
    score: float | None
    changed_at_s: float


def list_runs(folder: Path | None = None) -> list[RunEntry]:
    """Every readable run, newest first. Files that are no runs are passed over."""
    files = [path for path in (folder or runs_dir()).glob("*.jsonl") if path.is_file()]
    found = [entry for path in files if (entry := _read(path)) is not None]
    return sorted(found, key=lambda entry: (-entry.changed_at_s, entry.path.name))


def find_run(ref: str) -> Path:
    """The run file that `ref` names: a path, or the name of a run in the user's folder. Raises ContentError."""
    path = Path(ref).expanduser()
    if path.is_file():
        return path
    kept = {entry.path.stem: entry.path for entry in list_runs()}
    if ref in kept:
        return kept[ref]
    fix = f"{nearest(ref, kept)}   list them: pagerdrill runs" if kept else "play one first: pagerdrill practice"
    raise ContentError(f'no run "{ref}"', fix=fix)


def _read(path: Path) -> RunEntry | None:
    try:
        with path.open("rb") as stream:
            header = _record(stream.readline(), "header")
            stream.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            footer = _record(stream.read().rstrip(b"\n").rpartition(b"\n")[2], "footer")
        changed_at_s = path.stat().st_mtime
    except OSError:
        return None
    if header is None:
        return None
    seed = header.get("seed")
    verdict = footer.get("verdict", "") if footer else ""
    score = footer.get("score") if footer else None
    return RunEntry(
        path=path,
        scenario_id=str(header.get("scenario", "?")),
        seed=seed if isinstance(seed, int) else 0,
        player=str(header.get("player", "?")),
        mode=str(header.get("mode", "?")),
        finished=footer is not None,
        verdict=str(verdict),
        score=float(score) if isinstance(score, int | float) else None,
        changed_at_s=changed_at_s,
    )


def _record(line: bytes, kind: str) -> Mapping[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    record = value.get(kind) if isinstance(value, dict) else None
    return record if isinstance(record, dict) else None
