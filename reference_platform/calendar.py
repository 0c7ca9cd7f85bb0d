"""Days and times of a drill's week, as people read and write them."""

from __future__ import annotations

import math
import re

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
TIME = re.compile(rf"({'|'.join(DAYS)}) ([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
"""`Tue 22:30`."""


def clock_text(since_monday_s: float) -> str:
    """`Wed 03:07:42`, so many seconds after a Monday's midnight."""
    day, second = divmod(math.floor(round(since_monday_s, 6)), 86400)
    return f"{DAYS[day % 7]} {second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def since_monday_s(text: str) -> float | None:
    """Seconds since a Monday's midnight of `Tue 22:30`; None when it is no day and time."""
    found = TIME.fullmatch(text)
    return None if found is None else DAYS.index(found[1]) * 86400.0 + int(found[2]) * 3600.0 + int(found[3]) * 60.0
