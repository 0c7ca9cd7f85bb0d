"""Keeps what is needed to understand our own failures."""

from __future__ import annotations

import platform
import sys
import traceback
from importlib.metadata import PackageNotFoundError, version

from reference_platform.errors import ConfigError
from tui.places import data_dir, writable


def save_report(error: BaseException) -> str:
    """Writes a report of `error` and returns the sentence that says where; falls back to the report itself."""
    report = _report(error)
    try:
        folder = writable(data_dir() / "crashes")
        number = 1 + sum(1 for _ in folder.glob("crash-*.txt"))
        path = folder / f"crash-{number:03d}.txt"
        path.write_text(report, encoding="utf-8")
    except (ConfigError, OSError):
        return report
    return f"  saved: {path}\n  your run is kept; list it with: pagerdrill runs"


def _report(error: BaseException) -> str:
    try:
        release = version("pagerdrill")
    except PackageNotFoundError:
        release = "not installed"
    head = f"pagerdrill {release}, Python {platform.python_version()}, {platform.platform()}\ncommand: {sys.argv[1:]}\n"
    return head + "".join(traceback.format_exception(error))
