"""A view that is declared anew: what was pushed to it stays of use, and nothing old is served as if it were new."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reference_platform.features import (
    Entity,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    Float64,
    Int64,
    PushMode,
    PushSource,
    String,
)

T0 = datetime(2026, 1, 1, tzinfo=UTC)
NOW = T0 + timedelta(days=1)
DRIVER = Entity("driver", join_keys=("driver_id",))
VIEW = FeatureView(
    name="stats",
    entities=(DRIVER,),
    source=PushSource(name="push"),
    schema=(Field(name="x", dtype=Int64), Field(name="y", dtype=Int64)),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FeatureStore]:
    made = FeatureStore(tmp_path, clock=lambda: round(NOW.timestamp() * 1e6))
    yield made
    made.close()


def history(store: FeatureStore, *features: str, key: str = "driver_id") -> dict[str, list[Any]]:
    labels = {key: [1, 2], "event_timestamp": [NOW] * 2}
    table = store.get_historical_features(labels, [f"stats:{name}" for name in features]).to_arrow()
    return {name: table.column(name).to_pylist() for name in features}


def served(store: FeatureStore, *features: str, key: str = "driver_id") -> dict[str, list[Any]]:
    found = store.get_online_features([f"stats:{name}" for name in features], {key: [1, 2]}).to_dict()
    return {name: found[name] for name in features}


def test_pushes_outlive_features_that_come_go_and_get_wider(store: FeatureStore) -> None:
    store.apply(VIEW)
    store.push("push", {"driver_id": [1], "event_timestamp": [T0], "x": [1], "y": [2]}, to=PushMode.ONLINE_AND_OFFLINE)
    fields = (Field(name="x", dtype=Float64), Field(name="z", dtype=String))
    store.apply(replace(VIEW, schema=fields))
    assert history(store, "x", "z") == {"x": [1.0, None], "z": [None, None]}
    store.materialize_incremental(NOW, ["stats"])
    assert served(store, "x", "z") == {"x": [1.0, None], "z": [None, None]}
    rows = {"driver_id": [2], "event_timestamp": [T0], "x": [0.5], "z": ["new"]}
    store.push("push", rows, to=PushMode.ONLINE_AND_OFFLINE)
    assert history(store, "x", "z") == served(store, "x", "z") == {"x": [1.0, 0.5], "z": [None, "new"]}
    assert store.materialize(T0 - timedelta(days=1), NOW, ["stats"])["stats"].counts.taken == 2
    assert store.compact(["stats"]) == {"stats": 2}


def test_pushes_under_other_join_keys_are_no_rows_of_the_view(store: FeatureStore) -> None:
    store.apply(VIEW)
    store.push("push", {"driver_id": [1], "event_timestamp": [T0], "x": [1], "y": [2]}, to=PushMode.ONLINE_AND_OFFLINE)
    store.apply([replace(DRIVER, join_keys=("car_id",))])
    assert history(store, "x", key="car_id") == served(store, "x", key="car_id") == {"x": [None, None]}
    store.push("push", {"car_id": [2], "event_timestamp": [T0], "x": [5], "y": [6]}, to=PushMode.ONLINE_AND_OFFLINE)
    assert history(store, "x", key="car_id") == served(store, "x", key="car_id") == {"x": [None, 5]}
    store.materialize_incremental(NOW, ["stats"])
    assert served(store, "x", key="car_id") == {"x": [None, 5]}
    store.compact(["stats"])
    assert history(store, "x", key="car_id") == {"x": [None, 5]}


def tripled(columns: Any) -> Any:
    return {"x": columns["raw"] * 3}


def doubled(columns: Any) -> Any:
    return {"x": columns["raw"] * 2}


def test_rows_of_other_code_are_not_served_and_do_not_outlive_a_new_run(store: FeatureStore) -> None:
    rows = {"driver_id": [1, 2], "event_timestamp": [T0] * 2, "raw": [1, -1]}
    pq.write_table(pa.table(rows), store.repo_path / "raw.parquet")
    view = replace(VIEW, source=FileSource(path="raw.parquet"), schema=VIEW.schema[:1], transformation=tripled)
    store.apply(view)
    other = FeatureStore(store.repo_path, clock=store.now_us)
    for code, expected in ((tripled, [3, -3]), (doubled, [2, -2])):
        store.apply(replace(view, transformation=code))
        assert served(store, "x") == served(other, "x") == {"x": [None, None]}
        store.materialize_incremental(NOW)
        assert served(store, "x") == served(other, "x") == history(store, "x") == {"x": expected}
    store.apply(replace(view, transformation=doubled, description="words change nothing"))
    assert served(other, "x") == {"x": [-2 if key < 0 else 2 * key for key in (1, -1)]}
    other.close()


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("at", ["prepare", "registry", "declare"])
def test_a_view_that_went_is_empty_when_it_comes_back_whenever_the_process_dies(
    at: str, store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.apply(VIEW)
    store.push("push", {"driver_id": [1], "event_timestamp": [T0], "x": [1], "y": [2]})
    reader = FeatureStore(store.repo_path, clock=store.now_us)
    assert served(reader, "x") == {"x": [1, None]}

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        if at == "registry":
            patched.setattr(store._declared._file, "write", die)
        elif at == "declare":
            patched.setattr(store.online, "declare", die)
        else:
            patched.setattr(store.online, "drop", die)
        with pytest.raises(Killed):
            store.apply([], objects_to_delete=[VIEW])
    restarted = FeatureStore(store.repo_path, clock=store.now_us)
    if at != "declare":
        assert served(restarted, "x") == {"x": [1 if at == "prepare" else None, None]}
        assert served(reader, "x") == served(restarted, "x")
        restarted.apply([], objects_to_delete=[VIEW])
    restarted.apply(VIEW)
    assert served(restarted, "x") == served(reader, "x") == {"x": [None, None]}
    for each in (restarted, reader):
        each.push("push", {"driver_id": [2], "event_timestamp": [T0], "x": [5], "y": [2]})
        assert served(reader, "x") == served(restarted, "x") == {"x": [None, 5]}
        each.close()


def test_a_process_that_runs_on_serves_the_code_that_another_applied(store: FeatureStore) -> None:
    code = """
from reference_platform.features import *
asked = RequestSource(name="asked", schema=[Field(name="x", dtype=Float64)])
@on_demand_feature_view(sources=[asked], schema=[Field(name="y", dtype=Float64)])
def computed(columns):
    return {"y": columns["x"] * %s}
"""
    for factor in (2.0, 30.0):
        (store.repo_path / "code.py").write_text(code % factor, encoding="utf-8")
        other = FeatureStore(store.repo_path, clock=store.now_us)
        other.apply(other.read_repository().objects())
        for each in (store, other):
            assert each.get_online_features(["computed:y"], {"x": [1.0]}).values(0) == [factor]
        other.close()
