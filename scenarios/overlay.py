"""Lays a scenario's overlay over a platform document."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue


def lay_over(base: JsonValue, overlay: JsonValue, *, overlay_first: bool = False) -> JsonValue:
    """`base` with `overlay` on top.

    Mappings merge key by key. Lists of things that have a `name` merge by name, new things at the end. Anything else
    replaces. With `overlay_first` the things the overlay names lead such a list in the overlay's own order, so that a
    position in the merged list is a position in the overlay.
    """
    if isinstance(base, dict) and isinstance(overlay, dict):
        merged = dict(base)
        for key, item in overlay.items():
            merged[key] = lay_over(base[key], item, overlay_first=overlay_first) if key in base else item
        return merged
    old, new = by_name(base), by_name(overlay)
    if old and new:
        order = {**new, **old} if overlay_first else {**old, **new}
        return [
            lay_over(old[name], new[name], overlay_first=overlay_first) if name in old and name in new else order[name]
            for name in order
        ]
    return overlay


def by_name(value: JsonValue) -> Mapping[str, JsonValue]:
    """The things of a list, each by its name; empty when they are not all mappings with one distinct name each."""
    if not isinstance(value, list):
        return {}
    named = {str(item["name"]): item for item in value if isinstance(item, dict) and "name" in item}
    return named if len(named) == len(value) else {}
