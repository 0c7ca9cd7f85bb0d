"""A small store to serve: values of every type, two join keys, request data, personal data, a file to materialise."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from reference_platform.features.config import StoreConfig
from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.on_demand import RequestSource, on_demand_feature_view
from reference_platform.features.services import FeatureService
from reference_platform.features.sources import FileSource, PushSource
from reference_platform.features.store import FeatureStore
from reference_platform.features.times import instant_us
from reference_platform.features.types import Array, Bytes, Float32, Float64, Int64, String, UnixTimestamp

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

DRIVER = Entity(name="driver", join_keys=("driver_id",))
DEPOT = Entity(name="depot", join_keys=("depot_code",), value_type=String)
TAG = Entity(name="tag", join_keys=("tag_id",), value_type=Bytes)

STATS = FeatureView(
    name="driver_stats",
    entities=(DRIVER,),
    source=PushSource(name="driver_push"),
    ttl=2 * HOUR,
    schema=(
        Field(name="trips", dtype=Int64),
        Field(name="rating", dtype=Float64),
        Field(name="city", dtype=String),
        Field(name="seen", dtype=UnixTimestamp),
        Field(name="badge", dtype=Bytes),
        Field(name="route", dtype=Array(Float32)),
        Field(name="phone", dtype=String, pii="phone"),
    ),
)
PAIRS = FeatureView(
    name="driver_depot",
    entities=(DRIVER, DEPOT),
    source=PushSource(name="pair_push"),
    schema=(Field(name="visits", dtype=Int64),),
)
TAGS = FeatureView(
    name="tags", entities=(TAG,), source=PushSource(name="tag_push"), schema=(Field(name="uses", dtype=Int64),)
)
DAILY = FeatureView(
    name="daily",
    entities=(DRIVER,),
    source=FileSource(path="daily.parquet", name="daily_file"),
    schema=(Field(name="km", dtype=Float64),),
)


@on_demand_feature_view(
    sources=[STATS[["trips"]], RequestSource(name="offer", schema=(Field(name="price", dtype=Float64),))],
    schema=[Field(name="worth", dtype=Float64)],
)
def trip_worth(columns: Mapping[str, Any]) -> Mapping[str, Any]:
    """Trips times the price that the request brings."""
    return {"worth": columns["trips"] * columns["price"]}


RANKING = FeatureService("ranking", (STATS[["trips", "rating"]], PAIRS))
GRANTS = """grants:
  - role: support
    purpose: callback
    expires: 2027-01-01T00:00:00Z
    pii: [phone]
    granted_by: ada
    reason: drivers ask for it
"""
ROWS: dict[str, list[Any]] = {
    "driver_id": [1, 2, 3],
    "event_timestamp": [
        (NOW - HOUR).isoformat(),
        (NOW - 3 * HOUR).isoformat(),
        (NOW - timedelta(microseconds=1500)).isoformat(),
    ],
    "trips": [7, 8, None],
    "rating": [4.5, 1.0, "NaN"],
    "city": ["Oslo", "Rome", "null"],
    "seen": [1772366400, 1772366400.5, None],
    "badge": ["AAE=", None, "/w=="],
    "route": [[0.5, 2], None, ["Infinity", None]],
    "phone": ["555-0101", "555-0102", "555-0103"],
}


def opened(root: Path) -> FeatureStore:
    """The store in `root`, at noon, with nothing in it."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "grants.yaml").write_text(GRANTS, encoding="utf-8")
    days = [NOW - timedelta(days=2), NOW - timedelta(days=1)]
    pq.write_table(
        pa.table({"driver_id": [1, 2], "event_timestamp": days, "km": [120.5, 80.0]}), root / "daily.parquet"
    )
    store = FeatureStore(root, config=StoreConfig(grants="grants.yaml"), clock=lambda: instant_us(NOW))
    store.apply([STATS, PAIRS, TAGS, DAILY, trip_worth, RANKING])
    return store
