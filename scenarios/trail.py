"""A fingerprint that remembers where two event logs part, at four characters an event."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

CODE_CHARS = 4


def trail_of(lines: Iterable[str], after: str = "") -> str:
    """One code per line, each of which depends on its line and the code before; `after` is a trail to go on from."""
    codes: list[str] = []
    code = after[-CODE_CHARS:]
    for line in lines:
        code = blake2b(f"{code}{line}".encode(), digest_size=CODE_CHARS // 2).hexdigest()
        codes.append(code)
    return "".join(codes)


def first_difference(lines: Sequence[str], known: str) -> int | None:
    """The index of the first line that does not follow the trail `known`, or None.

    `len(lines)` when the known log went on after the last of them.
    """
    trail = trail_of(lines)
    for at in range(0, max(len(trail), len(known)), CODE_CHARS):
        if trail[at : at + CODE_CHARS] != known[at : at + CODE_CHARS]:
            return at // CODE_CHARS
    return None
