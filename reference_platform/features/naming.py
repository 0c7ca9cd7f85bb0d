"""Names of feature objects: what is allowed, and what a reference such as `view:feature` means."""

from __future__ import annotations

import re
from typing import NamedTuple

from reference_platform.errors import ContentError

NAME_CHARACTERS_MAX = 120
NAME_BYTES_MAX = 200
"""A view is a folder, and a folder's name has 255 bytes."""
_NAME = re.compile(r"[^\W\d][\w\-. ]*", re.UNICODE)


def checked_name(name: str, what: str) -> str:
    """`name` if it may name a `what`. Raises ContentError otherwise."""
    if not _is_name(name):
        raise ContentError(
            f"{str(name)[:60]!r} cannot name a {what}",
            fix=f"begin with a letter or _, then letters, digits, _ - . or spaces, at most {NAME_CHARACTERS_MAX}",
        )
    if "__" in name and what != "feature":
        raise ContentError(f'"{name}" contains "__", which separates view and feature', fix="use a single _")
    return name


def _is_name(name: object) -> bool:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return False
    return len(name) <= NAME_CHARACTERS_MAX and len(name.encode()) <= NAME_BYTES_MAX


class Reference(NamedTuple):
    """`view:feature`. `version` stays None unless the reference says `view@v2:feature`."""

    view: str
    feature: str
    version: int | None = None


def parse_reference(text: str) -> Reference:
    """What `view:feature` names. Raises ContentError when it is not of that form."""
    view, colon, feature = text.partition(":")
    view, at, version = view.partition("@v")
    if not colon or not view or not feature or ":" in feature or (at and not version.isdecimal()):
        raise ContentError(f"{text[:80]!r} is not a feature reference", fix='write "view:feature"')
    return Reference(view, feature, int(version) if at else None)
