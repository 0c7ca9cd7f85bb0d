"""What is applied is one consistent whole, in this process and in the next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from reference_platform.errors import CommandError, ContentError
from reference_platform.features import (
    Entity,
    FeatureService,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    Float64,
    OnDemandFeatureView,
    PushSource,
    RequestSource,
)
from reference_platform.live.opening import open_store

DRIVER = Entity("driver", join_keys=("driver_id",))
TRIPS_FILE = FileSource(name="trips", path="trips.parquet")
TRIPS_PUSH = PushSource(name="trips_push", batch_source=TRIPS_FILE)
TRIPS = FeatureView(name="trips", source=TRIPS_PUSH, entities=(DRIVER,), schema=(Field(name="x", dtype=Float64),))
RIDES = FeatureView(name="rides", source=TRIPS_FILE, entities=(DRIVER,), schema=(Field(name="y", dtype=Float64),))


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    made = FeatureStore(tmp_path, clock=lambda: 1)
    made.apply([TRIPS, RIDES])
    return made


def test_views_follow_an_entity_and_a_source_that_change_alone(store: FeatureStore) -> None:
    store.apply([replace(DRIVER, join_keys=("id",)), replace(TRIPS_FILE, path="new.parquet")])
    here, elsewhere = store.definitions, open_store(store.repo_path).definitions
    assert here == elsewhere
    assert {view.join_keys for view in here.views.values()} == {("id",)}
    assert here.sources["trips_push"].batch_source.path == here.view("rides").source.path == "new.parquet"  # type: ignore[union-attr]


@pytest.mark.parametrize("gone", [DRIVER, TRIPS_FILE, TRIPS_PUSH])
def test_what_a_view_needs_cannot_be_removed(gone: Entity, store: FeatureStore) -> None:
    with pytest.raises(ContentError, match="cannot be removed"):
        store.apply([], objects_to_delete=[gone])
    assert len(open_store(store.repo_path).list_feature_views()) == 2


def test_a_view_goes_without_the_source_of_the_same_name(store: FeatureStore) -> None:
    store.apply([], objects_to_delete=[TRIPS])
    assert list(open_store(store.repo_path).definitions.views) == ["rides"]
    assert "trips" in store.definitions.sources


@pytest.mark.parametrize(
    "name", ["..", "../x", "/x", "a/b", "a\x00", "a\n", " a", "", "\ud800", "a:b", "\u4e2d" * 100, 5, None]
)
def test_no_name_leads_out_of_its_folder_or_does_not_fit_into_one(name: str) -> None:
    with pytest.raises(ContentError, match="cannot name"):
        replace(TRIPS, name=name)


@pytest.mark.parametrize("name", ["Trips", "\uff54rips"])
def test_views_that_some_disks_cannot_tell_apart_are_refused(name: str, store: FeatureStore) -> None:
    with pytest.raises(ContentError, match="differ too little"):
        store.apply(replace(TRIPS, name=name))


def test_every_change_of_the_registry_is_seen_however_fast_they_follow(store: FeatureStore) -> None:
    stamps = [store._declared._file.stamp()]
    for number in range(5):
        store.apply(replace(TRIPS, description=str(number)))
        stamps.append(store._declared._file.stamp())
    assert sorted({stamp[0] for stamp in stamps}) == [stamp[0] for stamp in stamps]


def test_a_column_that_is_there_twice_is_refused(store: FeatureStore) -> None:
    store.apply(replace(TRIPS, source=PushSource(name="pushed")))
    arrays = [pa.array([1]), pa.array([datetime(2026, 1, 1, tzinfo=UTC)]), pa.array([1.0]), pa.array([2.0])]
    for names in (["driver_id", "event_timestamp", "x", "x"], ["x", "event_timestamp", "driver_id", "driver_id"]):
        with pytest.raises(CommandError, match="there twice"):
            store.push("pushed", pa.Table.from_arrays(arrays, names=names))


def test_rows_may_leave_out_what_they_do_not_have(store: FeatureStore) -> None:
    when = datetime(1970, 1, 1, tzinfo=UTC)
    store.apply(replace(TRIPS, source=PushSource(name="pushed")))
    rows = [{"driver_id": 1, "event_timestamp": when}, {"driver_id": 2, "event_timestamp": when, "x": 1.5}]
    store.push("pushed", rows)
    assert store.get_online_features(["trips:x"], {"driver_id": [1, 2]}).values(0) == [None, 1.5]


def test_declarations_take_lists_and_are_equal_and_hash_alike() -> None:
    """As people write them elsewhere, and as sets and caches need them."""

    def declared(container: type) -> list[object]:
        entity = Entity(name="driver", join_keys=container(["driver_id"]), tags={"a": "b"})
        fields = container([Field(name="x", dtype=Float64, tags={"c": "d"})])
        view = FeatureView(name="v", entities=container([entity]), schema=fields, ttl=None, source=TRIPS_FILE)
        request = RequestSource(name="r", schema=container([Field(name="y", dtype=Float64)]))
        sources = container([view[container(["x"])], request])
        computed = OnDemandFeatureView(name="o", sources=sources, schema=container([fields[0]]), function=len)
        renamed = view.with_name("w").with_join_key_map({"driver_id": "boss_id"})
        return [
            entity,
            *fields,
            view,
            computed,
            FeatureService(name="s", features=container([view, renamed, computed])),
        ]

    assert declared(list) == declared(tuple)
    assert {hash(thing) for thing in declared(list)} == {hash(thing) for thing in declared(tuple)}
    assert len({hash(thing) for thing in declared(list)}) == 5


def test_what_is_left_out_may_be_none() -> None:
    entity = Entity(name="driver", join_keys=None)  # type: ignore[arg-type]
    assert entity.join_keys == ("driver",)
    fields = [Field(name="x", dtype=Float64)]
    view = FeatureView(name="v", entities=None, schema=fields, ttl=None, source=TRIPS_FILE)  # type: ignore[arg-type]
    assert (view.join_keys, view.ttl_us) == ((), None)


@pytest.mark.parametrize("name", ["event_timestamp", "created_timestamp", "sequence"])
def test_names_of_columns_that_every_push_log_has_are_refused(name: str) -> None:
    with pytest.raises(ContentError, match="calls its own"):
        replace(TRIPS, schema=(Field(name=name, dtype=Float64),))


@pytest.mark.parametrize("ttl", [None, 0, timedelta(0)])
def test_a_ttl_of_nothing_is_for_ever(ttl: timedelta | None) -> None:
    assert replace(TRIPS, ttl=ttl).ttl_us is None
    assert replace(TRIPS, ttl=ttl) == TRIPS


@pytest.mark.parametrize(
    "at", ["../../etc/passwd:x", "/etc/passwd:x", "a\0.py:x", "code.txt:x", "..:x", ":x", "code.py:"]
)
def test_code_is_only_found_in_python_files_of_the_folder(at: str, store: FeatureStore) -> None:
    (store.repo_path / "code.txt").write_text("x = len", encoding="utf-8")
    with pytest.raises(ContentError):
        store.code.function(at, "")
