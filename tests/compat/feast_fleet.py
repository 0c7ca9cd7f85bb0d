"""The fleet as feast declares it. Runs in the environment of the peers."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas as pd
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, PushSource, RequestSource
from feast.on_demand_feature_view import on_demand_feature_view
from feast.repo_config import RepoConfig
from feast.types import Array, Float32, Float64, Int64, String, UnixTimestamp
from feast.value_type import ValueType

PROJECT = "fleet"


def config(folder: Path, online_store: dict[str, Any]) -> RepoConfig:
    """A repository in `folder`."""
    return RepoConfig(
        project=PROJECT,
        provider="local",
        registry=str(folder / "registry.db"),
        online_store=online_store,
        offline_store={"type": "dask"},
        entity_key_serialization_version=3,
    )


def declared(folder: Path) -> list[Any]:
    """Everything that the tests read and write."""
    history = folder / "history.parquet"
    when = datetime(2026, 1, 1, tzinfo=timezone.utc)  # noqa: UP017  (the peers may run an older Python)
    pd.DataFrame({"driver_id": [1], "event_timestamp": [when]}).to_parquet(history)
    file = FileSource(name="history", path=str(history), timestamp_field="event_timestamp")
    driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
    depot = Entity(name="depot", join_keys=["depot_code"], value_type=ValueType.STRING)
    stats = FeatureView(
        name="driver_stats",
        entities=[driver],
        ttl=timedelta(hours=2),
        schema=[
            Field(name="driver_id", dtype=Int64),
            Field(name="trips", dtype=Int64),
            Field(name="rating", dtype=Float64),
            Field(name="city", dtype=String),
            Field(name="seen", dtype=UnixTimestamp),
            Field(name="route", dtype=Array(Float32)),
        ],
        source=PushSource(name="driver_push", batch_source=file),
    )
    pairs = FeatureView(
        name="driver_depot",
        entities=[driver, depot],
        schema=[
            Field(name="driver_id", dtype=Int64),
            Field(name="depot_code", dtype=String),
            Field(name="visits", dtype=Int64),
        ],
        source=PushSource(name="pair_push", batch_source=file),
    )
    offer = RequestSource(name="offer", schema=[Field(name="price", dtype=Float64)])

    @on_demand_feature_view(
        sources=[stats[["trips"]], offer], schema=[Field(name="worth", dtype=Float64)], mode="python"
    )
    def trip_worth(inputs: dict[str, Any]) -> dict[str, Any]:
        return {"worth": [trips * price for trips, price in zip(inputs["trips"], inputs["price"])]}  # noqa: B905

    return [
        driver,
        depot,
        stats,
        pairs,
        trip_worth,
        FeatureService(name="ranking", features=[stats[["trips", "rating"]], pairs]),
        FeatureService(name="elsewhere", features=[stats[["trips"]]]),
    ]


def opened(folder: Path, online_store: dict[str, Any]) -> FeatureStore:
    """The repository, applied."""
    store = FeatureStore(config=config(folder, online_store))
    store.apply(declared(folder))
    return store


def frame(columns: dict[str, list[Any]]) -> pd.DataFrame:
    """Columns as JSON brought them, as a frame with instants."""
    made = pd.DataFrame(columns)
    for name in ("event_timestamp", "seen"):
        if name in made:
            made[name] = pd.to_datetime(made[name], utc=True, format="ISO8601")
    return made
