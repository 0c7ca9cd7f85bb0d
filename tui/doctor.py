"""What a machine needs for playing, checked one by one."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from reference_platform.errors import PagerDrillError
from tui.places import runs_dir, writable

PACKAGES = ("numpy", "scipy", "simpy", "numba", "pyarrow", "textual", "pydantic", "PyYAML", "typer")
TRAINING_PACKAGES = ("torch", "mlflow")
"""Absent on most machines: nobody needs them for playing."""
COLUMNS_MIN, LINES_MIN = 80, 24
DISK_FREE_BYTES_MIN = 1 << 30

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one check; `fix` is "" when there is nothing to do."""

    name: str
    state: State
    text: str
    fix: str = ""


def examine() -> list[Check]:
    """Every check, in the order in which to mend things."""
    return [check() for check in _CHECKS]


def _python() -> Check:
    text = ".".join(map(str, sys.version_info[:3]))
    return Check("python", "ok", text)


def _packages() -> Check:
    missing = [name for name in PACKAGES if not _installed(name)]
    if missing:
        return Check("packages", "fail", f"missing: {', '.join(missing)}", "install them: make practice")
    training = [f"{name} {_installed(name)}" for name in TRAINING_PACKAGES if _installed(name)]
    return Check("packages", "ok", f"{len(PACKAGES)} present, {' and '.join(training) or 'none'} for training")


def _installed(name: str) -> str:
    """The version of a package, "" if it is absent."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _runs() -> Check:
    try:
        return Check("runs folder", "ok", str(writable(runs_dir())))
    except PagerDrillError as error:
        return Check("runs folder", "fail", f"{error.where}: {error.what}", error.fix)


def _cache() -> Check:
    from tui import platform_image

    folder = platform_image.cache_dir()
    try:
        return Check("cache folder", "ok", str(writable(folder)))
    except PagerDrillError as error:
        fix = "make it writable, or choose another folder: PAGERDRILL_CACHE_DIR=/some/folder pagerdrill ..."
        return Check("cache folder", "fail", f"{error.where}: cannot be written", fix)


def _image() -> Check:
    from tui import platform_image

    try:
        return Check("platform", "ok", f"{platform_image.prepare_image().content} is intact")
    except PagerDrillError as error:
        return Check("platform", "fail", f"{error.where}: {error.why}", error.fix)


def _disk() -> Check:
    from tui import platform_image

    folder = platform_image.cache_dir()
    while not folder.exists():
        folder = folder.parent
    free_bytes = shutil.disk_usage(folder).free
    text = f"{free_bytes / (1 << 30):.1f} GiB free at {folder}"
    if free_bytes < DISK_FREE_BYTES_MIN:
        return Check("disk", "fail", text, f"free {DISK_FREE_BYTES_MIN >> 30} GiB")
    return Check("disk", "ok", text)


def _terminal() -> Check:
    if not sys.stdout.isatty():
        return Check("terminal", "warn", "stdout is no terminal", "the incident room needs one; --plain does not")
    size = shutil.get_terminal_size()
    text = f"{size.columns}x{size.lines}, TERM={os.environ.get('TERM', '')}"
    if size.columns < COLUMNS_MIN or size.lines < LINES_MIN:
        return Check("terminal", "warn", text, f"enlarge it to {COLUMNS_MIN}x{LINES_MIN}, or use --plain")
    return Check("terminal", "ok", text)


def _letters() -> Check:
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    if encoding != "utf8":
        return Check("letters", "warn", f"encoding {encoding or 'unknown'}", "use --ascii, or a UTF-8 locale")
    return Check("letters", "ok", "UTF-8")


_CHECKS: tuple[Callable[[], Check], ...] = (_python, _packages, _runs, _cache, _disk, _image, _terminal, _letters)
