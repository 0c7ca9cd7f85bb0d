"""Columns as named arrays of plain numbers, so that state can be written by any tool and read without running code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def packed_objects(name: str, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """`values` under `name`; texts and bytes as their bytes laid end to end, with lengths (-1: none)."""
    if values.dtype != object:
        return {name: values}
    plain = [one.encode("utf-8", "surrogatepass") if isinstance(one, str) else one for one in values.tolist()]
    lengths = np.fromiter((-1 if one is None else len(one) for one in plain), dtype=np.int64, count=len(plain))
    joined = b"".join(one for one in plain if one is not None)
    return {f"{name}.lengths": lengths, f"{name}.bytes": np.frombuffer(joined, dtype=np.uint8).copy()}


def unpacked_objects(name: str, arrays: Mapping[str, NDArray[Any]], *, text: bool) -> NDArray[Any]:
    """What `packed_objects` was given."""
    if name in arrays:
        return arrays[name]
    joined = arrays[f"{name}.bytes"].tobytes()
    found: list[Any] = []
    at = 0
    for length in arrays[f"{name}.lengths"].tolist():
        one = None if length < 0 else joined[at : at + length]
        found.append(one.decode("utf-8", "surrogatepass") if text and one is not None else one)
        at += max(length, 0)
    return np.fromiter(found, dtype=object, count=len(found))


def part(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays whose names begin with `prefix`, without it."""
    return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}


def named(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays with `prefix` before their names."""
    return {prefix + name: array for name, array in arrays.items()}
