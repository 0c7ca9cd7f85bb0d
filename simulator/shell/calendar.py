"""The drill's calendar: simulation seconds as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reference_platform.calendar import clock_text
from simulator.shell.context import Operator

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
"""The week in which every drill plays begins here."""


def moment(op: Operator, t_s: float) -> datetime:
    """Simulation second `t_s` as a date, for tools that print one."""
    return MONDAY + timedelta(seconds=op.drill.calendar_offset_s + t_s)


def ctime(op: Operator, t_s: float) -> str:
    """`Mon Mar  2 02:45:00 2026`, as C's asctime writes it."""
    at = moment(op, t_s)
    return f"{at:%a %b} {at.day:>2} {at:%H:%M:%S %Y}"


def clock(op: Operator, t_s: float) -> str:
    """`Wed 03:07:42` at simulation second `t_s`."""
    return clock_text(op.drill.calendar_offset_s + t_s)


def age(op: Operator, t_s: float) -> str:
    """Time since simulation second `t_s`, as kubectl prints ages."""
    return human_duration(op.now_s - t_s)


def human_duration(seconds: float) -> str:
    """`64s`, `5m4s`, `150m`, `10h`, `2d7h`, `9d`, `2y20d`.

    Source: k8s.io/apimachinery, util/duration, HumanDuration.
    """
    total_s = max(0, int(seconds))
    minutes, hours, days = total_s // 60, total_s // 3600, total_s // 86400
    if total_s < 120:
        return f"{total_s}s"
    if minutes < 10:
        return _two(minutes, "m", total_s % 60, "s")
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if days < 2 * 365:
        return f"{days}d"
    if days < 8 * 365:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(large: int, unit: str, small: int, small_unit: str) -> str:
    return f"{large}{unit}{small}{small_unit}" if small else f"{large}{unit}"
