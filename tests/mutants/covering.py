"""Which lines of the mutated files run."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.mutants.scope import ROOT

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
