"""What a feature view is. Declared once; training, serving and monitoring all read the same declaration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[np.generic]]
"""Columnar records: equal-length arrays by column name."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A kind of thing that features describe. Keys are the integers 0 .. count-1."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Feature:
    name: str
    unit: str
    description: str


@dataclass(frozen=True, slots=True)
class FeatureView:
    """Features of one entity, computed together from one source table."""

    name: str
    entity: Entity
    features: tuple[Feature, ...]
    source: str
    every_s: float
    """Pause between two runs of its materialisation job."""
    freshness_sla_s: float
    """Values older than this break the promise made to the models that read them."""
    ttl_s: float
    """A point-in-time join ignores rows older than this; a row exactly this old still counts."""
    owner: str
    description: str

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names in column order."""
        return tuple(feature.name for feature in self.features)

    @property
    def width(self) -> int:
        """Number of features, the second dimension of every value array of this view."""
        return len(self.features)
