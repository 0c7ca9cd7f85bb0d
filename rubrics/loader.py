"""Rubric files into `Rubric`. Raises ContentError with `path:line:column`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from reference_platform.documents import load_document, load_file
from rubrics.schema import Rubric

LIBRARY = Path(__file__).parent / "library"


def load_rubric(path: Path) -> Rubric:
    """The rubric in the file at `path`."""
    return load_file(path, Rubric)


def parse_rubric(text: str, source: str) -> Rubric:
    """The rubric in `text`; `source` is the name shown in errors."""
    return load_document(text, Rubric, source)


@cache
def incident_rubric() -> Rubric:
    """The rubric every incident drill is scored by."""
    return load_rubric(LIBRARY / "incident.yaml")
