"""Whether a failed attempt is followed by another."""

from __future__ import annotations

from reference_platform.compilation import inline
from reference_platform.serving import records as rec


@inline
def tries_again(tries: int, attempts_max: int, flags: int, cause: int) -> bool:
    """The shop's front end tries again until its attempts are used up. Nobody repeats a request sent by hand, and when
    there is no room for an attempt at all, another would only make it worse."""
    return tries < attempts_max and (flags & rec.TAGGED) == 0 and cause != rec.ATTEMPTS_FULL
