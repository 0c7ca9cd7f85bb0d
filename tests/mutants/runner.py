"""Runs mutants: one pytest session collects the tests of a package, and every mutant is a fork of it.

A fork that replaces code in place starts at once; for a change at import level the fork forgets the project's modules
and collects the tests again. So it does for a survivor whose function already ran while the tests were collected. Time
limits are in processor seconds, so a busy machine kills no mutant.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from tests.mutants.covering import Lines, lines_run, lines_that_read, watching
from tests.mutants.generate import Mutant
from tests.mutants.results import Outcome
from tests.mutants.scope import ROOT, STATE, Package
from tests.mutants.swap import import_anew, swap_in

ASKED_S_MAX = 20.0
"""Processor seconds of tests that a mutant is shown to, the quickest first. The slower ones could only notice more."""
LIMIT_BASE_S, LIMIT_FACTOR = 20.0, 5.0
"""Processor seconds a mutant may take: the base, and so many times what its tests take without it."""
PYTEST = ("-q", "-s", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header", "-W", "ignore")
KILLED, SURVIVED, NOT_SWAPPED = 0, 17, 18

Told = Callable[[Mutant, Outcome], None]


@dataclass(slots=True)
class Covered:
    """What one test runs, and how long it takes in processor seconds; `passed` without any mutant."""

    seconds: float
    passed: bool
    lines: Lines = field(default_factory=dict)


@dataclass(slots=True)
class _Job:
    mutant: Mutant
    tests: list[str]
    anew: bool


class Runner:
    """A pytest plugin: instead of running the tests it runs the mutants, `workers` at a time."""

    def __init__(
        self, package: Package, mutants: Sequence[Mutant], workers: int, told: Told, note: Callable[[str], None]
    ) -> None:
        self._package, self._mutants, self._workers = package, mutants, workers
        self._told, self._note = told, note
        self._items: dict[str, pytest.Item] = {}
        self._covered: dict[str, Covered] = {}
        self._early: Lines = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Remember what runs while tests are collected: its results may be kept by whoever asked for them."""
        with watching(self._package.files()) as self._early:
            return (yield)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            raise session.Interrupted("the tests do not even import")
        self._items = {item.nodeid: item for item in session.items}
        self._covered = self._coverage(session)
        broken = sorted(name for name, covered in self._covered.items() if not covered.passed)
        if broken:
            self._note(
                f"{self._package.name}: {len(broken)} tests fail without any mutant and are not asked: {broken[0]} ..."
            )
        jobs = [_Job(mutant, self._tests_for(mutant), anew=False) for mutant in self._mutants]
        self._run(jobs)
        return True

    # -- coverage ----------------------------------------

    def _coverage(self, session: pytest.Session) -> dict[str, Covered]:
        """Of every test; what is known from an earlier run of the same sources and test file is read from disk."""
        by_file: dict[str, list[pytest.Item]] = {}
        for item in session.items:
            by_file.setdefault(str(item.path.relative_to(ROOT)), []).append(item)
        base = _digest_of(
            [
                path
                for top in ("reference_platform", "simulator", "scenarios", "rubrics")
                for path in sorted((ROOT / top).rglob("*.py"))
            ]
        )
        shared = _digest_of(
            path
            for path in sorted((ROOT / "tests").rglob("*.py"))
            if not path.name.startswith("test_") and "mutants" not in path.parts
        )
        found: dict[str, Covered] = {}
        waiting: dict[int, tuple[str, Path, float]] = {}
        todo = list(by_file)
        while todo or waiting:
            while todo and len(waiting) < self._workers:
                name = todo.pop()
                kept = STATE / "covered" / f"{_digest_of([ROOT / name], base, shared, self._package.name)[:24]}.pickle"
                if kept.exists():
                    found |= pickle.loads(kept.read_bytes())  # noqa: S301 - written by this program on this machine
                    continue
                self._note(f"{self._package.name}: watching what {name} runs")
                kept.parent.mkdir(parents=True, exist_ok=True)
                pid = _forked(lambda items=by_file[name], kept=kept: self._watch(items, kept))
                waiting[pid] = (name, kept, 0.0)
            if waiting:
                pid, _ = os.wait()
                _, kept, _ = waiting.pop(pid)
                found |= pickle.loads(kept.read_bytes()) if kept.exists() else {}  # noqa: S301
        return found

    def _watch(self, items: list[pytest.Item], kept: Path) -> int:
        files = self._package.files()
        found: dict[str, Covered] = {}
        for item, after in zip(items, [*items[1:], None], strict=True):
            begun_s = time.process_time()
            passed, lines = lines_run(files, partial(_passes, item, after))
            found[item.nodeid] = Covered(time.process_time() - begun_s, passed, lines)
        # What a module computes once belongs to every test of it.
        if any(_keeps_state(item) for item in items):
            together: Lines = {}
            for covered in found.values():
                for path, lines in covered.lines.items():
                    together.setdefault(path, set()).update(lines)
            found = {name: Covered(covered.seconds, covered.passed, together) for name, covered in found.items()}
        kept.with_suffix(".new").write_bytes(pickle.dumps(found))
        kept.with_suffix(".new").rename(kept)
        return KILLED

    def _tests_for(self, mutant: Mutant) -> list[str]:
        """Tests that run the changed line, or at least its function or file; the quickest first.

        What runs at import, such as a default or a constant, may matter to every test of the package.
        """
        passed = {name: covered for name, covered in self._covered.items() if covered.passed}
        begin, end = enclosing(mutant)
        for lines in ({mutant.line}, set(range(begin + 1, end + 1)), None) if begin else ():
            ran = {name: covered.lines.get(mutant.path, set()) for name, covered in passed.items()}
            names = [name for name, numbers in ran.items() if (numbers if lines is None else numbers & lines)]
            if names:
                return affordable(names, passed)
        if begin:
            return []
        readers = lines_that_read(mutant.path, mutant.part, self._package.files())
        if readers is not None:
            passed = {name: covered for name, covered in passed.items() if _runs_any(covered.lines, readers)}
        return affordable(passed, passed)

    def _ran_early(self, mutant: Mutant) -> bool:
        begin, end = enclosing(mutant)
        return bool(self._early.get(mutant.path, set()) & set(range(begin + 1, end + 1)))

    # -- mutants ----------------------------------------

    def _run(self, jobs: list[_Job]) -> None:
        running: dict[int, _Job] = {}
        todo = jobs[::-1]
        while todo or running:
            while todo and len(running) < self._workers:
                job = todo.pop()
                if not job.tests:
                    self._told(job.mutant, Outcome.of(job.mutant, "survived", "no test runs it", ()))
                    continue
                running[_forked(lambda job=job: self._try(job))] = job
            if running:
                pid, status = os.wait()
                self._ended(running.pop(pid), os.waitstatus_to_exitcode(status), todo)

    def _ended(self, job: _Job, code: int, todo: list[_Job]) -> None:
        again = code == NOT_SWAPPED or (code == SURVIVED and self._ran_early(job.mutant))
        if again and not job.anew:
            todo.append(_Job(job.mutant, job.tests, anew=True))
            return
        how = "survived" if code == SURVIVED else "killed"
        because = (
            f"{len(job.tests)} tests pass" if code == SURVIVED else "a test fails" if code >= 0 else "it never ends"
        )
        # A survivor may be noticed by any test of the package that is written later.
        asked = self._package.test_files() if how == "survived" else {name.partition("::")[0] for name in job.tests}
        self._told(job.mutant, Outcome.of(job.mutant, how, because, asked))

    def _try(self, job: _Job) -> int:
        limit_s = int(LIMIT_BASE_S + LIMIT_FACTOR * sum(self._covered[name].seconds for name in job.tests))
        resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s + 5))
        mutated = job.mutant.source()
        if job.anew:
            with _compiling_anew("@compiled" in mutated or "@inline" in mutated):
                import_anew(job.mutant.path, mutated)
                files = list(dict.fromkeys(name.partition("::")[0] for name in job.tests))
                code = pytest.main([*PYTEST, "-x", *files], plugins=[_Only(job.tests)])
            return SURVIVED if code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) else KILLED
        if not swap_in(job.mutant.path, mutated):
            return NOT_SWAPPED
        items = [self._items[name] for name in job.tests]
        passed = all(_passes(item, after) for item, after in zip(items, [*items[1:], None], strict=True))
        return SURVIVED if passed else KILLED


