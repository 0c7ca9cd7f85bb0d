"""What `features` commands take: instants, keys, and the names that complete them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reference_platform.errors import CommandError


def instant_of(text: str) -> datetime:
    """An instant as people write it; without a zone it is UTC. Raises CommandError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(
            f'"{text[:60]}" is no instant', fix="write 2026-03-01, 2026-03-01T12:00:00 or 2026-03-01T12:00:00Z"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def key_of(text: str) -> tuple[str, Any]:
    """`name=value`; whole numbers and decimals become numbers. Raises CommandError."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise CommandError(f'"{text[:60]}" is no key', fix="write NAME=VALUE, such as driver_id=1001")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value


def complete_view(incomplete: str) -> list[str]:
    """Names of the feature views applied in this folder."""
    import json

    try:
        held = json.loads((Path("data") / "registry.json").read_text(encoding="utf-8"))
        names = [view["name"] for view in held["definitions"]["feature_views"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [name for name in names if name.startswith(incomplete)]
