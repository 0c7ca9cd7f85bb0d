"""Everything said on stderr: messages, tables of the command line and progress. stdout belongs to data."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

Report = Callable[[float, str], None]
"""Called with the share done, 0..1, and what is being done."""


def say(text: str) -> None:
    """One message to the person, on stderr."""
    sys.stderr.write(plain(text) + "\n")
    sys.stderr.flush()


def put(text: str) -> None:
    """One piece of data, on stdout."""
    sys.stdout.write(plain(text) + "\n")


def plain(text: str) -> str:
    """`text`, line by line without escape sequences and other characters that a terminal acts on or hides."""
    from tui.present.cells import clean

    return "\n".join(clean(part) for part in text.split("\n"))


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows as aligned columns, two spaces apart, no trailing blanks."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


@contextmanager
def progress(title: str) -> Iterator[Report]:
    """A bar on stderr while the block runs; one line per stage where stderr is no terminal."""
    title = plain(title)
    if not sys.stderr.isatty():
        with _stages(title) as report:
            yield report
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    parts = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*parts, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda share, doing: bar.update(
            task, completed=share, description=f"{title}: {plain(doing)}" if doing else title
        )


@contextmanager
def _stages(title: str) -> Iterator[Report]:
    said: list[str] = []

    def report(share: float, doing: str) -> None:
        if doing and said[-1:] != [doing]:
            said.append(doing)
            say(f"{title}: {doing} ({share:.0%})")

    yield report