@contextmanager
def _compiling_anew(wanted: bool) -> Iterator[None]:
    """Use no compiled code from disk: it is named after the file, which still holds the original."""
    if not wanted:
        yield
        return
    import numba

    with tempfile.TemporaryDirectory(prefix="mutant-") as numba.config.CACHE_DIR:
        yield


class _Only:
    """Keeps the wanted tests, in the wanted order."""

    def __init__(self, names: Sequence[str]) -> None:
        self._order = {name: place for place, name in enumerate(names)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((item for item in items if item.nodeid in self._order), key=lambda i: self._order[i.nodeid])


def affordable(names: Iterable[str], covered: Mapping[str, Covered]) -> list[str]:
    """The quickest of these tests, as many as ASKED_S_MAX allows and one at least."""
    chosen: list[str] = []
    left_s = ASKED_S_MAX
    for name in sorted(names, key=lambda name: (covered[name].seconds, name)):
        left_s -= covered[name].seconds
        if left_s < 0 and chosen:
            break
        chosen.append(name)
    return chosen


def _runs_any(ran: Lines, wanted: Lines) -> bool:
    return any(numbers & ran.get(path, set()) for path, numbers in wanted.items())


def _passes(item: pytest.Item, after: pytest.Item | None) -> bool:
    return all(not report.failed for report in runtestprotocol(item, log=False, nextitem=after))


def _keeps_state(item: pytest.Item) -> bool:
    """Whether tests of this module share what one of them computed."""
    module = getattr(item, "module", None)
    cached = any(hasattr(value, "cache_info") for value in vars(module).values()) if module else False
    fixtures = getattr(item, "_fixtureinfo", None)
    defs: dict[str, Any] = fixtures.name2fixturedefs if fixtures else {}
    return cached or any(
        each.scope != "function" for found in defs.values() for each in found if "tests" in str(each.baseid)
    )


def enclosing(mutant: Mutant) -> tuple[int, int]:
    """First and last line of the innermost function around the mutant, (0, 0) when it stands outside of all."""
    import ast

    found = (0, 0)
    for node in ast.walk(ast.parse((ROOT / mutant.path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body_from = node.body[0].lineno
            if body_from <= mutant.line <= (node.end_lineno or 0) and node.lineno > found[0]:
                found = (node.lineno, node.end_lineno or 0)
    return found


def _forked(work: Callable[[], int]) -> int:
    """Run `work` in a copy of this process without a voice; its result is the exit code. Returns the process id."""
    pid = os.fork()
    if pid:
        return pid
    code = KILLED
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        code = work()
    except BaseException:  # noqa: BLE001 - whatever a mutant raises is a mutant that was noticed
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def _digest_of(paths: Iterable[Path], *more: str) -> str:
    digest = hashlib.sha256(json.dumps(more).encode())
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def run_package(
    package: Package, mutants: Sequence[Mutant], workers: int, told: Told, note: Callable[[str], None]
) -> int:
    """Run these mutants of a package in this process, which imports the project. Returns pytest's exit code."""
    from hypothesis import settings

    settings.register_profile("mutants", derandomize=True, database=None, deadline=None)
    settings.load_profile("mutants")
    return int(pytest.main([*PYTEST, *package.test_files()], plugins=[Runner(package, mutants, workers, told, note)]))
