"""Whether a request is also shown to a version that nobody waits for."""

from __future__ import annotations

from reference_platform.compilation import inline


@inline
def is_shadowed(shadow_arm: int, members: int, tries: int, free_attempts: int, attempts: int) -> bool:
    """First attempts are copied, while half of the room is free: a shadow must never crowd out a visitor."""
    return shadow_arm >= 0 and members > 0 and tries == 1 and 2 * free_attempts > attempts
