"""Features of a ride service: what was driven in the last hours, and what a ride will cost."""

from __future__ import annotations

from datetime import timedelta

from reference_platform.features import (
    Entity,
    FeatureService,
    FeatureView,
    Field,
    FileSource,
    Float32,
    Float64,
    Int64,
    PushSource,
    RequestSource,
    String,
    on_demand_feature_view,
)

driver = Entity("driver", join_keys=("driver_id",), description="Somebody who drives for us.", owner="rides")

hourly_stats = FileSource(
    name="hourly_stats",
    path="data/source/driver_stats.parquet",
    timestamp_field="event_timestamp",
    created_timestamp_column="created",
    owner="rides-data",
)

driver_stats = FeatureView(
    name="driver_stats",
    entities=(driver,),
    source=PushSource(name="driver_stats_push", batch_source=hourly_stats),
    ttl=timedelta(days=1),
    freshness_sla=timedelta(hours=2),
    schema=(
        Field(name="trips_today", dtype=Int64, unit="count", description="trips since midnight"),
        Field(name="rating", dtype=Float32, unit="stars", description="mean of the last 50 ratings"),
        Field(name="phone", dtype=String, description="how to reach the driver", pii="phone"),
    ),
    owner="rides",
    description="What a driver did lately.",
)

ride = RequestSource(
    name="ride", schema=(Field(name="distance_km", dtype=Float64), Field(name="euro_per_km", dtype=Float64))
)


@on_demand_feature_view(sources=[driver_stats[["rating"]], ride], schema=[Field(name="fare_eur", dtype=Float64)])
def fare(columns):  # type: ignore[no-untyped-def]
    """What the ride would cost: good drivers earn a tenth more."""
    return {"fare_eur": columns["distance_km"] * columns["euro_per_km"] * (1.0 + 0.1 * (columns["rating"] >= 4.5))}


pricing = FeatureService(
    "pricing", (driver_stats[["trips_today", "rating"]], fare), description="What the price model reads.", logging=True
)
