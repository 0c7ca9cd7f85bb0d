"""Are two things the same to the bit, however deep one looks? A second way to walk object graphs, beside freezing."""

from __future__ import annotations

import struct
import types
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

NAMED = (type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType)
UNSEEN = ("lock", "RLock")
"""Types without a state that anybody could tell."""
CACHES = {"SeriesStore": {"_selections"}}
"""What is worked out anew when it is not there."""


def first_difference(ours: object, theirs: object) -> str | None:
    """Where two things differ first, as a path from the outside in; None when they are the same everywhere."""
    seen: set[tuple[int, int]] = set()
    waiting: deque[tuple[str, Any, Any]] = deque([("", ours, theirs)])
    alive: list[object] = []  # ids are only told apart while what they belong to lives
    while waiting:
        path, a, b = waiting.pop()
        if type(a) is not type(b):
            return f"{path}: {type(a).__name__} and {type(b).__name__}"
        same = _same(a, b)
        if same is False:
            return f"{path}: {str(a)[:200]} and {str(b)[:200]}"
        if same or (id(a), id(b)) in seen:
            continue
        seen.add((id(a), id(b)))
        alive += [a, b]
        parts = _parts(a), _parts(b)
        if list(parts[0]) != list(parts[1]):
            return f"{path}: {sorted(map(str, set(parts[0]) ^ set(parts[1])))[:5]}"
        waiting.extend((f"{path}.{key}", value, parts[1][key]) for key, value in parts[0].items())
    return None


def _same(a: Any, b: Any) -> bool | None:
    """Whether two things without parts are the same; None for what has parts."""
    if isinstance(a, float):
        return struct.pack("<d", a) == struct.pack("<d", b)
    if a is None or isinstance(a, str | int | bytes | np.generic | np.dtype):
        return bool(a == b)
    if isinstance(a, NAMED):
        return a is b
    if type(a).__name__ in UNSEEN:
        return True
    if isinstance(a, np.ndarray) and not a.dtype.hasobject:
        return a.dtype == b.dtype and a.shape == b.shape and all(map(_same_bytes, _columns(a), _columns(b)))
    return None


def _columns(array: Any) -> list[Any]:
    """The fields of records, without what lies between them."""
    return [array] if array.dtype.names is None else [array[name] for name in array.dtype.names]


def _same_bytes(a: Any, b: Any) -> bool:
    return bool(a.tobytes() == b.tobytes())


def _parts(thing: Any) -> dict[Any, Any]:
    """What a thing is made of, by name or place."""
    if isinstance(thing, np.random.Generator):
        return {"state": thing.bit_generator.state}
    if isinstance(thing, types.MethodType):
        return {"self": thing.__self__, "name": thing.__name__}
    if isinstance(thing, set | frozenset):
        return {"items": sorted(map(repr, thing))}
    parts: dict[Any, Any] = {}
    if isinstance(thing, Mapping):
        parts |= {"keys": list(thing), **{f"[{key!r}]": value for key, value in thing.items()}}
    elif isinstance(thing, list | tuple | deque | np.ndarray):
        parts |= dict(enumerate(thing))
    if not isinstance(thing, dict | list | tuple | deque | types.MappingProxyType):
        reduced = thing.__reduce_ex__(5)
        parts |= {"made of": reduced[1:3]}
    skipped = CACHES.get(type(thing).__name__, set())
    if skipped:
        parts["made of"] = {key: value for key, value in vars(thing).items() if key not in skipped}
    return parts
