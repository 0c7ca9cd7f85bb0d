"""What an image is built from: sizes, lengths of history, versions and their footprint. Part of its content hash."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from reference_platform.models.schema import FRAUD, RANKING, RECOMMENDATION

LABEL_DAYS = 90
"""A payment without a chargeback counts as honest after this long."""
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a version costs to run, and when it was trained."""

    host_memory_bytes: int
    gpu_memory_bytes: int
    load_s: float
    trained_days_ago: float


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """Everything that decides the content of an image besides the code."""

    seed: int = 20240
    customers: int = 5000
    products: int = 1500
    categories: int = 24
    merchants: int = 300
    click_days: int = 24
    click_warm_up_days: int = 12
    payment_days: int = 12
    """Days of payments whose labels are known at t=0; they end `LABEL_DAYS` before it."""
    payment_warm_up_days: int = 16
    examples_per_day: Mapping[str, int] = field(
        default_factory=lambda: {RECOMMENDATION: 6000, FRAUD: 6000, RANKING: 2000}
    )
    """Requests drawn for training from each day, by route."""
    sample_rows: int = 10_000
    """Training rows per version that the reference for drift is fitted to."""

    def to_json(self) -> str:
        """Canonical text; `from_json` gives an equal plan."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> BuildPlan:
        """Inverse of `to_json`. Raises TypeError for a field it does not know."""
        return cls(**json.loads(text))


FOOTPRINTS: Mapping[tuple[str, int], Footprint] = {
    (RECOMMENDATION, 1): Footprint(4 * GIB, 5 * GIB, 18.0, 61.0),
    (RECOMMENDATION, 2): Footprint(4 * GIB, 5 * GIB, 18.0, 33.0),
    (RECOMMENDATION, 3): Footprint(4 * GIB, 5 * GIB, 20.0, 9.0),
    (RECOMMENDATION, 4): Footprint(11 * GIB, 14 * GIB, 45.0, 0.4),
    (FRAUD, 1): Footprint(3 * GIB, 3 * GIB, 12.0, 75.0),
    (FRAUD, 2): Footprint(3 * GIB, 3 * GIB, 12.0, 26.0),
    (FRAUD, 3): Footprint(3 * GIB, 3 * GIB, 14.0, 2.0),
    (RANKING, 1): Footprint(4 * GIB, 4 * GIB, 15.0, 48.0),
    (RANKING, 2): Footprint(4 * GIB, 4 * GIB, 16.0, 15.0),
}

ALIASES: Mapping[str, Mapping[str, int]] = {
    RECOMMENDATION: {"champion": 3},
    FRAUD: {"champion": 2, "challenger": 3},
    RANKING: {"champion": 2},
}
