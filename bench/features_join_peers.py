"""One measurement of a peer, run by the Python that has it: `python features_join_peers.py NAME FOLDER`.

All answer by event time alone: none of them can leave out what was not known yet and still keep every label.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

FEATURES = tuple(f"f{at}" for at in range(5))


def polars(folder: Path, _: str) -> tuple[float, Any]:
    """Parquet to Arrow; the sort makes the later created win a tie."""
    import polars as pl

    begin = time.perf_counter()
    rows = pl.read_parquet(folder / "features.parquet").sort("event_timestamp", "created")
    labels = pl.read_parquet(folder / "labels.parquet").sort("event_timestamp")
    joined = labels.join_asof(
        rows, on="event_timestamp", by="entity", tolerance="1d", strategy="backward", check_sortedness=False
    )
    answers = joined.sort("label_id").select(FEATURES).to_arrow()
    return time.perf_counter() - begin, answers


def feast(folder: Path, kind: str) -> tuple[float, Any]:
    """Its offline store of that kind, from Parquet to what it hands out first: a frame, or Arrow."""
    import pandas as pd
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource
    from feast.repo_config import RepoConfig
    from feast.types import Float64
    from feast.value_type import ValueType

    state = Path(tempfile.mkdtemp(dir=folder))
    config = RepoConfig(
        project="bench",
        provider="local",
        registry=str(state / "registry.db"),
        offline_store={"type": kind},
        online_store={"type": "sqlite", "path": str(state / "online.db")},
        entity_key_serialization_version=3,
    )
    store = FeatureStore(config=config)
    entity = Entity(name="entity", join_keys=["entity"], value_type=ValueType.INT64)
    source = FileSource(
        path=str(folder / "features.parquet"), timestamp_field="event_timestamp", created_timestamp_column="created"
    )
    schema = [Field(name=name, dtype=Float64) for name in FEATURES]
    store.apply([entity, FeatureView(name="v", entities=[entity], ttl=timedelta(days=1), schema=schema, source=source)])
    labels = pd.read_parquet(folder / "labels.parquet")
    begin = time.perf_counter()
    job = store.get_historical_features(entity_df=labels, features=[f"v:{name}" for name in FEATURES])
    answers = job.to_df() if kind == "dask" else job.to_arrow()
    return time.perf_counter() - begin, answers


PEERS = {"polars": (polars, ""), "feast-dask": (feast, "dask"), "feast-duckdb": (feast, "duckdb")}
PACKAGES = {"polars": "polars", "feast-dask": "feast", "feast-duckdb": "feast"}


def main() -> None:
    """Print seconds and how many labels came back."""
    name = sys.argv[1]
    os.environ.setdefault("FEAST_USAGE", "False")
    if importlib.util.find_spec(PACKAGES[name]) is None:
        print(json.dumps({"missing": PACKAGES[name]}))
        return
    measure, kind = PEERS[name]
    seconds, answers = measure(Path(sys.argv[2]), kind)
    print(json.dumps({"seconds": seconds, "rows": len(answers)}))


if __name__ == "__main__":
    main()
