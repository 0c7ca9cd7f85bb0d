"""Compiled functions whose code on disk is as fresh as every source that was compiled into them.

Numba keeps compiled code until the file that holds the function changes. What it compiles in from other files - inlined
functions, constants - may change unnoticed. Here the name of the stored code carries a digest of all of them.
"""

from __future__ import annotations

import hashlib
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])

# IEEE arithmetic, in the order written: no reassociation and no fused operations, whatever the processor offers.
# No reference counting inside: the arrays are borrowed, and counting the 40 of the request path per call costs 5x.
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
_FOREIGN = ("builtins", "cmath", "math", "numba", "numpy")
DIGEST_DIGITS = 12


def compiled(function: Function) -> Function:
    """Compile `function` at its first call, and keep the result on disk while none of its sources changes."""
    named = cast("types.FunctionType", function)
    named.__qualname__ = f"{named.__qualname__}_{sources_sha256(named)[:DIGEST_DIGITS]}"
    return cast("Function", njit(cache=True, **_OPTIONS)(function))


def inline(function: Function) -> Function:
    """Compile `function` into its callers; by itself it is kept nowhere."""
    return cast("Function", njit(forceinline=True, **_OPTIONS)(function))


def part(function: Function) -> Function:
    """Compile `function` once for all its callers, who call it: for what is large and done seldom."""
    return cast("Function", njit(**_OPTIONS)(function))


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """The Python function behind a compiled one, calling the Python functions behind all that it names."""
    return _plain(function, {})


def _plain(function: Callable[..., Any], known: dict[Any, types.FunctionType]) -> types.FunctionType:
    source = cast("types.FunctionType", getattr(function, "py_func", function))
    if source not in known:
        names = dict(source.__globals__)
        known[source] = types.FunctionType(source.__code__, names, source.__name__, source.__defaults__)
        for name in set(_names(source.__code__)):
            if hasattr(names.get(name), "py_func"):
                names[name] = _plain(names[name], known)
    return known[source]


def sources_sha256(function: types.FunctionType) -> str:
    """Hash over the files whose code or constants are compiled into `function`, and over other values that it names."""
    files: dict[str, str] = {}
    values: dict[str, str] = {}
    _gather(function, files, values)
    return hashlib.sha256(repr((sorted(files.items()), sorted(values.items()))).encode()).hexdigest()


def _gather(function: types.FunctionType, files: dict[str, str], values: dict[str, str]) -> None:
    _read(function.__code__.co_filename, files)
    for name in sorted(set(_names(function.__code__))):
        value = function.__globals__.get(name)
        called = getattr(value, "py_func", value)
        if isinstance(called, types.FunctionType):
            key = f"{called.__module__}.{called.__name__}"
            if key not in values:
                values[key] = "function"
                _gather(called, files, values)
        elif isinstance(value, types.ModuleType):
            if value.__name__.partition(".")[0] not in _FOREIGN and value.__file__ is not None:
                _read(value.__file__, files)
        elif isinstance(value, str | int | float | tuple):
            values[f"{function.__module__}:{name}"] = repr(value)


def _read(path: str, files: dict[str, str]) -> None:
    """Keyed by name without folder, so that a moved checkout keeps its compiled code."""
    files[Path(path).name] = hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)
