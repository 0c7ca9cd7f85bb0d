"""Patterns: the same answers as Python's own engine, without its worst case and without its warnings."""

from __future__ import annotations

import re
import warnings

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reference_platform.errors import CommandError
from reference_platform.monitoring.promql import parse
from reference_platform.pattern import PATTERN_CHARS_MAX, Pattern

LETTERS = ["a", "b", "c", ".", "[ab]", "[^a]", "\\d", "\\w"]
PIECES = st.sampled_from(
    [*LETTERS, "(a|b)", "(ab)", "(a|)", "a*", "b+", "c?", "(ab)*", "a{2}", "b{1,2}", "^", "$", "|"]
)


@given(st.lists(PIECES, max_size=6), st.text("abc1 ", max_size=8))
def test_finds_what_python_finds(pieces: list[str], line: str) -> None:
    text = "".join(pieces)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = re.search(text, line, re.ASCII)
        except re.error:
            assume(False)
        try:
            pattern = Pattern(text)
        except CommandError:
            assume(False)  # repeats of repeats
        assert pattern.found_in(line) == bool(expected)
        assert pattern.is_whole(line) == bool(re.fullmatch(text, line, re.ASCII))


@pytest.mark.parametrize("text", ["(a+)+$", "(a|a)*$", "(a*)*b", ".*.*.*.*.*x", "(.*a){12}", "(([a-z_]+)+)+"])
def test_no_pattern_runs_away(text: str) -> None:
    """With backtracking each of these takes longer than the universe has left."""
    assert not Pattern(text + "!").found_in("a" * 3_000)
    assert not Pattern(text + "!").is_whole("a" * 3_000)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("(?=a)", "look-around is not supported"),
        ("a(?!b)", "look-around is not supported"),
        ("(?<=a)b", "look-around is not supported"),
        ("(a)\\1", "back-references are not supported"),
        ("(", "missing ): ("),
        ("[a", "missing ]: [a"),
        ("*a", "no argument for repetition operator: *"),
        ("[z-a]", "invalid character class range: z-a"),
        ("x" * (PATTERN_CHARS_MAX + 1), f"{PATTERN_CHARS_MAX + 1} characters"),
    ],
)
def test_unsupported_patterns_are_refused_with_advice(text: str, what: str) -> None:
    with pytest.raises(CommandError) as caught:
        Pattern(text)
    assert caught.value.what == f"bad pattern: {what}"
    assert caught.value.fix


@pytest.mark.parametrize("text", ["[[a]", "[+--b]", "[a||b]", "[a~~b]"])
def test_no_pattern_makes_python_warn(text: str) -> None:
    """The tests turn warnings into errors."""
    Pattern(text).found_in("a")


@given(st.text(max_size=30), st.text(max_size=30), st.booleans())
def test_any_text_is_a_pattern_or_refused(text: str, line: str, ignore_case: bool) -> None:
    try:
        pattern = Pattern(text, ignore_case=ignore_case)
    except CommandError:
        return
    assert pattern.found_in(line) or not pattern.hits(line)


def test_case_can_be_ignored_in_letters_and_classes() -> None:
    assert Pattern("oomkilled", ignore_case=True).found_in("OOMKilled")
    assert Pattern("[a-z]9", ignore_case=True).found_in("K9")
    assert not Pattern("oomkilled").found_in("OOMKilled")


def test_places_are_counted_in_letters() -> None:
    assert Pattern("(b)|c").first("äbc") == ((1, 2), (1, 2))
    assert Pattern("(b)|c").first("äbc", 2) == ((2, 3), (-1, -1))
    assert Pattern("[a-c]+").hits("ab, c d") == ["ab", "c"]


def test_a_matcher_is_held_to_the_same_patterns() -> None:
    with pytest.raises(CommandError) as caught:
        parse('up{job=~"a(?=b)"}')
    assert caught.value.what == "bad pattern: look-around is not supported"
    assert caught.value.where == "column 9"
