"""A small team's declarations and data, for tests of the store as a whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.on_demand import RequestSource, on_demand_feature_view
from reference_platform.features.services import FeatureService
from reference_platform.features.sources import FileSource, PushSource
from reference_platform.features.types import Float32, Float64, Int64, String

T0 = datetime(2026, 1, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

DRIVER = Entity("driver", join_keys=("driver_id",), owner="rides")
STATS_FILE = FileSource(path="stats.parquet", created_timestamp_column="created", owner="rides-data")
STATS = FeatureView(
    name="driver_stats",
    source=PushSource(name="driver_stats_push", batch_source=STATS_FILE),
    entities=(DRIVER,),
    ttl=timedelta(hours=2),
    schema=(
        Field(name="trips", dtype=Int64),
        Field(name="rating", dtype=Float32),
        Field(name="phone", dtype=String, pii="phone"),
    ),
    owner="rides",
)
TARIFF = RequestSource(name="tariff", schema=(Field(name="price_eur", dtype=Float64),))


def _fare(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {"fare_eur": columns["price_eur"] * (1.0 + columns["rating"].astype(np.float64) / 10.0)}


FARE = on_demand_feature_view(
    sources=[STATS[["rating"]], TARIFF], schema=[Field(name="fare_eur", dtype=Float64)], name="fare"
)(_fare)
SERVICE = FeatureService("pricing", (STATS[["trips", "rating"]], FARE))


def us(moment: datetime) -> int:
    """Microseconds of an instant."""
    return round(moment.timestamp() * 1e6)


def write_stats(folder: Path) -> None:
    """Drivers 1 and 2: one row at T0, one an hour earlier; driver 3 has nulls; each known ten minutes later."""
    rows = [
        {"driver_id": 1, "trips": 10, "rating": 4.5, "phone": "+49-1", "event_timestamp": T0 - HOUR},
        {"driver_id": 1, "trips": 11, "rating": 4.0, "phone": "+49-1", "event_timestamp": T0},
        {"driver_id": 2, "trips": 20, "rating": 3.5, "phone": "+49-2", "event_timestamp": T0 - HOUR},
        {"driver_id": 3, "trips": None, "rating": None, "phone": None, "event_timestamp": T0},
    ]
    created = [row["event_timestamp"] + timedelta(minutes=10) for row in rows]  # type: ignore[operator]
    table = pa.Table.from_pylist([{**row, "created": when} for row, when in zip(rows, created, strict=True)])
    pq.write_table(table, folder / "stats.parquet")
