"""Compile the request path, or load what was compiled before, so that no drill waits for it later."""

from __future__ import annotations

import numpy as np

from reference_platform import arithmetic
from simulator.traffic import kernel
from simulator.traffic.layout import SLOTS_MAX, Finished, new_path
from simulator.traffic.quantile import Places


def warm_up() -> None:
    """After this call the compiled functions are in memory. A few seconds the first time on a machine."""
    arithmetic.warm_up()
    path = new_path(1, 1)
    nothing, none = np.zeros(0), np.zeros(0, np.int64)
    n = SLOTS_MAX
    f, i = np.float64, np.int64
    out = Finished(np.zeros(n, f), np.zeros(n, f), np.zeros(n, f), np.zeros(n, i), np.zeros(n, i), np.zeros(n, i))
    kernel.advance(path, nothing, none, none, out, 1.0)
    kernel.kill_pod(path, out, 0, 0)
    Places(np.ones(1)).of(nothing)
