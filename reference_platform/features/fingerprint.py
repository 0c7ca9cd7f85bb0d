"""Fingerprints of code: two processes that compute the same thing agree on them, whatever the memory addresses."""

from __future__ import annotations

import hashlib
import types
from collections.abc import Callable
from typing import Any


def code_sha256(function: Callable[..., Any]) -> str:
    """Hash over byte code, constants, names, defaults and closed-over values; not over line numbers or comments.

    A stand-in for code that is not here answers with the fingerprint that was recorded of it.
    """
    recorded = getattr(function, "recorded_sha256", "")
    if recorded:
        return str(recorded)
    digest = hashlib.sha256()
    _feed(digest, function)
    return digest.hexdigest()


def _feed(digest: Any, value: object) -> None:
    if isinstance(value, types.FunctionType):
        _feed(digest, value.__code__)
        _feed(digest, value.__defaults__)
        _feed(digest, value.__kwdefaults__)
        for cell in value.__closure__ or ():
            _feed(digest, cell.cell_contents)
    elif isinstance(value, types.CodeType):
        digest.update(value.co_code)
        _feed(digest, value.co_names)
        _feed(digest, value.co_varnames)
        # A docstring is the first constant and computes nothing.
        _feed(digest, value.co_consts)
    elif isinstance(value, tuple | list):
        digest.update(f"{type(value).__name__}{len(value)}(".encode())
        for item in value:
            _feed(digest, item)
        digest.update(b")")
    elif isinstance(value, dict):
        _feed(digest, sorted(value.items(), key=repr))
    elif isinstance(value, frozenset | set):
        _feed(digest, sorted(value, key=repr))
    elif isinstance(value, types.ModuleType | type | types.BuiltinFunctionType):
        digest.update(f"<{getattr(value, '__module__', '')}.{value.__name__}>".encode())
    elif value is None or isinstance(value, str | bytes | int | float | complex | bool):
        digest.update(f"{type(value).__name__}:{value!r};".encode())
    else:
        digest.update(f"<{type(value).__module__}.{type(value).__qualname__}>".encode())
