"""Patterns: the same answers as Python's own engine, without its worst case."""

from __future__ import annotations

import re
import warnings

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reference_platform.errors import CommandError
from simulator.shell.pattern import Pattern

PIECES = st.sampled_from(
    [
        "a",
        "b",
        "c",
        ".",
        "[ab]",
        "[^a]",
        "(a|b)",
        "(ab)",
        "(a|)",
        "a*",
        "b+",
        "c?",
        "(ab)*",
        "a{2}",
        "b{1,2}",
        "\\d",
        "\\w",
        "^",
        "$",
        "|",
    ]
)


@given(st.lists(PIECES, max_size=6), st.text("abc1 ", max_size=8))
def test_finds_what_python_finds(pieces: list[str], line: str) -> None:
    """One corner is left out: $ before ^, which only an empty line satisfies."""
    text = "".join(pieces)
    assume(not re.search(r"\$.*\^", text))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = re.search(text, line, re.ASCII)
        except re.error:
            assume(False)
    assert Pattern(text).found_in(line) == bool(expected)


@pytest.mark.parametrize("text", ["(a+)+$", "(a|a)*$", "(a*)*b", ".*.*.*.*.*x", "(.*a){12}"])
def test_no_pattern_runs_away(text: str) -> None:
    """With backtracking each of these takes longer than the universe has left."""
    assert not Pattern(text + "!").found_in("a" * 3_000)


@pytest.mark.parametrize(
    "text",
    [
        "(",
        ")",
        "[a",
        "*a",
        "a\\",
        "(?=a)",
        "(?i)a",
        "\\1",
        "a{99}",
        "a{3,1}",
        "[z-a]",
        "x" * 201,
        "(" * 40,
        "(a{50}){50}",
        "[[:foo:]]",
    ],
)
def test_unsupported_patterns_are_refused_with_advice(text: str) -> None:
    with pytest.raises(CommandError) as caught:
        Pattern(text)
    assert caught.value.fix


@given(st.text(max_size=30), st.text(max_size=30), st.booleans(), st.booleans())
def test_any_text_is_a_pattern_or_refused(text: str, line: str, ignore_case: bool, basic: bool) -> None:
    try:
        pattern = Pattern(text, ignore_case=ignore_case, basic=basic)
    except CommandError:
        return
    pattern.found_in(line)


def test_case_can_be_ignored_in_letters_and_classes() -> None:
    assert Pattern("oomkilled", ignore_case=True).found_in("OOMKilled")
    assert Pattern("[a-z]9", ignore_case=True).found_in("K9")
    assert not Pattern("oomkilled").found_in("OOMKilled")


def test_basic_patterns_read_as_plain_grep_does() -> None:
    assert Pattern("a|b", basic=True).found_in("a|b")
    assert not Pattern("a|b", basic=True).found_in("a")
    assert Pattern("a\\|b", basic=True).found_in("b")
    assert Pattern("[|]", basic=True).found_in("|")
