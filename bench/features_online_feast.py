"""Feast's online reads, run by a Python that has Feast: `features_online_feast.py sqlite|redis FOLDER PORT`.

Fills a store once and prints {"ready": version}. Then, per line `ENTITIES READS` on standard input, reads that often
and prints the latencies in seconds. The same rows as ours, see `rows`.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

ENTITIES, FEATURES = 10_000, 20


def rows(entities: int, features: int) -> Any:
    """float32[entities, features], the same on both sides."""
    import numpy as np

    return np.random.default_rng(3).standard_normal((entities, features)).astype(np.float32)


def asked(entities: int, reads: int, of: int) -> list[list[int]]:
    """Which entities each read asks for, the same on both sides."""
    import numpy as np

    return [each.tolist() for each in np.random.default_rng(entities).integers(0, of, (reads, entities))]


def _store(kind: str, folder: Path, port: str) -> tuple[Any, list[str]]:
    import pandas as pd
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource
    from feast.repo_config import RepoConfig
    from feast.types import Float32
    from feast.value_type import ValueType

    online = {"type": "sqlite", "path": str(folder / "online.db")}
    if kind == "redis":
        online = {"type": "redis", "connection_string": f"localhost:{port}"}
    store = FeatureStore(
        config=RepoConfig(
            project="peer",
            provider="local",
            registry=str(folder / "registry.db"),
            online_store=online,
            offline_store={"type": "dask"},
            entity_key_serialization_version=3,
        )
    )
    names = [f"f{number}" for number in range(FEATURES)]
    frame = pd.DataFrame(rows(ENTITIES, FEATURES), columns=names)
    frame = frame.assign(entity=range(ENTITIES), event_timestamp=datetime.now(timezone.utc))  # noqa: UP017 (older Python)
    frame.to_parquet(folder / "rows.parquet")
    entity = Entity(name="entity", join_keys=["entity"], value_type=ValueType.INT64)
    view = FeatureView(
        name="v",
        entities=[entity],
        ttl=timedelta(days=1),
        schema=[Field(name=name, dtype=Float32) for name in names],
        source=FileSource(path=str(folder / "rows.parquet"), timestamp_field="event_timestamp"),
    )
    store.apply([entity, view])
    store.write_to_online_store("v", frame)
    return store, [f"v:{name}" for name in names]


def main() -> None:
    """Answer rounds until standard input ends."""
    kind, folder, port = sys.argv[1:4]
    import feast

    store, features = _store(kind, Path(folder), port)
    print(json.dumps({"ready": feast.__version__}), flush=True)
    for line in sys.stdin:
        entities, reads = map(int, line.split())
        taken = []
        for ids in asked(entities, reads, ENTITIES):
            begin = time.perf_counter()
            store.get_online_features(features=features, entity_rows=[{"entity": i} for i in ids]).to_dict()
            taken.append(time.perf_counter() - begin)
        print(json.dumps(taken), flush=True)


if __name__ == "__main__":
    main()
