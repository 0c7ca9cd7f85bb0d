"""Which lines of the mutated files run, and which depend on a constant."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from coverage import Coverage

from tests.mutants.scope import PROJECT, ROOT

Lines = dict[str, set[int]]
"""Line numbers by path."""


@contextmanager
def watching(files: Iterable[str]) -> Iterator[Lines]:
    """Lines of these files that run meanwhile, in any thread; filled in at the end."""
    paths = {file: str(ROOT / file) for file in files}
    coverage = Coverage(data_file=None, include=list(paths.values()), config_file=False, messages=False)
    seen: Lines = {}
    coverage.start()
    try:
        yield seen
    finally:
        coverage.stop()
        data = coverage.get_data()
        seen |= {file: set(lines) for file, path in paths.items() if (lines := data.lines(path))}


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
