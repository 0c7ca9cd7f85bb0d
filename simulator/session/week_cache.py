"""Recorded weeks on disk: made once for each platform, read by the names a rule asks for.

A week is found by everything that could change it: the platform's document but for its alert rules, the image, and the
edition of this program. A file that is damaged, or a folder that takes none, only costs the time to record it again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from reference_platform.monitoring.series import SeriesStore
from simulator.drill.spec import DrillSpec
from simulator.image.cache import images_dir
from simulator.image.image import Image
from simulator.session.edition import edition
from simulator.session.healthy_week import Key, Progress, Week, record

WEEKS_KEPT = 12
UNINVOLVED = ("reference_platform/live/", "simulator/faults/", "simulator/players/", "simulator/shell/")
"""Sources that have no part in a week in which nothing is wrong and nobody types."""
INDEX, TIMES = "index", "times"
DAMAGE = (
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading something else than a whole week may raise."""


def healthy_store(drill: DrillSpec, image: Image, names: Sequence[str], on_progress: Progress) -> SeriesStore:
    """The series of those names over a healthy week of the drill's platform; recorded first where there is none yet."""
    path = weeks_dir() / f"{week_id(drill, image)}.npz"
    with contextlib.suppress(*DAMAGE):
        return _read(path, names).store(names)
    with _only_recorder(path, on_progress):
        with contextlib.suppress(*DAMAGE):
            return _read(path, names).store(names)
        week = record(drill, image, on_progress)
        with contextlib.suppress(OSError):
            _write(path, week)
    return week.store(names)


def weeks_dir() -> Path:
    """The folder of all weeks; it need not exist."""
    return images_dir().parent / "weeks"


def week_id(drill: DrillSpec, image: Image) -> str:
    """16 hex digits; the same for the same platform, image and edition of this program."""
    platform = drill.platform.model_dump(mode="json", exclude={"alerts", "name", "description"})
    body = json.dumps([platform, image.content, edition(UNINVOLVED), np.__version__], sort_keys=True)
    return hashlib.sha256(body.encode()).hexdigest()[:16]


@contextmanager
def _only_recorder(path: Path, on_progress: Progress) -> Iterator[None]:
    """Be the only process that records this week; without a folder to say so in, record regardless."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.with_suffix(".lock").open("wb")
    except OSError:
        yield
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_progress(0.0, "another program records a healthy week of this platform")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write(path: Path, week: Week) -> None:
    names: dict[str, list[Key]] = {}
    for key in week.series:
        names.setdefault(key[0], []).append(key)
    arrays: dict[str, np.ndarray] = {}
    index: dict[str, list[dict[str, str]]] = {}
    for name, keys in names.items():
        index[name] = [dict(labels) for _, labels in keys]
        arrays[f"week/{name}"] = np.stack([week.series[key] for key in keys])
        for number, key in enumerate(keys):
            if key in week.before:
                arrays[f"before/{name}/{number}"] = np.stack(week.before[key])
    arrays[TIMES] = week.times_s
    arrays[INDEX] = np.frombuffer(json.dumps(index).encode(), dtype=np.uint8)
    fresh = path.with_suffix(f".{os.getpid()}.new")
    try:
        with fresh.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    _prune(path)


def _prune(used: Path) -> None:
    """Keep the weeks recorded last."""
    others = sorted(used.parent.glob("*.npz"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for stale in others[WEEKS_KEPT:]:
        stale.unlink(missing_ok=True)
        stale.with_suffix(".lock").unlink(missing_ok=True)


def _read(path: Path, names: Sequence[str]) -> Week:
    """The series of those names. Raises one of DAMAGE when there is no such week, or not a whole one."""
    series: dict[Key, np.ndarray] = {}
    before: dict[Key, tuple[np.ndarray, np.ndarray]] = {}
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        index = json.loads(stored[INDEX].tobytes())
        for name in sorted(set(names) & set(index)):
            rows = stored[f"week/{name}"]
            for number, labels in enumerate(index[name]):
                key = name, tuple(sorted(labels.items()))
                series[key] = rows[number]
                if f"before/{name}/{number}" in stored.files:
                    times_s, values = stored[f"before/{name}/{number}"]
                    before[key] = times_s, values
        times_s = stored[TIMES]
    return Week(times_s, series, before)
