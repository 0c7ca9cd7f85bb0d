"""Code by reference: `FILE.py:NAME` inside a repository of definitions. Code is never stored, only pointed at."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from reference_platform.errors import CommandError, ContentError, nearest

MESSAGE_CHARACTERS_MAX = 300


@dataclass(frozen=True)
class MissingCode:
    """Stands for a function that this process does not have. Calling it raises CommandError."""

    at: str
    recorded_sha256: str

    def __call__(self, *_: object) -> Any:
        raise self.error("this feature")

    def error(self, what: str) -> CommandError:
        """Why `what` cannot be computed here."""
        return CommandError(
            f"the code of {what} is not here" + (f": {self.at}" if self.at else ""),
            why="the registry keeps where code stands, never the code itself",
            fix="declare it in a .py file of the repository, or apply the declaration again in this process",
        )


class CodeFolder:
    """The Python files of one repository, each run once, and again when asked for after it has changed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._modules: dict[Path, tuple[tuple[int, int], ModuleType]] = {}

    def modules(self) -> list[ModuleType]:
        """Every .py file at the top of the repository, in order of name. Raises ContentError as `module` does."""
        return [self.module(path) for path in sorted(self.root.glob("*.py"))]

    def module(self, path: Path) -> ModuleType:
        """The module of one file. Raises ContentError with file and line when running it fails."""
        path = path.resolve()
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
        held = self._modules.get(path)
        if held is None or held[0] != stamp:
            name = f"_feature_repo_{abs(hash(str(path.parent)))}_{path.stem}"
            spec = importlib.util.spec_from_file_location(name, path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[name] = module
            folder = str(path.parent)
            sys.path.insert(0, folder)
            try:
                spec.loader.exec_module(module)
            except ContentError as error:
                raise ContentError(error.what, where=_where(error, path), why=error.why, fix=error.fix) from error
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                # Whatever it raises, `sys.exit` included, must neither end the process nor pass for success.
                raise ContentError(
                    _what(error), where=_where(error, path), fix="mend the file, then run again"
                ) from error
            finally:
                sys.path.remove(folder)
            held = self._modules[path] = (stamp, module)
        return held[1]

    def function(self, at: str, where: str) -> Callable[..., Any]:
        """The function `FILE.py:NAME`. Raises ContentError with the nearest valid name."""
        file, colon, name = at.partition(":")
        path = (self.root / file.replace("\0", "")).resolve()
        if not colon or not name or "\0" in file or not path.is_relative_to(self.root.resolve()):
            raise ContentError(f'"{at[:100]}" names no function', where=where, fix='write "features.py:to_euros"')
        if path.suffix != ".py" or not path.is_file():
            files = [found.name for found in self.root.glob("*.py")]
            raise ContentError(f"{file} does not exist", where=where, fix=nearest(file, files))
        module = self.module(path)
        found = getattr(module, name, None)
        # A decorator leaves the declared view under the function's name.
        found = getattr(found, "function", found)
        if not callable(found):
            functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
            raise ContentError(f'{file} has no function "{name}"', where=where, fix=nearest(name, functions))
        return found  # type: ignore[no-any-return]

    def reference(self, function: Callable[..., Any]) -> str:
        """`FILE.py:NAME` of a function that stands at the top of a file here; empty for any other."""
        if isinstance(function, MissingCode):
            return function.at
        code = getattr(function, "__code__", None)
        name = getattr(function, "__name__", "")
        if code is None or getattr(function, "__qualname__", "") != name:
            return ""
        path = Path(code.co_filename).resolve()
        if not path.is_relative_to(self.root.resolve()) or name == "<lambda>":
            return ""
        return f"{path.relative_to(self.root.resolve()).as_posix()}:{name}"


def _what(error: BaseException) -> str:
    """The class of `error` and the first line of what it says."""
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    first = said.strip().splitlines()[:1]
    return f"{type(error).__name__}: {first[0][:MESSAGE_CHARACTERS_MAX]}" if first else type(error).__name__


def _where(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError) and error.lineno:
        return f"{path}:{error.lineno}:{error.offset or 1}"
    trace, line = error.__traceback__, 1
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename) == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{path}:{line}:1"
