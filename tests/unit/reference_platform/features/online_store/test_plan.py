"""Reading by plan: names, statuses, projections, on-demand features and what a reader may not see."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reference_platform.errors import CommandError
from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.on_demand import OnDemandFeatureView, RequestSource, on_demand_feature_view
from reference_platform.features.online_store.compiler import compile_plan
from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.online_store.plan import OnDemandSelection
from reference_platform.features.online_store.port import Status
from reference_platform.features.types import Float32, Float64, Int64, String, UnixTimestamp
from tests.unit.reference_platform.features.online_store.rows import (
    HOUR_US,
    NOW_US,
    PLACE,
    rows_of,
    view_of,
)

TRIPS = view_of("trips", {"trips": Int64, "rating": Float32}, ttl_s=3600.0)
CITY = view_of("city", {"riders": Int64}, Entity("city_id", value_type=String))
PRESENT, NULL, MISSING, EXPIRED = (
    Status.PRESENT,
    Status.NULL_VALUE,
    Status.NOT_FOUND,
    Status.OUTSIDE_MAX_AGE,
)


@pytest.fixture
def store() -> EmbeddedOnlineStore:
    """Drivers 1 (fresh), 2 (null rating), 3 (exactly ttl old), 4 (one us older), 5 (of the future); two cities."""
    opened = EmbeddedOnlineStore(None, [TRIPS, CITY])
    events = [NOW_US, NOW_US, NOW_US - HOUR_US, NOW_US - HOUR_US - 1, NOW_US + 5]
    values = [(10, 1.0), (20, None), (30, 3.0), (40, 4.0), (50, 5.0)]
    opened.write(TRIPS, rows_of(TRIPS, [1, 2, 3, 4, 5], values, events))
    opened.write(CITY, rows_of(CITY, ["rome", "oslo"], [(7,), (8,)]))
    return opened


@on_demand_feature_view(
    sources=[TRIPS[["trips"]], RequestSource(name="order", schema=(Field(name="amount", dtype=Float64),))],
    schema=[Field(name="share", dtype=Float64), Field(name="twice", dtype=Float64)],
    mode="python",
)
def order_share(inputs: Any) -> Any:
    """Amount per trip."""
    pairs = list(zip(inputs["amount"], inputs["trips"], strict=True))
    return {
        "share": [None if trips is None else amount / trips for amount, trips in pairs],
        "twice": [2 * amount for amount, _ in pairs],
    }


def test_statuses_say_why_a_value_is_missing(store: EmbeddedOnlineStore) -> None:
    plan = compile_plan([TRIPS[["rating", "trips"]]])
    response = plan.read(store, {"driver_id": [1, 2, 3, 4, 5, 6, None]}, NOW_US)
    assert response.names == ("rating", "trips")
    assert response.values(0) == [1.0, None, 3.0, None, 5.0, None, None]
    assert response.statuses(0) == [PRESENT, NULL, PRESENT, EXPIRED, PRESENT, MISSING, MISSING]
    assert response.values(1) == [10, 20, 30, None, 50, None, None]
    assert response.statuses(1) == [PRESENT, PRESENT, PRESENT, EXPIRED, PRESENT, MISSING, MISSING]
    ages = [0, 0, HOUR_US, HOUR_US + 1, -5]
    assert response.event_us(0) == [*(NOW_US - age for age in ages), 0, 0]


def test_a_dict_has_join_keys_and_features_by_name(store: EmbeddedOnlineStore) -> None:
    plan = compile_plan([TRIPS[["trips"]], CITY[["riders"]]])
    found = plan.read(store, {"driver_id": ["1", 2], "city_id": ["rome", "bonn"]}, NOW_US)
    assert found.to_dict() == {
        "driver_id": [1, 2],
        "city_id": ["rome", "bonn"],
        "trips": [10, 20],
        "riders": [7, None],
    }
    stamped = found.to_dict(include_event_timestamps=True)
    assert stamped["riders__ts"] == [NOW_US // 1_000_000, 0]


def test_frames_keep_types_when_values_are_missing(store: EmbeddedOnlineStore) -> None:
    plan = compile_plan([TRIPS[["trips", "rating"]]])
    response = plan.read(store, {"driver_id": [1, None]}, NOW_US)
    frame = response.to_df()
    assert [str(kind) for kind in frame.dtypes] == ["Int64", "Int64", "float32"]
    assert frame["trips"].isna().tolist() == [False, True]
    assert response.to_arrow().schema.field("trips").type == "int64"


def test_instants_are_microseconds_until_a_person_asks() -> None:
    view = view_of("seen", {"at": UnixTimestamp})
    store = EmbeddedOnlineStore(None, [view])
    store.write(view, rows_of(view, [1, 2], [(NOW_US,), (None,)]))
    response = compile_plan([view[["at"]]]).read(store, {"driver_id": [1, 2]}, NOW_US)
    assert response.values(0) == [NOW_US, None]
    assert response.to_dict()["at"][0].isoformat() == "2026-05-28T20:26:40+00:00"
    assert response.to_dict()["at"][1] is None


def test_one_view_may_be_read_by_several_columns(store: EmbeddedOnlineStore) -> None:
    here = CITY.with_name("origin").with_join_key_map({"city_id": "origin_id"})
    there = CITY.with_name("target").with_join_key_map({"city_id": "target_id"})
    with pytest.raises(CommandError, match='called "riders"'):
        compile_plan([here, there])
    plan = compile_plan([here, there], full_feature_names=True)
    assert plan.names == ("origin__riders", "target__riders")
    assert plan.join_keys == ("origin_id", "target_id")
    found = plan.read(store, {"origin_id": ["rome"], "target_id": ["oslo"]}, NOW_US)
    assert [found.values(0), found.values(1)] == [[7], [8]]


def test_on_demand_features_see_stored_and_request_values(store: EmbeddedOnlineStore) -> None:
    plan = compile_plan([order_share, TRIPS[["rating"]]])
    assert plan.names == ("share", "twice", "rating")
    assert [field.name for field in plan.request_fields] == ["amount"]
    assert plan.needs("trips") == ("trips", "rating")
    found = plan.read(store, {"driver_id": [1, 4, 9], "amount": [5, 5, 5]}, NOW_US)
    assert found.values(0) == [0.5, None, None]
    assert found.statuses(0) == [PRESENT, NULL, NULL]
    assert found.values(1) == [10.0, 10.0, 10.0]
    assert found.event_us(1) == [0, 0, 0]
    assert found.values(2) == [1.0, None, None]
    assert list(found.to_dict()) == ["driver_id", "amount", "share", "twice", "rating"]


def test_some_on_demand_features_may_be_asked_for(store: EmbeddedOnlineStore) -> None:
    plan = compile_plan([OnDemandSelection(order_share, ("twice",))], full_feature_names=True)
    assert plan.names == ("order_share__twice",)
    assert plan.read(store, {"driver_id": [1], "amount": [3.0]}, NOW_US).values(0) == [6.0]


def test_a_failing_function_names_its_view_and_no_value(store: EmbeddedOnlineStore) -> None:
    def fail(inputs: Any) -> Any:
        raise ValueError(f"secret {inputs['trips']}")

    view = OnDemandFeatureView(
        name="broken", sources=(TRIPS,), schema=(Field(name="x", dtype=Float64),), function=fail, mode="python"
    )
    with pytest.raises(CommandError) as caught:
        compile_plan([view]).read(store, {"driver_id": [1]}, NOW_US)
    assert "broken" in str(caught.value)
    assert "ValueError" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_hidden_features_are_not_in_the_plan(store: EmbeddedOnlineStore) -> None:
    def visible(view: FeatureView, field: Field) -> bool:
        return field.name != "trips"

    plan = compile_plan([TRIPS[["trips", "rating"]], order_share], visible=visible)
    assert plan.names == ("rating",)
    assert plan.needs(TRIPS) == ("rating",)
    assert plan.request_fields == ()
    found = plan.read(store, {"driver_id": [1], "amount": [3.0]}, NOW_US)
    assert found.to_dict() == {"driver_id": [1], "rating": [1.0]}
    hidden = found._sections[0]._answer  # type: ignore[union-attr]
    assert hidden.row(0) == [None, 1.0]


def test_a_plan_of_nothing_visible_reads_nothing(store: EmbeddedOnlineStore) -> None:
    plan = compile_plan([TRIPS[["trips"]]], visible=lambda view, field: False)
    assert plan.names == ()
    assert plan.read(store, {"driver_id": [1, 2]}, NOW_US).to_dict() == {}


@pytest.mark.parametrize(
    ("entities", "message"),
    [
        ({}, 'the request has no join key "driver_id"'),
        ({"driver": [1]}, 'it has "driver"'),
        ({"driver_id": [1], "amonut": [1]}, 'it has "amonut", which may be it'),
        ({"driver_id": [1]}, 'no request value "amount"'),
        ({"driver_id": [1], "amount": [1.0], "other": [1]}, '"other" is no column of this request'),
        ({"driver_id": [1, 2], "amount": [1.0]}, 'column "amount" has 1 values and "driver_id" has 2'),
        ({"driver_id": [1, 1.5], "amount": [1, 1]}, '"driver_id", row 1: a float is no Int64'),
        ({"driver_id": [1, True], "amount": [1, 1]}, '"driver_id", row 1: a bool is no Int64'),
        ({"driver_id": [1, "x"], "amount": [1, 1]}, '"driver_id", row 1: the text is no whole number'),
        ({"driver_id": [2**63], "amount": [1]}, '"driver_id", row 0: the number is too large'),
        ({"driver_id": [1], "amount": ["3"]}, '"amount", row 0: a str is no Float64'),
        ({"driver_id": 7, "amount": [1]}, 'column "driver_id" is a int'),
    ],
)
def test_requests_that_make_no_sense_are_refused(
    store: EmbeddedOnlineStore, entities: dict[str, Any], message: str
) -> None:
    plan = compile_plan([order_share])
    with pytest.raises(CommandError) as caught:
        plan.read(store, entities, NOW_US)
    assert message in str(caught.value)


def test_keys_may_come_in_any_sequence(store: EmbeddedOnlineStore) -> None:
    plan = compile_plan([TRIPS[["trips"]]])
    import pandas as pd
    import pyarrow as pa

    for keys in ((1, 2), np.array([1, 2], dtype=np.int32), pd.Series([1, 2]), pa.array([1, 2]), ["1", 2]):
        assert plan.read(store, {"driver_id": keys}, NOW_US).values(0) == [10, 20]


def test_composite_keys_are_found_and_a_null_part_is_not() -> None:
    view = view_of("streets", {"x": Int64}, PLACE)
    store = EmbeddedOnlineStore(None, [view])
    store.write(view, rows_of(view, [("a", "bc"), ("ab", "c")], [(1,), (2,)]))
    found = compile_plan([view[["x"]]]).read(
        store, {"city": ["ab", "a", "a", None], "street": ["c", "bc", None, "c"]}, NOW_US
    )
    assert found.values(0) == [2, 1, None, None]
    assert found.statuses(0) == [PRESENT, PRESENT, MISSING, MISSING]
