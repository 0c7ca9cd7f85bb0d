"""Names that complete `features` commands, from the registry's file alone: quick, without running anybody's code.

Personal features are left out, and whatever is computed from them: whoever presses the tab key has shown no grant.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

REGISTRY_BYTES_MAX = 8 << 20
NAMES_MAX = 200


def complete_view(context: typer.Context, incomplete: str) -> list[str]:
    """Feature views that can be seen."""
    return _matching(incomplete, (str(view["name"]) for view in _seen_views(_declared(context))))


def complete_service(context: typer.Context, incomplete: str) -> list[str]:
    """Services, and then features as `view:feature`."""
    held = _declared(context)
    return _matching(incomplete, (*_services(held), *_features(held)))


def complete_feature(context: typer.Context, incomplete: str) -> list[str]:
    """Features as `view:feature`."""
    return _matching(incomplete, _features(_declared(context)))


def complete_push_source(context: typer.Context, incomplete: str) -> list[str]:
    """Sources that are pushed to."""
    sources = _list(_declared(context), "sources")
    return _matching(incomplete, (str(one["name"]) for one in sources if one.get("kind") in ("push", "kafka")))


def complete_key(context: typer.Context, incomplete: str) -> list[str]:
    """Join keys, each with the sign that its value follows."""
    keys = [key for entity in _list(_declared(context), "entities") for key in entity.get("join_keys") or ()]
    return _matching(incomplete, (f"{key}=" for key in keys))


def _matching(incomplete: str, names: Iterator[str] | tuple[str, ...]) -> list[str]:
    try:
        return list(dict.fromkeys(name for name in names if name.startswith(incomplete)))[:NAMES_MAX]
    except (AttributeError, KeyError, TypeError):
        return []


def _declared(context: typer.Context) -> dict[str, Any]:
    """What the registry of the chosen folder holds; nothing when it cannot be read."""
    path = Path(context.params.get("repo") or ".") / "data" / "registry.json"
    try:
        if path.stat().st_size > REGISTRY_BYTES_MAX:
            return {}
        held = json.loads(path.read_bytes())["definitions"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return held if isinstance(held, dict) else {}


def _list(held: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    found = held.get(kind)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _hidden(held: dict[str, Any]) -> set[tuple[str, str]]:
    """View and name of every personal feature."""
    return {
        (view["name"], field["name"])
        for view in _list(held, "feature_views")
        for field in view["features"]
        if field.get("pii")
    }


def _seen_views(held: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for view in _list(held, "feature_views"):
        if not all(field.get("pii") for field in view["features"]):
            yield view


def _seen_on_demand(held: dict[str, Any]) -> Iterator[dict[str, Any]]:
    hidden = _hidden(held)
    for view in _list(held, "on_demand_feature_views"):
        if any(field.get("pii") for field in view["features"]):
            continue
        if not any(_reads_hidden(source, hidden) for source in view["sources"]):
            yield view


def _reads_hidden(source: Any, hidden: set[tuple[str, str]]) -> bool:
    if isinstance(source, str):
        return any(view == source for view, _ in hidden)
    view, names = source.get("view"), source.get("features")
    return any(found == view and (names is None or name in names) for found, name in hidden)


def _features(held: dict[str, Any]) -> tuple[str, ...]:
    try:
        views = (*_seen_views(held), *_seen_on_demand(held))
        return tuple(f"{v['name']}:{f['name']}" for v in views for f in v["features"] if not f.get("pii"))
    except (AttributeError, KeyError, TypeError):
        return ()


def _services(held: dict[str, Any]) -> tuple[str, ...]:
    """Those of which something can be seen."""
    try:
        computed = {view["name"] for view in _seen_on_demand(held)}
        hidden = _hidden(held)
        known = {view["name"]: view for view in _seen_views(held)}
        return tuple(
            str(service["name"])
            for service in _list(held, "feature_services")
            if any(_part_seen(part, known, computed, hidden) for part in service["features"])
        )
    except (AttributeError, KeyError, TypeError):
        return ()


def _part_seen(part: Any, known: dict[str, Any], computed: set[str], hidden: set[tuple[str, str]]) -> bool:
    if isinstance(part, str):
        return part in computed or part in known
    names = part.get("features") or [field["name"] for field in known.get(part["view"], {}).get("features", ())]
    return any((part["view"], name) not in hidden for name in names)
