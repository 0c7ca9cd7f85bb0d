"""The user's own editor on a text: what $VISUAL or $EDITOR names, on a file that stays until its text is taken."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reference_platform.errors import ConfigError, ContentError, PagerDrillError

if TYPE_CHECKING:
    from tui.present.session_port import SessionPort


def draft_path(run_path: str) -> Path:
    """Where the post-mortem of a run lies while it is edited: beside its run file."""
    if run_path and Path(run_path).parent.is_dir():
        return Path(run_path).with_suffix(".postmortem.md")
    return Path(tempfile.gettempdir()) / "pagerdrill.postmortem.md"


def edit_text(text: str, path: Path, environ: Mapping[str, str] = os.environ) -> str:
    """`text` as the user left it. A file that an earlier edit left at `path` is gone on with; nothing is lost.

    Raises ConfigError when there is no editor, or when it fails; the file then stays.
    """
    words = shlex.split(environ.get("VISUAL") or environ.get("EDITOR") or "")
    if not words:
        raise ConfigError("no editor is set", fix="set EDITOR, such as: export EDITOR=nano")
    try:
        if not path.exists():
            path.write_text(text, encoding="utf-8")
        code = subprocess.run([*words, str(path)], check=False).returncode
        edited = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigError(f"{words[0]} does not start: {error.strerror}", where=str(path), fix="set EDITOR") from None
    if code:
        raise ConfigError(f"{words[0]} ended with {code}", where=str(path), fix="your text is there; edit again")
    return edited


def edit_outside(session: SessionPort, run_path: str, environ: Mapping[str, str] = os.environ) -> str:
    """Edit the session's draft and enter what changed. Returns what to tell; what cannot be read stays as a file."""
    from simulator.incident.postmortem import saving_lines

    path, before = draft_path(run_path), session.draft()
    try:
        lines = saving_lines(before, edit_text(before, path, environ))
        for line in lines:
            result = session.submit(line)
            if result.exit:
                raise ContentError(result.text, where=str(path))
    except PagerDrillError as error:
        return f"{error}\nnothing is lost: {path}; edit again to go on" if path.exists() else str(error)
    path.unlink(missing_ok=True)
    return f"saved: {len(lines)} section(s); file it with: postmortem file" if lines else "nothing was changed"
