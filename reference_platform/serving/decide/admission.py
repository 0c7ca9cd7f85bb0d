"""Whether an attempt may begin."""

from __future__ import annotations

from reference_platform.compilation import inline
from reference_platform.serving import records as rec


@inline
def refusal(gateway_up: int, in_flight: int, in_flight_max: int, arm: int, circuit_open: bool) -> int:
    """Why the gateway refuses at once, or NO_CAUSE. `in_flight` counts this attempt; `arm` is -1 when none answers."""
    if gateway_up == 0:
        return rec.GATEWAY_DOWN
    if arm < 0:
        return rec.CIRCUIT_OPEN if circuit_open else rec.NO_REPLICA
    if in_flight > in_flight_max:
        return rec.OVERLOADED
    return rec.NO_CAUSE
