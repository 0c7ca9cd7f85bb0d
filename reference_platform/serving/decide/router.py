"""Which arm a visitor belongs to: the same one at every visit, as long as the shares stay."""

from __future__ import annotations

import numpy as np

from reference_platform.compilation import inline
from reference_platform.serving import records as rec

_ODD_1, _ODD_2 = np.uint64(0x2127599BF4325C37), np.uint64(0x4BE98134A5976FD3)


@inline
def mixed(number: int) -> int:
    """A whole number in [0, 2**63) that hangs on every bit of `number`.

    Two rounds of xor-shift and multiplication by an odd constant, in unsigned numbers, which may wrap around.
    Source: the finaliser of Austin Appleby's MurmurHash3, with other constants.
    """
    z = np.uint64(number)
    z = (z ^ (z >> np.uint64(32))) * _ODD_1
    z = (z ^ (z >> np.uint64(29))) * _ODD_2
    z = z ^ (z >> np.uint64(32))
    return int(z >> np.uint64(1))


@inline
def bucket_of(entity: int, salt: int) -> int:
    """The visitor's bucket on a route, 0..BUCKETS-1. Routes with other salts cut the visitors otherwise."""
    return mixed(entity + salt) % rec.BUCKETS


@inline
def arm_of(arms: rec.Records, begin: int, end: int, bucket: int, now_us: int) -> int:
    """The arm whose share holds `bucket`, or the first other one that can answer; -1 when none can."""
    chosen = -1
    for arm in range(begin, end):
        if bucket < arms[arm].bucket_end:
            chosen = arm
            break
    if chosen >= 0 and arms[chosen].members > 0 and arms[chosen].open_until_us <= now_us:
        return chosen
    for arm in range(begin, end):
        if arms[arm].members > 0 and arms[arm].open_until_us <= now_us and arms[arm].bucket_end > 0:
            return arm
    return -1


@inline
def circuit_open(arms: rec.Records, begin: int, end: int) -> bool:
    """Whether some arm has replicas, so that only its breaker can have kept the visitor out."""
    for arm in range(begin, end):  # noqa: SIM110 - the compiler has no generators
        if arms[arm].members > 0:
            return True
    return False
