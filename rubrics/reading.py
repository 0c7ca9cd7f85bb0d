"""Fields of events, whatever a log holds: a wrong type reads as absent."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.engine.events import Event

NUMBER_MAX = 1e15


def text(event: Event, key: str) -> str:
    """The text at `key`, or an empty one."""
    value = event.data.get(key)
    return value if isinstance(value, str) else ""


def number(event: Event, key: str) -> float | None:
    """The number at `key`, or None; one that is not finite, or beyond any that is written here, reads as absent."""
    value = event.data.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -NUMBER_MAX <= value <= NUMBER_MAX else None


def texts(event: Event, key: str) -> tuple[str, ...]:
    """The texts at `key`; one text counts as a list of one."""
    value = event.data.get(key)
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, Sequence) else ()


def numbers(event: Event, key: str) -> tuple[int, ...]:
    """The whole numbers at `key`; one number counts as a list of one."""
    value = event.data.get(key)
    items = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    return tuple(item for item in items if isinstance(item, int) and not isinstance(item, bool))


def causes_of(event: Event, key: str) -> tuple[tuple[str, str], ...]:
    """The (component, mechanism) pairs at `key`."""
    value = event.data.get(key)
    if not isinstance(value, Sequence) or isinstance(value, str):
        return ()
    pairs = [item for item in value if isinstance(item, Sequence) and not isinstance(item, str) and len(item) == 2]
    return tuple((str(pair[0]), str(pair[1])) for pair in pairs)
