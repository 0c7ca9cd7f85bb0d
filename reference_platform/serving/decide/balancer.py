"""Which replica of an arm takes an attempt."""

from __future__ import annotations

from reference_platform.compilation import inline
from reference_platform.serving import records as rec
from reference_platform.serving.decide.router import mixed


@inline
def place_of(
    members: rec.Records, replicas: rec.Records, arm: int, count: int, policy: int, turn: int, lot: int
) -> int:
    """The place of the chosen replica among the `count` members of `arm`.

    ROUND_ROBIN goes by `turn`. LEAST_REQUESTS takes the fewest unfinished requests, the first of equals from `turn` on.
    TWO_CHOICES draws two by `lot` and takes the less loaded.
    Source: Mitzenmacher, "The power of two choices in randomized load balancing", 1996.
    """
    place = turn % count
    if policy == rec.LEAST_REQUESTS:
        best = place
        for step in range(1, count):
            other = (turn + step) % count
            if replicas[members[arm, other]].outstanding < replicas[members[arm, best]].outstanding:
                best = other
        return best
    if policy == rec.TWO_CHOICES and count > 1:
        drawn = mixed(lot)
        first = drawn % count
        second = (first + 1 + (drawn // count) % (count - 1)) % count
        if replicas[members[arm, second]].outstanding < replicas[members[arm, first]].outstanding:
            return second
        return first
    return place
