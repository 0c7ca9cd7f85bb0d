"""A store gives the same training set, to the last bit, whatever carries its joins out."""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from reference_platform.features import (
    Entity,
    FeatureService,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    Float64,
    Int32,
    Int64,
    OnDemandFeatureView,
    PushMode,
    PushSource,
    String,
)
from reference_platform.features.join.duckdb_engine import DuckDBEngine
from reference_platform.features.join.engine import Engine
from reference_platform.features.join.in_process import InProcessEngine

T0 = datetime(2026, 1, 1, tzinfo=UTC)
NOW_US = round((T0 + timedelta(days=2)).timestamp() * 1e6)
USER = Entity("user", join_keys=("user_id",))
PLACE = Entity("place", join_keys=("city",), value_type=String)
ROWS, LABELS = 600, 300


def times(rng: np.random.Generator, count: int, most_s: int) -> pa.Array:
    """Whole minutes, so that many rows tie."""
    minutes = rng.integers(0, most_s // 60, count)
    return pa.array(round(T0.timestamp() * 1e6) + minutes * 60_000_000).cast(pa.timestamp("us", "UTC"))


def doubled(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {"y": columns["x"] * 2.0, "word": columns["word"]}


def ratio(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {"ratio": columns["x"] / (1.0 + columns["y"])}


def service() -> FeatureService:
    file = FileSource(name="events", path="events.parquet", created_timestamp_column="created")
    fields = (Field(name="x", dtype=Float64), Field(name="n", dtype=Int32), Field(name="word", dtype=String))
    plain = FeatureView(
        name="plain",
        entities=(USER,),
        source=PushSource(name="push", batch_source=file),
        schema=fields,
        ttl=timedelta(hours=6),
    )
    made = FeatureView(
        name="made",
        entities=(USER, PLACE),
        source=file,
        schema=(Field(name="y", dtype=Float64), fields[2]),
        transformation=doubled,
    )
    friend = plain.with_name("friend").with_join_key_map({"user_id": "friend_id"})
    whole = FeatureView(name="whole", source=file, schema=(Field(name="n", dtype=Int64),))
    computed = OnDemandFeatureView(
        name="computed",
        sources=(plain[["x"]], made[["y"]]),
        schema=(Field(name="ratio", dtype=Float64),),
        function=ratio,
    )
    return FeatureService("all", (plain, made, friend, whole, computed))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with ties, nulls, late rows and pushes."""
    root, rng = tmp_path_factory.mktemp("engines"), np.random.default_rng(7)
    event = times(rng, ROWS, 86_400)
    late = pa.array(np.asarray(event.cast(pa.int64())) + rng.integers(0, 3, ROWS) * 3_600_000_000)
    table = {
        "user_id": pa.array(rng.integers(0, 12, ROWS), mask=rng.random(ROWS) < 0.05),
        "city": pa.array(rng.choice(["a", "b", ""], ROWS).tolist()),
        "event_timestamp": event,
        "created": late.cast(pa.timestamp("us", "UTC")),
        "x": pa.array(rng.choice([0.0, 1.5, np.nan, -0.0], ROWS), mask=rng.random(ROWS) < 0.2),
        "n": pa.array(rng.integers(0, 100, ROWS).astype(np.int32), mask=rng.random(ROWS) < 0.2),
        "word": pa.array(rng.choice(["é", "", "w"], ROWS).tolist(), mask=rng.random(ROWS) < 0.2),
    }
    pq.write_table(pa.table(table), root / "events.parquet", row_group_size=100)
    store = FeatureStore(root, clock=lambda: NOW_US)
    store.apply(service())
    for begin in range(0, 60, 20):
        cut = pa.table(table).slice(begin, 20)
        store.push("push", cut.filter(pc.is_valid(cut["user_id"])), to=PushMode.OFFLINE)
    store.close()
    return root


def training_set(folder: Path, engine: Engine) -> list[str]:
    """Types and content of the training set, column by column."""
    store, rng = FeatureStore(folder, clock=lambda: NOW_US, engine=engine), np.random.default_rng(3)
    store.apply(service())
    labels = pa.table(
        {
            "user_id": pa.array(rng.integers(0, 14, LABELS), mask=rng.random(LABELS) < 0.1),
            "friend_id": pa.array(rng.integers(0, 14, LABELS)),
            "city": pa.array(rng.choice(["a", "b", "", "c"], LABELS).tolist()),
            "event_timestamp": times(rng, LABELS, 2 * 86_400),
        }
    )
    table = store.get_historical_features(labels, "all", full_feature_names=True).to_arrow().combine_chunks()
    store.close()
    assert table.num_rows == LABELS
    assert 0 < table.column("plain__x").null_count < LABELS
    return [str(table.schema), *(_content(column) for column in table.columns), _ipc_bytes(table)]


def _ipc_bytes(table: pa.Table) -> str:
    """The file that would be written."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes().hex()


def _content(column: pa.ChunkedArray) -> str:
    """Every bit of every value; what stands under a null is nobody's value."""
    if not pa.types.is_floating(column.type):
        return repr(column.to_pylist())
    whole = column.combine_chunks()
    bits = whole.fill_null(0.0).to_numpy(zero_copy_only=False).view(np.int64)
    return repr((bits.tolist(), whole.is_null().to_pylist()))


@pytest.fixture(scope="module")
def expected(folder: Path) -> list[str]:
    """What the default engine gives."""
    return training_set(folder, InProcessEngine())


def test_duckdb_gives_the_same_bytes(folder: Path, expected: list[str]) -> None:
    assert training_set(folder, DuckDBEngine()) == expected


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
@pytest.mark.filterwarnings("ignore::FutureWarning:ray.*", "ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_ray_gives_the_same_bytes(folder: Path, expected: list[str]) -> None:
    from reference_platform.features.join.ray_engine import RayEngine

    with RayEngine(processes=2, partitions=3, object_store_bytes=100_000_000) as engine:
        assert training_set(folder, engine) == expected


def test_a_sorted_copy_gives_the_same_bytes(folder: Path, expected: list[str]) -> None:
    store = FeatureStore(folder, clock=lambda: NOW_US)
    store.apply(service())
    store.compact()
    store.close()
    assert training_set(folder, InProcessEngine()) == expected
