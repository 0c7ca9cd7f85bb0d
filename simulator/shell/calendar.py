"""The drill's calendar: simulation seconds as people read them."""

from __future__ import annotations

import math

from reference_platform.durations import format_duration
from simulator.shell.context import Operator

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def clock(op: Operator, t_s: float) -> str:
    """`Wed 03:07:42` at simulation second `t_s`."""
    day, second = divmod(math.floor(round(op.drill.calendar_offset_s + t_s, 6)), 86400)
    return f"{_DAYS[day % 7]} {second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def age(op: Operator, t_s: float) -> str:
    """Time since simulation second `t_s`, as kubectl prints ages."""
    return format_duration(op.now_s - t_s)
