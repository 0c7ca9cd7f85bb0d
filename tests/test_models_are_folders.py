"""Nothing but a model's own folders, the two registries and content knows what a model is called."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from reference_platform.models.catalogue import CARDS
from simulator.world.catalogue import SIDES

ROOT = Path(__file__).parents[1]
PACKAGES = ("reference_platform", "simulator", "rubrics", "scenarios", "tui", "bench")
CONTENT = ("simulator/faults/",)
"""What a fault may be taken for is content, and names components as a platform document does."""
REGISTRIES = ("reference_platform/models/catalogue.py", "simulator/world/catalogue.py")
FOLDERS = {name: name.replace("-", "_") for name in CARDS}


def named(text: str) -> Iterator[str]:
    """Strings of a source that are the name of a model, and names of code that begin with one in capitals."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and node.value in CARDS:
            yield str(node.value)
        if isinstance(node, ast.Name) and node.id in {folder.upper() for folder in FOLDERS.values()}:
            yield node.id


def sources() -> list[str]:
    files = [file.relative_to(ROOT).as_posix() for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    own = tuple(f"{parent}/{folder}/" for folder in FOLDERS.values() for parent in
                ("reference_platform/models", "simulator/world"))  # fmt: skip
    return [file for file in sorted(files) if file not in REGISTRIES and not file.startswith((*own, *CONTENT))]


def test_no_other_source_names_a_model() -> None:
    found = {file: sorted(set(named((ROOT / file).read_text(encoding="utf-8")))) for file in sources()}
    assert {file: names for file, names in found.items() if names} == {}


@pytest.mark.parametrize("name", CARDS)
def test_a_model_has_two_folders_and_a_line_in_each_registry(name: str) -> None:
    folder = FOLDERS[name]
    assert CARDS[name].package == f"reference_platform.models.{folder}"
    assert SIDES[name].draw.__module__ == f"simulator.world.{folder}.requests"
    for file in ("card.py", "decision.py", "trainer.py"):
        assert (ROOT / "reference_platform/models" / folder / file).is_file()
    assert list(CARDS) == list(SIDES)
