"""Where a user's runs and crash reports are kept."""

from __future__ import annotations

import itertools
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reference_platform.errors import ConfigError

if TYPE_CHECKING:
    from simulator.session.runfile import RunWriter

DATA_VARIABLE = "PAGERDRILL_DATA_DIR"
STEM_MAX = 80

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]+")


def data_dir() -> Path:
    """The folder of everything a user makes; it need not exist."""
    chosen = os.environ.get(DATA_VARIABLE)
    if chosen:
        return expanded(chosen)
    from platformdirs import user_data_path

    return user_data_path("pagerdrill")


def runs_dir() -> Path:
    """The folder of run files; it need not exist."""
    return data_dir() / "runs"


def expanded(text: str) -> Path:
    """`text` as a path, with ~ for a home folder where there is one."""
    path = Path(text)
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def writable(folder: Path) -> Path:
    """`folder`, made if absent and known to take files. Raises ConfigError naming the way round."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix=".probe-"):
            pass
    except (OSError, ValueError) as error:
        fix = f"make it writable, or choose another folder: {DATA_VARIABLE}=/some/folder pagerdrill ..."
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError("runs cannot be saved here", where=str(folder), why=why, fix=fix) from None
    return folder


class NewRun:
    """A run file to come. `path` is where it will be, and final once `create` has made it."""

    def __init__(self, folder: Path, stem: str) -> None:
        """Its name is `stem` and the first number that is free when it is made."""
        self._paths = (folder / f"{stem}-{number:03d}.jsonl" for number in itertools.count(1))
        self.path = next(path for path in self._paths if not _taken(path))

    def create(self, header: Mapping[str, Any]) -> RunWriter:
        """Make the file. Of several programs that want one name, each gets a name of its own."""
        from simulator.session.runfile import RunExistsError, RunWriter

        while True:
            try:
                return RunWriter.create(self.path, header)
            except RunExistsError:
                self.path = next(self._paths)


def _taken(path: Path) -> bool:
    """Whether anything has that name, be it a link to nowhere."""
    return os.path.lexists(path)


def new_run(scenario_id: str, seed: int) -> NewRun:
    """A run file numbered after those there. Raises ConfigError when none can be written."""
    stem = _NOT_IN_NAMES.sub("-", f"{scenario_id[:STEM_MAX]}-s{seed}")
    return NewRun(writable(runs_dir()), stem)
