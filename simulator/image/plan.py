"""What an image is built from: sizes and lengths of history. Part of its content hash."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

LABEL_DAYS = 90
"""A payment without a chargeback counts as honest after this long."""


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
    sample_rows: int = 10_000
    """Training rows per version that the reference for drift is fitted to."""

    def to_json(self) -> str:
        """Canonical text; `from_json` gives an equal plan."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> BuildPlan:
        """Inverse of `to_json`. Raises TypeError for a field it does not know."""
        return cls(**json.loads(text))
