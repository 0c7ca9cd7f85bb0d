"""`feast serve` over SQLite with the features of the bench. Runs in the environment of the peers.

python feast_http_server.py FOLDER PORT VIEWS FEATURES KEYS
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, PushSource
from feast.cli.cli import cli
from feast.types import Float64, Int64
from feast.value_type import ValueType


def main() -> None:
    """Apply, write, serve until ended."""
    folder, port = Path(sys.argv[1]), sys.argv[2]
    views, features, keys = (int(text) for text in sys.argv[3:6])
    settings = {
        "project": "bench",
        "provider": "local",
        "registry": str(folder / "registry.db"),
        "online_store": {"type": "sqlite", "path": str(folder / "online.db")},
        "offline_store": {"type": "dask"},
        "entity_key_serialization_version": 3,
    }
    (folder / "feature_store.yaml").write_text(yaml.safe_dump(settings))
    now = datetime.now(timezone.utc)  # noqa: UP017  (the peers may run an older Python)
    frame = pd.DataFrame({"driver_id": np.arange(keys), "event_timestamp": [now] * keys})
    frame.to_parquet(folder / "history.parquet")
    file = FileSource(name="history", path=str(folder / "history.parquet"), timestamp_field="event_timestamp")
    driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
    rng = np.random.default_rng(0)
    store = FeatureStore(repo_path=str(folder))
    for number in range(views):
        names = [f"f{number}_{index}" for index in range(features)]
        view = FeatureView(
            name=f"view{number}",
            entities=[driver],
            ttl=timedelta(days=1),
            schema=[Field(name="driver_id", dtype=Int64), *(Field(name=name, dtype=Float64) for name in names)],
            source=PushSource(name=f"push{number}", batch_source=file),
        )
        store.apply([driver, view])
        store.write_to_online_store(view.name, frame.assign(**{name: rng.normal(size=keys) for name in names}))
    cli(["-c", str(folder), "serve", "-p", port, "--no-access-log", "--max-requests", "0", "-r", "600"])


if __name__ == "__main__":
    main()
