"""The wall clock. Everything else takes the time as an argument."""

from __future__ import annotations

import time


def system_now_us() -> int:
    """The present instant, UTC microseconds since 1970."""
    return time.time_ns() // 1000
