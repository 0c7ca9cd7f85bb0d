"""How things are drawn: glyph sets and the choices a user makes once per run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

GlyphName = Literal["block", "braille", "ascii"]


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Characters by role. `levels` run from empty to full."""

    name: GlyphName
    levels: str
    rule: str
    tree_mid: str
    tree_last: str
    tree_pass: str
    ellipsis: str
    bar: str
    full: str
    empty: str
    limit: str
    axis: str
    tick: str


_BLOCK = Glyphs("block", " ▁▂▃▄▅▆▇█", "─", "├─ ", "└─ ", "│  ", "…", "│", "█", "░", "╌", "─", "┴")
_BRAILLE = Glyphs("braille", " ▁▂▃▄▅▆▇█", "─", "├─ ", "└─ ", "│  ", "…", "│", "█", "░", "╌", "─", "┴")
_ASCII = Glyphs("ascii", " _.-=+*#", "-", "|- ", "`- ", "|  ", "~", "|", "#", ".", "-", "-", "+")

GLYPHS: dict[GlyphName, Glyphs] = {"block": _BLOCK, "braille": _BRAILLE, "ascii": _ASCII}


@dataclass(frozen=True, slots=True)
class Look:
    """A user's choices. `motion` allows a blinking cursor and animation; nothing else moves on its own."""

    glyphs: Glyphs = _BLOCK
    motion: bool = False
    theme: str = "pagerdrill"

    @property
    def ascii(self) -> bool:
        return self.glyphs.name == "ascii"


def look_of(glyphs: GlyphName = "block", *, motion: bool = False, theme: str = "pagerdrill") -> Look:
    """A Look by the names used on the command line."""
    return Look(GLYPHS[glyphs], motion, theme)
