"""An edition changes with every source that decides what happens in a session, and with no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.session import edition as editions


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A small program."""
    for place in ("reference_platform/a.py", "simulator/b.py", "simulator/shell/c.py", "tui/d.py"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("x = 1\n")
    monkeypatch.setattr(editions, "ROOT", tmp_path)
    yield tmp_path
    editions.edition.cache_clear()


def now(*without: str) -> str:
    editions.edition.cache_clear()
    return editions.edition(without)


@pytest.mark.parametrize(
    ("place", "changes"),
    [("reference_platform/a.py", True), ("simulator/b.py", True), ("simulator/shell/c.py", True), ("tui/d.py", False)],
)
def test_an_edition_is_its_sources(tree: Path, place: str, changes: bool) -> None:
    before = now()
    assert len(before) == 16
    (tree / place).write_text("x = 2\n")
    assert (now() != before) is changes
    (tree / place).write_text("x = 1\n")
    assert now() == before


def test_a_source_by_another_name_is_another_edition(tree: Path) -> None:
    before = now()
    (tree / "simulator/b.py").rename(tree / "simulator/bb.py")
    assert now() != before


def test_what_is_left_out_does_not_count(tree: Path) -> None:
    before = now("simulator/shell/")
    (tree / "simulator/shell/c.py").write_text("x = 2\n")
    assert now("simulator/shell/") == before
    (tree / "simulator/b.py").write_text("x = 2\n")
    assert now("simulator/shell/") != before


def test_the_sources_are_those_of_this_program() -> None:
    assert (editions.ROOT / "simulator/session/edition.py").samefile(editions.__file__)
    assert all(any((editions.ROOT / name).rglob("*.py")) for name in editions.SOURCES)
