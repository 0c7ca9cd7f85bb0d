"""Whether features read before are good enough."""

from __future__ import annotations

from reference_platform.compilation import inline


@inline
def is_fresh(now_us: int, read_us: int, ttl_us: int) -> bool:
    """Whether a replica may use what it read at `read_us`."""
    return now_us - read_us < ttl_us
