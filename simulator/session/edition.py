"""Which edition of this program plays: two runs can only be compared event by event when it is the same one."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ("reference_platform", "simulator")
"""Folders whose sources decide what happens in a session."""


@cache
def edition(without: tuple[str, ...] = ()) -> str:
    """16 hex digits over every source that decides what happens in a session, but for those below `without`."""
    digest = hashlib.sha256()
    for name in SOURCES:
        for file in sorted((ROOT / name).rglob("*.py")):
            place = file.relative_to(ROOT).as_posix()
            if not place.startswith(without):
                digest.update(f"\0{place}\0".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
