"""Which lines of the mutated files run, and which depend on a constant."""

from __future__ import annotations

import ast
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.mutants.scope import PROJECT, ROOT

Lines = dict[str, set[int]]
"""Line numbers by path."""


@contextmanager
def watching(files: Iterable[str]) -> Iterator[Lines]:
    """Lines of these files that run meanwhile. Only frames of these files cost more than their call."""
    paths = {str(ROOT / file): file for file in files}
    seen: Lines = {}

    def watch(frame: types.FrameType, event: str, _: Any) -> Any:
        path = paths.get(frame.f_code.co_filename)
        if path is None:
            return None
        lines = seen.setdefault(path, set())
        lines.add(frame.f_lineno)

        def each(inner: types.FrameType, what: str, _: Any) -> Any:
            lines.add(inner.f_lineno)
            return each

        return each

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        yield seen
    finally:
        sys.settrace(before)


def lines_run(files: Iterable[str], call: Callable[[], bool]) -> tuple[bool, Lines]:
    """What `call` returns, and the lines of these files that it runs."""
    with watching(files) as seen:
        result = call()
    return result, seen


def lines_that_read(path: str, statement: int, files: Iterable[str]) -> Lines | None:
    """Lines within functions of these files that read the constant which this statement of the module defines.

    None when the statement defines no constant, or when something reads it at import or outside of these files.
    """
    defining = ast.parse((ROOT / path).read_text(encoding="utf-8")).body[statement]
    targets = defining.targets if isinstance(defining, ast.Assign) else [getattr(defining, "target", None)]
    if len(targets) != 1 or not isinstance(targets[0], ast.Name):
        return None
    name = targets[0].id
    found: Lines = {}
    for each in (str(each.relative_to(ROOT)) for top in PROJECT for each in (ROOT / top).rglob("*.py")):
        text = (ROOT / each).read_text(encoding="utf-8")
        if name not in text:
            continue
        within, everywhere = _reads(ast.parse(text), name)
        if within != everywhere or (within and each not in files):
            return None
        found[each] = within
    return found


def _reads(tree: ast.Module, name: str) -> tuple[set[int], set[int]]:
    """Lines on which functions read the name, and lines on which anything does, a renaming import included."""
    everywhere = {
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load))
        or (isinstance(node, ast.Attribute) and node.attr == name)
        or (isinstance(node, ast.ImportFrom) and any(item.name == name and item.asname for item in node.names))
    }
    bodies = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    within = {
        line for line in everywhere if any(node.body[0].lineno <= line <= (node.end_lineno or 0) for node in bodies)
    }
    return within, everywhere
