"""Fingerprints of code: two processes that compute the same thing agree on them, whatever the memory addresses."""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
import types
from collections.abc import Callable, Iterator
from pathlib import PurePath

CO_HAS_DOCSTRING: int = getattr(inspect, "CO_HAS_DOCSTRING", 0)
"""Python 3.13 marks code with a docstring; before, the first constant of every named function is it, or None."""


def code_sha256(function: Callable[..., object]) -> str:
    """Hash over byte code, constants, names, defaults and closed-over values; not over docstrings, lines or comments.

    Helpers count as well: functions in files of the same folder and immutable values, as far as `function` names them
    itself. What it reaches through modules, objects or mutable globals does not. A stand-in for code that is not here
    answers with the fingerprint that was recorded of it.
    """
    recorded = getattr(function, "recorded_sha256", "")
    if recorded:
        return str(recorded)
    digest = _Digest(function)
    digest.feed(function)
    return digest.hex()


def source_sha256(text: str) -> str:
    """Hash over what Python source means: not over comments, docstrings, line breaks or indentation.

    Unlike `code_sha256` it is the same on every Python release. Raises SyntaxError when the text is no Python.
    """
    tree = ast.parse(textwrap.dedent(text))
    return hashlib.sha256(repr(_meaning(tree)).encode()).hexdigest()


def _meaning(node: object) -> object:
    """A node as tuples of its class and its fields that say something; empty ones came with newer releases."""
    if isinstance(node, list):
        return tuple(map(_meaning, node))
    if not isinstance(node, ast.AST):
        return node
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return ()
    fields = ((name, _meaning(value)) for name, value in ast.iter_fields(node) if value not in (None, []))
    return type(node).__name__, *(field for field in fields if field[0] not in ("kind", "type_comment"))


class _Digest:
    def __init__(self, function: Callable[..., object]) -> None:
        self._hash = hashlib.sha256()
        self._seen: set[int] = set()
        self._folder = _folder(function)

    def hex(self) -> str:
        return self._hash.hexdigest()

    def feed(self, value: object) -> None:
        if isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, types.CodeType):
            self._text(value.co_code)
            self.feed(value.co_names)
            self.feed(value.co_varnames)
            self.feed(_constants(value))
        elif isinstance(value, tuple | list):
            self._text(f"{type(value).__name__}{len(value)}(".encode())
            for item in value:
                self.feed(item)
            self._text(b")")
        elif isinstance(value, dict):
            self.feed(sorted(value.items(), key=repr))
        elif isinstance(value, frozenset | set):
            self.feed(sorted(value, key=repr))
        elif isinstance(value, types.ModuleType | type | types.BuiltinFunctionType):
            self._text(f"<{getattr(value, '__module__', '')}.{value.__name__}>".encode())
        elif value is None or isinstance(value, str | bytes | int | float | complex | bool):
            self._text(f"{type(value).__name__}:{value!r};".encode())
        else:
            self._text(f"<{type(value).__module__}.{type(value).__qualname__}>".encode())

    def _text(self, data: bytes) -> None:
        self._hash.update(data)

    def _function(self, function: types.FunctionType) -> None:
        if id(function) in self._seen:
            self._text(f"<{function.__qualname__}>".encode())
            return
        self._seen.add(id(function))
        self.feed(function.__code__)
        self.feed(function.__defaults__)
        self.feed(function.__kwdefaults__)
        for cell in function.__closure__ or ():
            self.feed(_content(cell))
        for name in sorted(set(_names(function.__code__))):
            value = function.__globals__.get(name)
            if _is_immutable(value) or (isinstance(value, types.FunctionType) and _folder(value) == self._folder):
                self._text(f"{name}=".encode())
                self.feed(value)


def _folder(function: object) -> PurePath | None:
    code = getattr(function, "__code__", None)
    return None if code is None else PurePath(code.co_filename).parent


def _content(cell: types.CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _constants(code: types.CodeType) -> tuple[object, ...]:
    """Without the docstring, which computes nothing."""
    constants = code.co_consts
    if CO_HAS_DOCSTRING:
        return constants[1:] if code.co_flags & CO_HAS_DOCSTRING else constants
    named = not code.co_name.startswith("<") and bool(code.co_flags & inspect.CO_NEWLOCALS)
    return constants[1:] if named else constants


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _is_immutable(value: object) -> bool:
    if isinstance(value, tuple | frozenset):
        return all(map(_is_immutable, value))
    return isinstance(value, str | bytes | int | float | complex)
