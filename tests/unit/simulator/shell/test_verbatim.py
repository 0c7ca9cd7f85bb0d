"""Lines whose rest is taken as typed: queries up to a pipe, free text to the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_platform.errors import CommandError
from simulator.shell.library import load_commands
from simulator.shell.line import split_pipes
from simulator.shell.registry import LINE_MAX_CHARS, find, parse

load_commands()


@pytest.mark.parametrize(
    "query",
    ['rate(x{code=~"5..|4.."}[5m])', "x{a='b|c'}", 'sum by (route) (x{a!="b"}) / 2 > 0.1', "x{a=~`a|b`} or y"],
)
def test_a_query_reaches_its_command_as_typed(query: str) -> None:
    stages = split_pipes(f"metrics {query} | head -3")
    assert stages[1:] == [["head", "-3"]]
    found, rest = find(stages[0])
    assert parse(found, rest).raw == query


@pytest.mark.parametrize("text", ["it's slow | really", 'he said "no', "a  b", "--force"])
def test_a_note_keeps_every_character(text: str) -> None:
    stages = split_pipes(f"note {text}")
    found, rest = find(stages[0])
    assert parse(found, rest).raw == text
    assert len(stages) == 1


def test_the_longest_form_wins() -> None:
    found, rest = find(split_pipes("metrics list store | wc -l")[0])
    assert (found.words, rest) == (("metrics", "list"), ["store"])


def test_help_is_reached_behind_any_command() -> None:
    for line in ("note --help", "store info --help", "nonsense --help"):
        assert find(split_pipes(line)[0])[0].words == ("help",)


@pytest.mark.parametrize("line", ["metrics up |", "slo | | head", "| head", "slo 'open", "x" * (LINE_MAX_CHARS + 1)])
def test_broken_lines_are_refused(line: str) -> None:
    with pytest.raises(CommandError):
        split_pipes(line)


@given(st.text(max_size=80))
def test_any_line_is_split_or_refused(line: str) -> None:
    for head in ("", "note ", "metrics ", "slo "):
        try:
            stages = split_pipes(head + line)
        except CommandError:
            continue
        assert all(isinstance(word, str) for stage in stages for word in stage)
