"""The fleet as this store declares it, and its rows; `feast_fleet.py` declares the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.on_demand import RequestSource, on_demand_feature_view
from reference_platform.features.services import FeatureService
from reference_platform.features.sources import PushSource
from reference_platform.features.store import FeatureStore
from reference_platform.features.times import instant_us
from reference_platform.features.types import Array, Float32, Float64, Int64, String, UnixTimestamp

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DRIVER = Entity(name="driver", join_keys=("driver_id",))
DEPOT = Entity(name="depot", join_keys=("depot_code",), value_type=String)
STATS = FeatureView(
    name="driver_stats",
    entities=(DRIVER,),
    ttl=2 * HOUR,
    schema=(
        Field(name="trips", dtype=Int64),
        Field(name="rating", dtype=Float64),
        Field(name="city", dtype=String),
        Field(name="seen", dtype=UnixTimestamp),
        Field(name="route", dtype=Array(Float32)),
    ),
    source=PushSource(name="driver_push"),
)
PAIRS = FeatureView(
    name="driver_depot",
    entities=(DRIVER, DEPOT),
    schema=(Field(name="visits", dtype=Int64),),
    source=PushSource(name="pair_push"),
)


@on_demand_feature_view(
    sources=[STATS[["trips"]], RequestSource(name="offer", schema=(Field(name="price", dtype=Float64),))],
    schema=[Field(name="worth", dtype=Float64)],
)
def trip_worth(columns: Mapping[str, Any]) -> Mapping[str, Any]:
    """Trips times the price that the request brings."""
    return {"worth": columns["trips"] * columns["price"]}


RANKING = FeatureService("ranking", (STATS[["trips", "rating"]], PAIRS))


def rows(now: datetime) -> dict[str, dict[str, list[Any]]]:
    """By view: driver 1 is fresh, 2 too old, 3 has nulls."""
    times = [(now - HOUR).isoformat(), (now - 3 * HOUR).isoformat(), (now - timedelta(minutes=1)).isoformat()]
    return {
        "driver_stats": {
            "driver_id": [1, 2, 3],
            "event_timestamp": times,
            "trips": [7, 8, 9],
            "rating": [4.5, 1.0, None],
            "city": ["Oslo", "Rome", None],
            "seen": ["2026-03-01T10:00:00+00:00"] * 3,
            "route": [[0.5, 2.0], [1.0], [3.0]],
        },
        "driver_depot": {
            "driver_id": [1, 12],
            "depot_code": ["23", "3"],
            "event_timestamp": times[:1] * 2,
            "visits": [5, 6],
        },
    }


def opened(root: Path) -> FeatureStore:
    """The store in `root`, at noon, with its rows."""
    store = FeatureStore(root, clock=lambda: instant_us(NOW))
    store.apply([STATS, PAIRS, trip_worth, RANKING])
    for view, columns in rows(NOW).items():
        store.write_to_online_store(view, columns)
    return store
