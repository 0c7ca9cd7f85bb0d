"""Who may play: the responders that ship, by name, or anybody's script file."""

from __future__ import annotations

from pathlib import Path

from reference_platform.documents import load_file
from reference_platform.errors import ContentError, nearest
from scenarios.schema import PlayerScript
from simulator.players.scripts import RESPONDERS

BUILT_IN = tuple(RESPONDERS)


def load_player(ref: str) -> PlayerScript | None:
    """The script at path `ref`, or None when `ref` names a responder that ships. Raises ContentError otherwise."""
    if ref in BUILT_IN:
        return None
    path = Path(ref).expanduser()
    if path.suffix in (".yaml", ".yml") or path.exists():
        return load_file(path, PlayerScript)
    fix = f"{nearest(ref, BUILT_IN)}   or give the path of a script: PLAYER.yaml"
    raise ContentError(f'no player "{ref}"', fix=fix)
