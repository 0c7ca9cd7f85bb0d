"""Compile the request path, or load what was compiled before, so that no drill waits for it later."""

from __future__ import annotations

import numpy as np

from reference_platform import arithmetic
from reference_platform.serving import records as rec
from reference_platform.serving.served_log import Totals
from reference_platform.serving.trace import INPUT
from simulator.traffic import kernel
from simulator.traffic.quantile import Places


def warm_up() -> None:
    """After this call the compiled functions are in memory. Some seconds the first time on a machine."""
    arithmetic.warm_up()
    core = rec.new_state(rec.Sizes(1, 1, 1, 1, 1, 1, 1, 1))
    kernel.advance(core, kernel.new_virtual(core, 1), rec.table(INPUT, 0), 1)
    Totals.none(1).add(rec.table(rec.ANSWERED, 0))
    Places(np.ones(1)).of(np.zeros(0))
