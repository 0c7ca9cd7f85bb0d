"""Trails tell where two logs part."""

from __future__ import annotations

import pytest

from scenarios.trail import CODE_CHARS, first_difference, trail_of

LINES = [f'{{"n":{n}}}' for n in range(1, 41)]


def test_equal_logs_have_one_trail() -> None:
    assert trail_of(LINES) == trail_of(list(LINES))
    assert len(trail_of(LINES)) == CODE_CHARS * len(LINES)
    assert first_difference(LINES, trail_of(LINES)) is None


@pytest.mark.parametrize("at", [0, 1, 20, 39])
def test_the_first_line_that_differs_is_found(at: int) -> None:
    other = [*LINES[:at], "another", *LINES[at + 1 :]]
    assert first_difference(other, trail_of(LINES)) == at


@pytest.mark.parametrize("at", [0, 1, 39])
def test_a_shorter_and_a_longer_log_part_at_their_end(at: int) -> None:
    assert first_difference(LINES[:at], trail_of(LINES)) == at
    assert first_difference(LINES, trail_of(LINES[:at])) == at


def test_a_trail_goes_on_where_another_ended() -> None:
    before = trail_of(LINES[:10])
    assert before + trail_of(LINES[10:], before) == trail_of(LINES)


def test_two_lines_in_another_order_differ_at_the_first() -> None:
    turned = [*LINES[:5], LINES[6], LINES[5], *LINES[7:]]
    assert first_difference(turned, trail_of(LINES)) == 5
