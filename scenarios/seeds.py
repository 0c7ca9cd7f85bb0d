"""Seeds as people write them: `1-5`, `1,7,20-22`."""

from __future__ import annotations

import re

from reference_platform.errors import ContentError

SEEDS_MAX = 10_000


def parse_seeds(text: str) -> list[int]:
    """Ascending, each once. Raises ContentError."""
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})(?:-(\d{1,9}))?\s*", part)
        if match is None:
            raise ContentError(f'seeds: "{part}" is no seed', fix="for example 1-5 or 1,7,20-22")
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last < first + SEEDS_MAX:
            raise ContentError(f'seeds: "{part}" is no range', fix=f"the smaller first, at most {SEEDS_MAX} of them")
        found.update(range(first, last + 1))
    return sorted(found)
