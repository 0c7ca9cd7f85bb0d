"""Code has another fingerprint when it may compute something else, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from reference_platform.features.code_references import CodeFolder
from reference_platform.features.fingerprint import code_sha256, source_sha256

CODE = '''
"""Features."""
from math import sqrt
RATE = 3
def helper(value, *, more=1):
    return value * RATE + more
def outer(columns):
    """Words."""
    def inner(value):
        """More words."""
        return [helper(one) for one in value]
    return {"x": inner(columns["r"])}
def recursive(n):
    return n and recursive(n - 1)
def made():
    def inner(n):
        return n and inner(n - 1)
    return inner
closed = made()
'''


SEEN: dict[str, int] = {}


def remembering(key: str) -> int:
    """Fills what it names."""
    return SEEN.setdefault(key, len(SEEN))


def fingerprint(folder: Path, text: str, name: str = "outer") -> str:
    folder.mkdir()
    (folder / "code.py").write_text(text, encoding="utf-8")
    return code_sha256(CodeFolder(folder).function(f"code.py:{name}", ""))


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("Words.", "Other words.", True),
        ("More words.", "Other words.", True),
        ('"""Features."""', '"""Features."""\n# A comment.\n', True),
        ("sqrt", "floor", True),
        ("RATE = 3", "RATE = 4", False),
        ("RATE + more", "RATE - more", False),
        ("more=1", "more=2", False),
        ("helper(one)", "one", False),
        ('{"x":', '{"y":', False),
    ],
)
def test_what_can_change_values_changes_the_fingerprint(old: str, new: str, same: bool, tmp_path: Path) -> None:
    assert old in CODE
    before, after = fingerprint(tmp_path / "a", CODE), fingerprint(tmp_path / "b", CODE.replace(old, new))
    assert (before == after) == same


@pytest.mark.parametrize("name", ["recursive", "closed"])
def test_code_that_calls_itself_has_a_fingerprint(name: str, tmp_path: Path) -> None:
    assert fingerprint(tmp_path / "a", CODE, name) == fingerprint(tmp_path / "b", CODE, name)


def test_a_function_that_is_used_keeps_its_fingerprint() -> None:
    """What a function fills while it runs is no part of its code."""
    before = code_sha256(remembering)
    remembering("key")
    assert code_sha256(remembering) == before


SOURCE = """
class Price:
    # What it costs.
    def of(self, a: float, *rest: int) -> str:
        \"\"\"In euros.\"\"\"
        return f"{a * 2:.2f}" if rest else "free"
"""


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("# What it costs.", "# The price.", True),
        ("In euros.", "In dollars.", True),
        ("    def of", "\n\n    def of", True),
        ('"free"', "'free'", True),
        ("a * 2", "a * 3", False),
        ("a * 2", "a * 2.0", False),
        (".2f", ".3f", False),
        ('"free"', '""', False),
        ("*rest", "**rest", False),
        ("Price", "Cost", False),
    ],
)
def test_the_digest_of_source_covers_its_meaning_alone(old: str, new: str, same: bool) -> None:
    """The digest is written down, so that every Python release must give this one."""
    known = "dd16e596aafce8fa80bc83a3925581fc17d49d0cd896bb1d8c93223a8a17b2da"
    assert source_sha256(SOURCE) == known
    assert old in SOURCE
    assert (source_sha256(SOURCE.replace(old, new, 1)) == known) is same
