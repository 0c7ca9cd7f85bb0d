"""Who may play: the responders that ship, by name, or anybody's script file, with what each ought to get."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reference_platform.documents import load_document, locate, read_text
from reference_platform.errors import ContentError, nearest
from rubrics.findings import Band
from scenarios.schema import BANDS, PlayerScript
from simulator.drill.spec import DrillSpec, Step
from simulator.players.scripts import RESPONDERS

BUILT_IN = tuple(RESPONDERS)
SHIPPED = "shipped"
"""Names all of them."""
DRILL_SEPARATOR = "--"
"""`DRILL--name.yaml` is a player for that drill alone."""
_EXPECTED = re.compile(r"#\s*expected\s*:\s*(.*?)\s*$")


@dataclass(frozen=True, slots=True)
class Responder:
    """Somebody who plays. `drill` is the only drill they are for, or ""; `expected` is what they ought to get."""

    name: str
    drill: str
    expected: Band | None
    script: PlayerScript | None
    """None for a responder that ships, who adapts to the drill."""
    source: str = ""

    def steps(self, drill: DrillSpec) -> tuple[Step, ...]:
        """What they type on that drill; () for the expert of a drill that has none."""
        if self.script is None:
            return RESPONDERS[self.name](drill)
        return tuple(Step(item.command, item.wait) for item in self.script.steps)

    def plays(self, drill: DrillSpec) -> bool:
        """Whether they are for that drill."""
        return self.drill in ("", drill.scenario_id) and (self.name != "expert" or bool(drill.expert))


def load_player(ref: str) -> PlayerScript | None:
    """The script at path `ref`, or None when `ref` names a responder that ships. Raises ContentError otherwise."""
    if ref in BUILT_IN:
        return None
    path = Path(ref).expanduser()
    if path.suffix in (".yaml", ".yml") or path.exists():
        return load_responder(path).script
    fix = f"{nearest(ref, BUILT_IN)}   or give the path of a script: PLAYER.yaml"
    raise ContentError(f'no player "{ref}"', fix=fix)


def load_responders(refs: Iterable[str]) -> tuple[Responder, ...]:
    """Everybody that `refs` name: folders, files, responders that ship, or "shipped" for all of those.

    Raises ContentError for a wrong file, an empty folder, and two players of one drill with one name.
    """
    found: list[Responder] = []
    for ref in refs:
        if ref == SHIPPED:
            found += [shipped(name) for name in BUILT_IN]
        elif ref in BUILT_IN:
            found.append(shipped(ref))
        else:
            found += [load_responder(path) for path in _files(ref)]
    _check_names(found)
    return tuple(found)


def shipped(name: str) -> Responder:
    """The responder that ships under that name."""
    return Responder(name, "", "strong" if name == "expert" else "no", None)


def load_responder(path: Path) -> Responder:
    """The player in a file. Drill and expected band come from the document, the file's name or its first line."""
    text, source = read_text(path), str(path)
    script = load_document(text, PlayerScript, source)
    head, separator, _ = path.stem.partition(DRILL_SEPARATOR)
    drill = head if separator else ""
    if script.drill and drill and script.drill != drill:
        why = f"the file's name says {drill}"
        raise ContentError(
            f'this player is for "{script.drill}"',
            where=locate(text, source, ["drill"]),
            why=why,
            fix="make them agree",
        )
    commented = _commented_band(text, source)
    if script.expected and commented and script.expected != commented:
        where = locate(text, source, ["expected"])
        why = f"the first line says {commented}"
        raise ContentError(f'expected is "{script.expected}"', where=where, why=why, fix="make them agree")
    return Responder(script.player, script.drill or drill, script.expected or commented, script, source)


def _commented_band(text: str, source: str) -> Band | None:
    found = _EXPECTED.match(text.partition("\n")[0])
    if found is None:
        return None
    for band in BANDS:
        if found[1] == band:
            return band
    where = f"{source}:1:{found.start(1) + 1}"
    raise ContentError(f'"{found[1]}" is no verdict', where=where, fix=nearest(found[1], BANDS))


def _files(ref: str) -> Sequence[Path]:
    path = Path(ref).expanduser()
    if path.is_dir():
        files = sorted(item for item in path.rglob("*") if item.suffix in (".yaml", ".yml") and item.is_file())
        if not files:
            raise ContentError("no player in this folder", where=str(path), fix="players are files *.yaml")
        return files
    if path.suffix in (".yaml", ".yml") or path.exists():
        return [path]
    fix = f"{nearest(ref, (*BUILT_IN, SHIPPED))}   or give a script PLAYER.yaml or a folder of them"
    raise ContentError(f'no player "{ref}"', fix=fix)


def _check_names(found: Iterable[Responder]) -> None:
    seen: dict[str, list[Responder]] = {}
    for item in found:
        for other in seen.setdefault(item.name, []):
            if "" in (item.drill, other.drill) or item.drill == other.drill:
                what = f'player "{item.name}" is already {other.source or "a responder that ships"}'
                raise ContentError(what, where=item.source or item.name, fix="give one of them another name")
        seen[item.name].append(item)
