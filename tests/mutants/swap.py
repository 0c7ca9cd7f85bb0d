"""Puts a mutant into a process that has imported the original.

A change inside functions replaces the code of the living functions, so that everybody who holds them runs the mutant.
A change to what runs at import (constants, defaults, class bodies) needs the project imported anew.
"""

from __future__ import annotations

import gc
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import sys
import types
from collections.abc import Iterator, Sequence

from tests.mutants.scope import PROJECT, ROOT

KEPT = "tests.mutants"


def module_name(path: str) -> str:
    """`simulator/faults/base.py` as it is imported."""
    return path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def swap_in(path: str, mutated: str) -> bool:
    """Change the living functions of the file. False when the change is not inside functions that live."""
    file = str(ROOT / path)
    old = compile((ROOT / path).read_text(encoding="utf-8"), file, "exec", dont_inherit=True)
    new = compile(mutated, file, "exec", dont_inherit=True)
    pairs = _changed_functions(old, new)
    if pairs is None:
        return False
    living = [
        # By type alone: asking some living objects for their class makes them warn.
        item
        for item in gc.get_objects()
        if type(item) is types.FunctionType and item.__code__.co_filename == file
    ]
    for before, after in pairs:
        found = [function for function in living if function.__code__ == before]
        if not found:
            return False
        for function in found:
            function.__code__ = after
    return True


def _changed_functions(old: types.CodeType, new: types.CodeType) -> list[tuple[types.CodeType, types.CodeType]] | None:
    """Functions of a module or class body that differ, as (before, after); None when the body itself differs."""
    inner_old, inner_new = list(_inner(old)), list(_inner(new))
    same_body = (old.co_code, old.co_names, _plain(old)) == (new.co_code, new.co_names, _plain(new))
    if not same_body or len(inner_old) != len(inner_new):
        return None
    changed: list[tuple[types.CodeType, types.CodeType]] = []
    for before, after in zip(inner_old, inner_new, strict=True):
        if before == after:
            continue
        if before.co_flags & inspect.CO_OPTIMIZED:
            if before.co_name.startswith("<") or before.co_freevars != after.co_freevars:
                return None
            changed.append((before, after))
            continue
        inside = _changed_functions(before, after)
        if inside is None:
            return None
        changed += inside
    return changed


def _inner(code: types.CodeType) -> Iterator[types.CodeType]:
    return (constant for constant in code.co_consts if isinstance(constant, types.CodeType))


def _plain(code: types.CodeType) -> list[object]:
    """Constants other than code; 1, 1.0 and True are told apart."""
    return [(type(item), item) for item in code.co_consts if not isinstance(item, types.CodeType)]


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Finds one module, with another text than its file has."""

    def __init__(self, path: str, text: str) -> None:
        self._name, self._file, self._text = module_name(path), str(ROOT / path), text

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._file, loader=self)

    def get_filename(self, fullname: str) -> str:
        return self._file

    def get_data(self, path: str) -> bytes:
        return self._text.encode()


def import_anew(path: str, mutated: str) -> None:
    """Forget the project's modules; from now on the file is imported as its mutant."""
    for name in list(sys.modules):
        if name.partition(".")[0] in (*PROJECT, "tests") and not name.startswith(KEPT) and name != "tests":
            del sys.modules[name]
    sys.meta_path.insert(0, _Mutated(path, mutated))
