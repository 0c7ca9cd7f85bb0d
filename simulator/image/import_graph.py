"""What code decides a result: the modules that its entry points import, and theirs, as the sources say."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from reference_platform.features.fingerprint import source_sha256

ROOT = Path(__file__).parents[2]
PACKAGES = ("reference_platform", "simulator")
"""Ours; what other packages hold is told by their versions."""


class Sources:
    """The modules below `root` as text; `edits` stand in for what is on disk, by module.

    A package's `__init__` counts where something of it is named, and not for being on the way to a module in it.
    Imports for type checkers alone do not count; imports inside functions do. What is imported by a computed name is
    not seen: whoever does that names it as an entry of its own.
    """

    def __init__(self, root: Path = ROOT, edits: Mapping[str, str] | None = None) -> None:
        self._root = root
        self._edits = dict(edits or {})
        self._imported: dict[str, frozenset[str]] = {}
        self._meaning: dict[str, str] = {}

    def text(self, module: str) -> str:
        """Source of a module. Raises KeyError when there is none."""
        if module in self._edits:
            return self._edits[module]
        path = self._path(module)
        if path is None:
            raise KeyError(module)
        return path.read_text(encoding="utf-8")

    def closure(self, entries: Iterable[str]) -> list[str]:
        """The entries and everything of ours that they import, directly or not; sorted. KeyError for unknown ones."""
        seen: set[str] = set()
        waiting = list(entries)
        while waiting:
            module = waiting.pop()
            if module not in seen:
                seen.add(module)
                waiting.extend(self.imported(module))
        return sorted(seen)

    def imported(self, module: str) -> frozenset[str]:
        """Modules of ours that this one imports itself."""
        if module not in self._imported:
            tree = ast.parse(self.text(module))
            found = (name for node in _at_run_time(tree) for name in self._named(node))
            self._imported[module] = frozenset(name for name in found if name.split(".")[0] in PACKAGES)
        return self._imported[module]

    def digest(self, entries: Iterable[str]) -> str:
        """SHA-256 over what `closure(entries)` means; comments, docstrings and layout do not count."""
        digest = hashlib.sha256()
        for module in self.closure(entries):
            if module not in self._meaning:
                self._meaning[module] = source_sha256(self.text(module))
            digest.update(f"{module}\0{self._meaning[module]}\n".encode())
        return digest.hexdigest()

    def _named(self, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            assert node.level == 0, "imports are absolute here"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if self._path(inner) is not None else node.module

    def _path(self, module: str) -> Path | None:
        place = self._root.joinpath(*module.split("."))
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if path.is_file():
                return path
        return None


def _at_run_time(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those that only type checkers run."""
    yield node
    typing_only = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    children = node.orelse if typing_only and isinstance(node, ast.If) else ast.iter_child_nodes(node)
    for child in children:
        yield from _at_run_time(child)
