"""The drill's calendar: simulation seconds as people read them."""

from __future__ import annotations

from reference_platform.calendar import clock_text
from reference_platform.durations import format_duration
from simulator.shell.context import Operator


def clock(op: Operator, t_s: float) -> str:
    """`Wed 03:07:42` at simulation second `t_s`."""
    return clock_text(op.drill.calendar_offset_s + t_s)


def age(op: Operator, t_s: float) -> str:
    """Time since simulation second `t_s`, as kubectl prints ages."""
    return format_duration(op.now_s - t_s)
