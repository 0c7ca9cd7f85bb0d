"""Small batches of shop events, and senders for them."""

from __future__ import annotations

import numpy as np

from reference_platform.features.definitions import Columns
from reference_platform.shop.producers import STABLE, ProducerRelease, Sender

STEP_S = 300.0
GOOD = Sender(ProducerRelease(STABLE))


def payments(seed: int, now_s: float, count: int = 40, customers: int = 200) -> Columns:
    """Payments of the step that ends at `now_s`."""
    rng = np.random.default_rng(seed)
    return {
        "ts": np.sort(rng.uniform(now_s - STEP_S, now_s, count)),
        "customer": rng.integers(0, customers, count).astype(np.int32),
        "merchant": rng.integers(0, 9, count).astype(np.int32),
        "amount_eur": rng.lognormal(3, 1, count).astype(np.float32),
        "new_device": rng.random(count) < 0.2,
        "is_fraud": rng.random(count) < 0.01,
    }
