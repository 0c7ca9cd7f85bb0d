"""Where a user's runs and crash reports are kept."""

from __future__ import annotations

import os
from pathlib import Path

from reference_platform.errors import ConfigError

DATA_VARIABLE = "PAGERDRILL_DATA_DIR"


def data_dir() -> Path:
    """The folder of everything a user makes; it need not exist."""
    chosen = os.environ.get(DATA_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    from platformdirs import user_data_path

    return user_data_path("pagerdrill")


def runs_dir() -> Path:
    """The folder of run files; it need not exist."""
    return data_dir() / "runs"


def writable(folder: Path) -> Path:
    """`folder`, made if absent and known to take files. Raises ConfigError naming the way round."""
    probe = folder / ".probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        fix = f"make it writable, or choose another folder: {DATA_VARIABLE}=/some/folder pagerdrill ..."
        raise ConfigError(
            "runs cannot be saved here", where=str(folder), why=error.strerror or str(error), fix=fix
        ) from None
    return folder


def new_run_path(scenario_id: str, seed: int) -> Path:
    """A run file that does not exist yet, numbered after those there. Raises ConfigError when none can be written."""
    folder = writable(runs_dir())
    stem = f"{scenario_id}-s{seed}"
    number = 1
    while (path := folder / f"{stem}-{number:03d}.jsonl").exists():
        number += 1
    return path
