"""The incident record: what hints cost."""

from __future__ import annotations

import pytest

from simulator.session.incident import HINT_COSTS_POINTS, hint_cost_points
from simulator.shell.help import START
from simulator.shell.library import load_commands
from simulator.shell.registry import COMMANDS


@pytest.mark.parametrize(("step", "cost"), [(1, 4), (2, 6), (3, 8), (4, 10), (5, 10), (9, 10)])
def test_every_hint_costs_more_up_to_the_fourth(step: int, cost: int) -> None:
    assert hint_cost_points(step) == cost


def test_help_says_what_hints_cost() -> None:
    load_commands()
    for text in (COMMANDS["hint",].summary, dict(START)["stuck"]):
        assert [cost for cost in HINT_COSTS_POINTS if f"{cost}" not in text] == []
