"""Fields of events, whatever a log holds."""

from __future__ import annotations

from typing import Any

import pytest

from rubrics.reading import NUMBER_MAX, causes_of, number, numbers, text, texts
from simulator.engine.events import Event


def event(value: Any) -> Event:
    return Event(1, 0, "x", "x", True, {"key": value})


@pytest.mark.parametrize(("value", "read"), [("a", "a"), ("", ""), (1, ""), (None, ""), (["a"], "")])
def test_a_text(value: Any, read: str) -> None:
    assert text(event(value), "key") == read
    assert text(event(value), "other") == ""


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (3, 3.0),
        (-2.5, -2.5),
        (0, 0.0),
        (True, None),
        ("3", None),
        (None, None),
        ([3], None),
        (NUMBER_MAX, NUMBER_MAX),
        (-NUMBER_MAX, -NUMBER_MAX),
        (NUMBER_MAX * 1.001, None),
        (-NUMBER_MAX * 1.001, None),
        (10**400, None),
        (float("nan"), None),
        (float("inf"), None),
    ],
)
def test_a_number_that_is_none_reads_as_absent(value: Any, read: float | None) -> None:
    assert number(event(value), "key") == read
    assert number(event(value), "other") is None


@pytest.mark.parametrize(
    ("value", "read"),
    [("a", ("a",)), ("", ()), (["a", 1, "b", None], ("a", "b")), (3, ()), (None, ()), ({"a": 1}, ())],
)
def test_texts_are_one_or_several(value: Any, read: tuple[str, ...]) -> None:
    assert texts(event(value), "key") == read


@pytest.mark.parametrize(
    ("value", "read"),
    [(3, (3,)), ([1, 2.5, "3", True, 4], (1, 4)), ("12", ()), (True, ()), (None, ()), (2.0, ())],
)
def test_whole_numbers_are_one_or_several(value: Any, read: tuple[int, ...]) -> None:
    assert numbers(event(value), "key") == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ([["a", "b"], ("c", "d")], (("a", "b"), ("c", "d"))),
        ([["a"], ["a", "b", "c"], "ab", ["a", 1]], (("a", "1"),)),
        ("ab", ()),
        (None, ()),
        (3, ()),
    ],
)
def test_causes_are_pairs(value: Any, read: tuple[tuple[str, str], ...]) -> None:
    assert causes_of(event(value), "key") == read
