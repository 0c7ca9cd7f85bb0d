"""What a visitor gets when no model answers: the ladder of what is less good, in order."""

from __future__ import annotations

from reference_platform.compilation import inline
from reference_platform.serving import records as rec


@inline
def outcome(gateway_up: int, fallback_up: int) -> int:
    """The highest rung that stands: the default while its service and the way there are up, else an error page."""
    return rec.FALLBACK if gateway_up > 0 and fallback_up > 0 else rec.ERROR
