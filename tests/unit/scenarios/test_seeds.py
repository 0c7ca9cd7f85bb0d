"""Seeds as people write them."""

from __future__ import annotations

import pytest

from reference_platform.errors import ContentError
from scenarios.seeds import SEEDS_MAX, parse_seeds


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("3", [3]), ("1-3", [1, 2, 3]), ("7, 1,2-2", [1, 2, 7]), ("0-0", [0]), ("1-3,2-4", [1, 2, 3, 4])],
)
def test_seeds_are_read_ascending_and_once(text: str, seeds: list[int]) -> None:
    assert parse_seeds(text) == seeds


def test_a_range_has_a_longest() -> None:
    assert len(parse_seeds(f"1-{SEEDS_MAX}")) == SEEDS_MAX
    with pytest.raises(ContentError, match="is no range"):
        parse_seeds(f"1-{SEEDS_MAX + 1}")


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "1,,2", "3-1", "1.5"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ContentError, match="seeds: "):
        parse_seeds(text)
