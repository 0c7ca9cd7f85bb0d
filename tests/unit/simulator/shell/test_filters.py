"""Pipe stages do what the tools of the same name do."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_platform.errors import CommandError
from simulator.shell.filters import FILTERS, apply_filters

TEXT = "NAME CPU\nweb-1 12\nweb-2 7\ndb-1 120\nweb-2 7"


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("grep web", "web-1 12\nweb-2 7\nweb-2 7"),
        ("grep -v web", "NAME CPU\ndb-1 120"),
        ("grep -c web", "3"),
        ("grep -n db", "4:db-1 120"),
        ("grep -i name", "NAME CPU"),
        ("grep -E web-1|db", "web-1 12\ndb-1 120"),
        ("grep -w 12", "web-1 12"),
        ("grep -F .", ""),
        ("head -n 1", "NAME CPU"),
        ("head -2", "NAME CPU\nweb-1 12"),
        ("head -n -4", "NAME CPU"),
        ("tail -1", "web-2 7"),
        ("tail -n +5", "web-2 7"),
        ("tail -n 0", ""),
        ("wc -l", "5"),
        ("wc -w", "10"),
        ("sort -k2 -n", "NAME CPU\nweb-2 7\nweb-2 7\nweb-1 12\ndb-1 120"),
        ("sort -rnk 2", "db-1 120\nweb-1 12\nweb-2 7\nweb-2 7\nNAME CPU"),
        ("sort -u", "NAME CPU\ndb-1 120\nweb-1 12\nweb-2 7"),
        ("cut -d- -f2", "NAME CPU\n1 12\n2 7\n1 120\n2 7"),
        ("cut -c 1-2", "NA\nwe\nwe\ndb\nwe"),
        ("uniq", TEXT),
        ("less", TEXT),
        ("cat", TEXT),
    ],
)
def test_a_stage_does_what_the_tool_does(stage: str, expected: str) -> None:
    assert apply_filters(TEXT, [stage.split()]) == expected


def test_awk_prints_fields() -> None:
    assert apply_filters("a b c", [["awk", "{print $2}"]]) == "b"
    assert apply_filters("a b c", [["awk", "{print $NF, $1}"]]) == "c a"
    assert apply_filters("a:b", [["awk", "-F:", '{print $2 "-" $1}']]) == "b-a"
    with pytest.raises(CommandError, match="only printing"):
        apply_filters("a", [["awk", "{system(1)}"]])


def test_stages_follow_each_other() -> None:
    stages = [["grep", "web"], ["sort"], ["uniq", "-c"], ["sort", "-rn"], ["head", "-1"], ["awk", "{print $1}"]]
    assert apply_filters(TEXT, stages) == "2"


def test_sizes_sort_by_value() -> None:
    assert apply_filters("2Gi\n512Mi\n1Gi", [["sort", "-h"]]) == "512Mi\n1Gi\n2Gi"


@pytest.mark.parametrize(
    "stage",
    [
        "tee f",
        "foo",
        "",
        "grep",
        "grep a file",
        "head -n x",
        "cut",
        "cut -f x",
        "sort -k 0",
        "wc -z",
        "awk",
        "head a b",
    ],
)
def test_what_cannot_be_done_is_refused_with_advice(stage: str) -> None:
    with pytest.raises(CommandError) as caught:
        apply_filters(TEXT, [stage.split()])
    assert caught.value.fix


def test_an_unknown_filter_names_those_there_are() -> None:
    with pytest.raises(CommandError) as caught:
        apply_filters(TEXT, [["gerp", "x"]])
    assert all(name in str(caught.value) for name in FILTERS)


@given(st.text(max_size=60), st.lists(st.text(max_size=12), max_size=4), st.sampled_from(sorted(FILTERS)))
def test_any_words_give_text_or_a_refusal(text: str, words: list[str], name: str) -> None:
    with suppress(CommandError):
        assert isinstance(apply_filters(text, [[name, *words]]), str)
