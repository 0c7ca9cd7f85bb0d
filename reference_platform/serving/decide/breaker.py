"""When an arm that keeps failing is left alone for a while."""

from __future__ import annotations

from reference_platform.compilation import inline


@inline
def opens(failures: int, failures_max: int) -> bool:
    """Whether this many failures in a row open the circuit; `failures_max` 0 never does.

    The count stays when the pause is over, so the first attempt after it is a trial: one more failure opens again.
    """
    return failures_max > 0 and failures >= failures_max
