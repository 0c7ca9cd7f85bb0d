"""What is applied is one consistent whole, in this process and in the next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reference_platform.errors import ContentError
from reference_platform.features import (
    Entity,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    Float64,
    PushSource,
)

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
    here, elsewhere = store.definitions, FeatureStore(store.repo_path).definitions
    assert here == elsewhere
    assert {view.join_keys for view in here.views.values()} == {("id",)}
    assert here.sources["trips_push"].batch_source.path == here.view("rides").source.path == "new.parquet"  # type: ignore[union-attr]


@pytest.mark.parametrize("gone", [DRIVER, TRIPS_FILE, TRIPS_PUSH])
def test_what_a_view_needs_cannot_be_removed(gone: Entity, store: FeatureStore) -> None:
    with pytest.raises(ContentError, match="cannot be removed"):
        store.apply([], objects_to_delete=[gone])
    assert len(FeatureStore(store.repo_path).list_feature_views()) == 2


def test_a_view_goes_without_the_source_of_the_same_name(store: FeatureStore) -> None:
    store.apply([], objects_to_delete=[TRIPS])
    assert list(FeatureStore(store.repo_path).definitions.views) == ["rides"]
    assert "trips" in store.definitions.sources
