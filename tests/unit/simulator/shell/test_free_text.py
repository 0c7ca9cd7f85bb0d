"""Free text with named parts, and durations as people write them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_platform.errors import CommandError
from simulator.shell.free_text import is_digits, length_s, parts_of, unquoted

NAMES = ("impact", "doing", "next")


@pytest.mark.parametrize(
    "text",
    [
        'impact="site on defaults" doing="stop the job" next=15m',
        "impact='site on defaults' next=15m doing=stop the job",
        "impact=site on defaults doing=stop the job next=15m",
        'impact: site on defaults, doing: "stop the job", next: 15m',
        '--impact "site on defaults" --doing "stop the job" --next 15m',
    ],
)
def test_every_spelling_gives_the_same_parts(text: str) -> None:
    parts = parts_of(text, NAMES, one_word=("next",))
    assert parts.named == {"impact": "site on defaults", "doing": "stop the job", "next": "15m"}
    assert parts.rest == ""


def test_what_has_no_name_is_the_rest() -> None:
    parts = parts_of('cause=a:b prevention="watch it" it was the store', ("cause", "prevention"), one_word=("cause",))
    assert parts.named == {"cause": "a:b", "prevention": "watch it"}
    assert parts.rest == "it was the store"


SHAPES = {"next": re.compile(r"\d+m")}


@pytest.mark.parametrize(
    ("text", "named", "rest"),
    [
        ("next: 15m then", {"next": "15m"}, "then"),
        ("next: restart the pods", {}, "next: restart the pods"),
        ("a next: restart, next: 15m b", {"next": "15m"}, "a next: restart b"),
        ('next: "15 min" b', {"next": "15 min"}, "b"),
        ("next=soon b", {"next": "soon"}, "b"),
        ("--next soon b", {"next": "soon"}, "b"),
        ("next=15m next=20m", {"next": "15m"}, "next=20m"),
        ("to=a to=b", {"to": "a"}, "to=b"),
        ("impact=a doing=b impact=c", {"impact": "a c", "doing": "b"}, ""),
        ('impact=" a b" c', {"impact": "a b"}, "c"),
        ('impact="a "b" c" d', {"impact": 'a "b'}, 'c" d'),
        ('impact="a"b doing=c', {"impact": '"a"b', "doing": "c"}, ""),
        ("impact='a it's b' c", {"impact": "a it's b"}, "c"),
        ("impact=a, next=15m; .", {"impact": "a", "next": "15m"}, ""),
    ],
)
def test_a_shape_ends_a_value_and_what_is_single_counts_once(text: str, named: dict[str, str], rest: str) -> None:
    parts = parts_of(text, ("impact", "doing", "next", "to"), one_word=("to",), shapes=SHAPES)
    assert (parts.named, parts.rest) == (named, rest)


def test_an_apostrophe_is_no_quote() -> None:
    assert parts_of("impact=it's slow doing=looking", NAMES).named == {"impact": "it's slow", "doing": "looking"}
    assert unquoted("it's") == "it's"
    assert unquoted('"all of it"') == "all of it"
    assert [unquoted(text) for text in ('""', '"', '"a" b "c"', ' "a" ')] == ["", '"', '"a" b "c"', "a"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("1h30m", 5400), ("15 min", 900), ("60", 60), ("2 hours", 7200), ("400d", 34560000)],
)
def test_lengths(text: str, seconds: float) -> None:
    assert length_s(text, "next") == seconds


@pytest.mark.parametrize("text", ["", "soon", "-5m", "0s", "9999d", "34560001", "1e9", "5 parsecs", "9" * 400 + "d"])
def test_other_lengths_are_refused(text: str) -> None:
    with pytest.raises(CommandError):
        length_s(text, "next")


@given(st.text(max_size=120))
def test_any_text_has_parts_or_an_open_quote(text: str) -> None:
    try:
        parts_of(text, NAMES, one_word=("next",))
    except CommandError:
        assert "'" in text or '"' in text


@pytest.mark.parametrize(
    "text",
    ['impact="a b', "impact='a", 'impact: "a b, next=15m', 'impact="a doing="b" next=15m', '--doing "a'],
)
def test_a_quote_that_is_not_closed_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="not closed"):
        parts_of(text, NAMES)


@pytest.mark.parametrize(
    "text", ['impact="a" doing="b"', "impact=it's slow", "impact=\"we said doing='x' then\"", 'impact=5" disk']
)
def test_a_quote_that_opens_nothing_is_a_letter(text: str) -> None:
    assert parts_of(text, NAMES).named["impact"]


@pytest.mark.parametrize("text", ['"we are down', "'a"])
def test_a_text_whose_quote_is_not_closed_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="not closed"):
        unquoted(text)


@pytest.mark.parametrize(
    ("text", "digits"), [("3", True), ("012", True), ("\u0663", False), ("\u00b2", False), ("-3", False), ("", False)]
)
def test_only_ascii_digits_are_a_number(text: str, digits: bool) -> None:
    assert is_digits(text) is digits


def test_a_length_in_other_digits_is_no_length() -> None:
    with pytest.raises(CommandError, match="is not a duration"):
        length_s("\u0661\u0665 min", "--for")
