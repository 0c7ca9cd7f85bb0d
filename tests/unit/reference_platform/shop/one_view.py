"""A small integer-keyed view for tests of the stores."""

from __future__ import annotations

from datetime import timedelta

from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.sources import TableSource
from reference_platform.features.types import Float32, Int32


def one_view(name: str, count: int, *features: str, ttl_s: float = 3600.0) -> FeatureView:
    """A view of `count` customers, every five minutes, promised within fifteen."""
    return FeatureView(
        name=name,
        entities=(Entity("customer", value_type=Int32, key_count=count),),
        schema=tuple(Field(name=feature, dtype=Float32) for feature in features),
        source=TableSource(name="clicks"),
        every=timedelta(minutes=5),
        freshness_sla=timedelta(minutes=15),
        ttl=timedelta(seconds=ttl_s),
        owner="tests",
    )
