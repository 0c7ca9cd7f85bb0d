"""The library that ships with the program: scenarios by id, platform documents by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from reference_platform.documents import load_document, locate, read_text
from reference_platform.errors import ContentError, nearest

PLATFORMS_FOLDER = "platforms"
_SCHEMA_KEY = re.compile(r"^schema\s*:", re.MULTILINE)
_OTHER_KEY = re.compile(r"^(?:player|nodes|criteria)\s*:", re.MULTILINE)


class _Head(BaseModel):
    """Only what finding and listing need, so that a broken scenario hides none of the others."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    title: str = ""
    level: str = ""
    family: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A scenario of the library, not validated beyond what is listed here."""

    scenario_id: str
    title: str
    level: str
    family: str
    path: Path


def library_dir() -> Path:
    """Where the scenarios of this installation are."""
    return Path(str(resources.files("scenarios"))) / "library"


def entries(folder: Path | None = None) -> tuple[Entry, ...]:
    """All scenarios of the library in order of family and file. Raises ContentError when two have the same id."""
    return _scan(folder or library_dir())


@cache
def _scan(folder: Path) -> tuple[Entry, ...]:
    found: dict[str, Entry] = {}
    for path in sorted(folder.glob("*/*.yaml")):
        if path.parent.name == PLATFORMS_FOLDER:
            continue
        text = read_text(path)
        head = load_document(text, _Head, str(path))
        if head.id in found:
            what = f'id "{head.id}" is already used by {found[head.id].path}'
            raise ContentError(what, where=locate(text, str(path), ["id"]), fix="give one of them another id")
        found[head.id] = Entry(head.id, head.title, head.level, head.family, path)
    return tuple(found.values())


def scenario_files(folder: Path) -> list[Path]:
    """Files below `folder` that mean to be scenarios: neither platforms nor players nor rubrics."""
    files = [path for path in sorted(folder.rglob("*")) if path.suffix in (".yaml", ".yml") and path.is_file()]
    return [path for path in files if path.parent.name != PLATFORMS_FOLDER and not _something_else(path)]


def _something_else(path: Path) -> bool:
    try:
        text = read_text(path)
    except ContentError:
        return False
    return not _SCHEMA_KEY.search(text) and bool(_OTHER_KEY.search(text))


def find(ref: str) -> Path:
    """The file that `ref` names: an id of the library, or a path. Raises ContentError with the nearest id."""
    path = Path(ref).expanduser()
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1 or path.is_file():
        return path
    known = {entry.scenario_id: entry.path for entry in entries()}
    if ref in known:
        return known[ref]
    fix = f"{nearest(ref, known)}   list them: pagerdrill scenarios list"
    raise ContentError(f'no scenario "{ref}"', fix=fix)


def platforms(folder: Path | None = None) -> dict[str, Path]:
    """Platform documents of the library by name."""
    return {path.stem: path for path in sorted(((folder or library_dir()) / PLATFORMS_FOLDER).glob("*.yaml"))}
