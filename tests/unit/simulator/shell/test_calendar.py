"""Instants as people read them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from simulator.shell.calendar import clock

WEEK_S = 7 * 86_400.0


@pytest.mark.parametrize(
    ("offset_s", "t_s", "shown"),
    [
        (0.0, 0.0, "Mon 00:00:00"),
        (0.0, 59.999, "Mon 00:00:59"),
        (0.0, 60.0 - 1e-9, "Mon 00:01:00"),
        (0.0, -1.0, "Sun 23:59:59"),
        (0.0, -0.5, "Sun 23:59:59"),
        (80_400.0, 17_094.0, "Tue 03:04:54"),
        (80_400.0, 17_094.0 - WEEK_S, "Tue 03:04:54"),
        (80_400.0, 17_094.1 + 0.2 - WEEK_S, "Tue 03:04:54"),
    ],
)
def test_an_instant_is_read_to_the_second_that_has_begun(offset_s: float, t_s: float, shown: str) -> None:
    op: Any = SimpleNamespace(drill=SimpleNamespace(calendar_offset_s=offset_s))
    assert clock(op, t_s) == shown


def test_the_same_time_a_week_before_shows_the_same_second() -> None:
    op: Any = SimpleNamespace(drill=SimpleNamespace(calendar_offset_s=80_400.0))
    for step in range(2_000):
        t_s = 17_000.0 + step * 0.1
        assert clock(op, t_s).split()[1] == clock(op, t_s - WEEK_S).split()[1]
