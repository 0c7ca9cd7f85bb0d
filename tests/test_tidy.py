"""House style that a machine can check. Every complaint reads `path:line: error: X is banned, use Y`."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("reference_platform", "simulator", "scenarios", "rubrics", "tui")
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
BANNED_NAMES = re.compile(r"(?:^|_)(?:utils?|helpers?|managers?|misc|common)(?:_|$)")
UNTIMED = ("reference_platform", "simulator", "scenarios", "rubrics")
GLOBAL_RANDOM = re.compile(
    r"(?:numpy|np)\.random\.(?!Generator|default_rng|SeedSequence|PCG64|Philox|BitGenerator)\w+|random\.\w+"
)
TIME = "an argument now_s: float"
STREAM = "a numpy.random.Generator that is passed in"
CLOCKS = {"time", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"}


class Complaint(NamedTuple):
    path: Path
    line: int
    banned: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path.as_posix()}:{self.line}: error: {self.banned} is banned, use {self.instead}"


Rule = Callable[[Path, str, ast.Module], Iterator[Complaint]]


def _sources(*folders: str) -> list[Path]:
    return [path.relative_to(ROOT) for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def _timed(path: Path) -> bool:
    """Whether `path` may know what time it is."""
    return path.parts[0] not in UNTIMED or path.parts[:2] == ("reference_platform", "live")


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and full name of everything imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, item.name) for item in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from ((node.lineno, f"{node.module}.{item.name}") for item in node.names)


def _aliases(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {
                item.asname or item.name.partition(".")[0]: item.name if item.asname else item.name.partition(".")[0]
                for item in node.names
            }
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {item.asname or item.name: f"{node.module}.{item.name}" for item in node.names}
    return found


def _calls(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and full name of everything called."""
    aliases = _aliases(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (name := _dotted(node.func)):
            head, dot, rest = name.partition(".")
            yield node.lineno, aliases.get(head, head) + dot + rest


def time_is_an_argument(path: Path, _: str, tree: ast.Module) -> Iterator[Complaint]:
    if _timed(path):
        return
    for line, name in _imported(tree):
        if name.partition(".")[0] in ("time", "asyncio"):
            yield Complaint(path, line, f"import {name}", TIME)
    for line, name in _calls(tree):
        if name in CLOCKS or name.startswith("time."):
            yield Complaint(path, line, name, TIME)


def randomness_is_a_named_stream(path: Path, _: str, tree: ast.Module) -> Iterator[Complaint]:
    if _timed(path) or path == Path("simulator/engine/streams.py"):
        return
    for line, name in _imported(tree):
        if name.partition(".")[0] in ("uuid", "random", "secrets"):
            yield Complaint(path, line, f"import {name}", STREAM)
    for line, name in _calls(tree):
        if GLOBAL_RANDOM.fullmatch(name) or name == "os.urandom":
            yield Complaint(path, line, name, STREAM)


def files_are_short(path: Path, text: str, _: ast.Module) -> Iterator[Complaint]:
    lines = text.count("\n")
    if lines > FILE_LINES_MAX:
        yield Complaint(path, lines, f"a file of {lines} lines", f"several of at most {FILE_LINES_MAX}")


def functions_are_short(path: Path, _: str, tree: ast.Module) -> Iterator[Complaint]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield Complaint(path, node.lineno, f"{node.name} of {lines} lines", f"at most {FUNCTION_LINES_MAX}")


def ignores_name_their_error(path: Path, text: str, _: ast.Module) -> Iterator[Complaint]:
    for number, line in enumerate(text.splitlines(), start=1):
        if re.search(r"#\s*type:\s*ignore(?!\[)", line):
            yield Complaint(path, number, "a bare type: ignore", "type: ignore[code]")
        if re.search(r"#\s*noqa(?!:)", line):
            yield Complaint(path, number, "a bare noqa", "noqa: CODE and the reason")


def modules_are_named_by_what_they_hold(path: Path, _: str, __: ast.Module) -> Iterator[Complaint]:
    for part in (*path.parts[:-1], path.stem):
        if BANNED_NAMES.search(part):
            yield Complaint(path, 1, f'the name "{part}"', "the noun of the thing inside")


def packages_have_no_logic(path: Path, _: str, tree: ast.Module) -> Iterator[Complaint]:
    if path.name != "__init__.py":
        return
    for node in tree.body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        names = isinstance(node, ast.Assign) and [_dotted(target) for target in node.targets] == ["__all__"]
        if not (docstring or names or isinstance(node, ast.Import | ast.ImportFrom)):
            yield Complaint(path, node.lineno, "logic in __init__.py", "a module with a name")


def annotations_are_postponed(path: Path, _: str, tree: ast.Module) -> Iterator[Complaint]:
    if path.name == "__init__.py" or "__future__.annotations" in [name for _, name in _imported(tree)]:
        return
    yield Complaint(path, 1, "a module without postponed annotations", "from __future__ import annotations")


def modules_say_what_they_promise(path: Path, _: str, tree: ast.Module) -> Iterator[Complaint]:
    if ast.get_docstring(tree) is None:
        yield Complaint(path, 1, "a module without a docstring", "one line that says what it promises")


def nothing_is_left_for_later(path: Path, text: str, _: ast.Module) -> Iterator[Complaint]:
    for number, line in enumerate(text.splitlines(), start=1):
        if re.search(r"#.*\b(?:TODO|FIXME|XXX|HACK)\b", line):
            yield Complaint(path, number, "a note for later", "the work itself, or nothing")


RULES: tuple[Rule, ...] = (
    time_is_an_argument,
    randomness_is_a_named_stream,
    files_are_short,
    functions_are_short,
    ignores_name_their_error,
    modules_are_named_by_what_they_hold,
    packages_have_no_logic,
    annotations_are_postponed,
    modules_say_what_they_promise,
    nothing_is_left_for_later,
)
"""Applied to every package."""
TEST_RULES: tuple[Rule, ...] = (
    files_are_short,
    functions_are_short,
    ignores_name_their_error,
    annotations_are_postponed,
)
"""Tests are read as often as code; they may hold seeds of their own."""


@pytest.fixture(scope="module", autouse=True)
def _sources_are_read_once() -> Iterator[None]:
    yield
    _read.cache_clear()


@cache
def _read(path: Path) -> tuple[str, ast.Module]:
    text = (ROOT / path).read_text(encoding="utf-8")
    return text, ast.parse(text)


def _complaints(rule: Rule, paths: list[Path]) -> list[str]:
    return [str(complaint) for path in paths for complaint in rule(path, *_read(path))]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_packages_keep_the_house_style(rule: Rule) -> None:
    found = _complaints(rule, _sources(*PACKAGES))
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("rule", TEST_RULES, ids=lambda rule: rule.__name__)
def test_tests_keep_the_house_style(rule: Rule) -> None:
    found = _complaints(rule, _sources("tests", "bench"))
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("rule", "path", "text", "line", "banned"),
    [
        (time_is_an_argument, "simulator/x.py", "import time\n", 1, "import time"),
        (
            time_is_an_argument,
            "rubrics/x.py",
            "from datetime import datetime as d\nd.now()\n",
            2,
            "datetime.datetime.now",
        ),
        (
            randomness_is_a_named_stream,
            "rubrics/x.py",
            "import numpy as np\n\nnp.random.rand()\n",
            3,
            "numpy.random.rand",
        ),
        (randomness_is_a_named_stream, "simulator/x.py", "from uuid import uuid4\n", 1, "import uuid.uuid4"),
        (files_are_short, "tui/x.py", "\n" * 401, 401, "a file of 401 lines"),
        (functions_are_short, "tui/x.py", "def f():\n" + "    0\n" * 60, 1, "f of 61 lines"),
        (ignores_name_their_error, "tui/x.py", "x = 1  # type: " + "ignore\n", 1, "a bare type: ignore"),
        (modules_are_named_by_what_they_hold, "tui/run_utils.py", "", 1, 'the name "run_utils"'),
        (packages_have_no_logic, "tui/__init__.py", '"""Doc."""\nx = 1\n', 2, "logic in __init__.py"),
        (annotations_are_postponed, "tui/x.py", "", 1, "a module without postponed annotations"),
        (modules_say_what_they_promise, "tui/x.py", "x = 1\n", 1, "a module without a docstring"),
        (nothing_is_left_for_later, "tui/x.py", "x = 1  # TO" + "DO\n", 1, "a note for later"),
    ],
)
def test_a_rule_finds_what_it_bans(rule: Rule, path: str, text: str, line: int, banned: str) -> None:
    found = [str(complaint) for complaint in rule(Path(path), text, ast.parse(text))]
    assert [item.partition(", use ")[0] for item in found] == [f"{path}:{line}: error: {banned} is banned"]


@pytest.mark.parametrize("path", ["reference_platform/live/clock.py", "tui/pump.py"])
def test_live_services_and_screens_may_read_the_clock(path: str) -> None:
    text = "import time\ntime.monotonic()\n"
    assert list(time_is_an_argument(Path(path), text, ast.parse(text))) == []
