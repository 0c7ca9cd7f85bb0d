"""One view read in several ways at once: every way gets its own answers, the same in training and online."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reference_platform.features import (
    Entity,
    FeatureService,
    FeatureStore,
    FeatureView,
    Field,
    Float64,
    OnDemandFeatureView,
    PushMode,
    PushSource,
)
from reference_platform.features.definitions import FeatureViewProjection
from reference_platform.features.services import Part

T0 = datetime(2026, 1, 1, tzinfo=UTC)
PLACE = FeatureView(
    name="place",
    entities=(Entity("place", join_keys=("place_id",)),),
    schema=(Field(name="x", dtype=Float64), Field(name="z", dtype=Float64)),
    source=PushSource(name="places"),
)


def difference(columns: Any) -> Any:
    return {"d": columns["origin__x"] - columns["goal__x"]}


def twice(columns: Any) -> Any:
    return {"d": columns["x"] * 2.0}


def looked_up(name: str, column: str, *features: str) -> FeatureViewProjection:
    return PLACE[features].with_name(name).with_join_key_map({"place_id": column})


def computed(function: Any, *sources: Any) -> OnDemandFeatureView:
    return OnDemandFeatureView(
        name="computed", sources=sources, schema=(Field(name="d", dtype=Float64),), function=function
    )


ORIGIN, GOAL = looked_up("origin", "origin_id", "x"), looked_up("goal", "goal_id", "x")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([ORIGIN, GOAL, computed(difference, ORIGIN, GOAL)], [1.0, 5.0, -4.0]),
        ([looked_up("place", "origin_id", "x"), computed(twice, PLACE[["x"]])], [1.0, 18.0]),
        ([looked_up("place", "origin_id", "x"), looked_up("place", "goal_id", "z")], [1.0, 6.0]),
    ],
    ids=["same feature of two lookups", "computed from another lookup", "same name, other columns"],
)
def test_every_lookup_of_a_view_gets_its_own_answers(parts: list[Part], expected: list[float], tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, clock=lambda: round((T0 + timedelta(days=1)).timestamp() * 1e6))
    store.apply(FeatureService("both", tuple(parts)))
    rows = {"place_id": [1, 2, 3], "event_timestamp": [T0] * 3, "x": [1.0, 5.0, 9.0], "z": [2.0, 6.0, 8.0]}
    store.push("places", rows, to=PushMode.ONLINE_AND_OFFLINE)
    asked = {"origin_id": [1], "goal_id": [2], "place_id": [3]}
    when = T0 + timedelta(days=1)
    trained = store.get_historical_features({**asked, "event_timestamp": [when]}, "both", full_feature_names=True)
    assert [column.to_pylist()[0] for column in trained.to_arrow().columns[4:]] == expected
    needed = {key for part in parts for p in getattr(part, "projections", (part,)) for key in p.join_keys}
    served = store.get_online_features("both", {key: asked[key] for key in needed}, full_feature_names=True)
    assert [served.values(index)[0] for index in range(len(expected))] == expected
    store.close()
