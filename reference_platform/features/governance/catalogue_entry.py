"""One thing in the catalogue, and how well a word fits it."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing in the catalogue. Texts are empty where nothing is declared; `ttl` and `sla` read as `2h`."""

    kind: str
    name: str
    owner: str = ""
    description: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    dtype: str = ""
    unit: str = ""
    pii: str = ""
    ttl: str = ""
    sla: str = ""
    source: str = ""
    entities: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    models: tuple[str, ...] = ()

    def matches(self, word: str) -> int:
        """How well one word fits: the whole name, the start of a part of it, within it, a tag, anything else; 0 not."""
        name = self.name.casefold()
        if word in (name, name.partition(":")[2]):
            return 16
        if any(part.startswith(word) for part in _parts(name)):
            return 8
        if word in name:
            return 4
        if any(word in f"{key}={value}".casefold() for key, value in self.tags):
            return 2
        rest = (self.description, self.owner, self.kind, self.dtype, self.unit, self.pii, self.source, *self.models)
        return int(any(word in text.casefold() for text in rest))


def _parts(name: str) -> list[str]:
    return re.split(r"[\W_]+", name)
