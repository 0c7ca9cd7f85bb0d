"""Every kind of edit, and which of them can break a reader."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reference_platform.features.definition_set import DefinitionSet
from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.governance.edits import Edit, edits, length_text
from reference_platform.features.on_demand import OnDemandFeatureView
from reference_platform.features.services import FeatureService
from reference_platform.features.sources import FileSource, KafkaSource
from reference_platform.features.stream_views import Aggregation, StreamFeatureView
from reference_platform.features.types import Float32, Float64, Int64, String

RIDER = Entity("rider", key_count=10)
SOURCE = FileSource(path="rides.parquet", created_timestamp_column="created")
STREAM = KafkaSource(name="clicks", topic="clicks", batch_source=FileSource(path="archive.parquet"))


def _half(columns: Any) -> Any:
    return {"x": columns["x"] / 2}


def _third(columns: Any) -> Any:
    return {"x": columns["x"] / 3}


VIEW = FeatureView(
    name="rides",
    source=SOURCE,
    entities=(RIDER,),
    schema=(Field(name="x", dtype=Float64, unit="km"), Field(name="y", dtype=Int64, pii="place")),
    ttl=timedelta(hours=2),
    transformation=_half,
)
WINDOW = Aggregation(column="price", function="sum", time_window=timedelta(hours=1))
CLICKS = StreamFeatureView(
    name="clicks", source=STREAM, entities=(RIDER,), aggregations=(WINDOW,),
    schema=(Field(name="sum_price_3600s", dtype=Float64),),
)  # fmt: skip
ODD = OnDemandFeatureView(
    name="odd", sources=(VIEW[["x"]],), schema=(Field(name="z", dtype=Float64),), function=_half, mode="numpy"
)
SERVICE = FeatureService("eta", (VIEW, ODD))


def _edits(before: object, after: object) -> list[Edit]:
    return list(edits(DefinitionSet.of([before]), DefinitionSet.of([after])))  # type: ignore[list-item]


def _field(**changed: Any) -> FeatureView:
    first, second = VIEW.schema
    return replace(VIEW, schema=(first, replace(second, **changed)))


BREAKING = {
    "feature removed": (VIEW, replace(VIEW, schema=VIEW.schema[:1]), "rides:y"),
    "dtype": (VIEW, _field(dtype=Float32), "dtype Int64 -> Float32"),
    "unit": (VIEW, _field(unit="m"), "unit none -> m"),
    "pii added elsewhere": (VIEW, _field(pii="email"), "pii place -> email"),
    "ttl shortened": (VIEW, replace(VIEW, ttl=timedelta(hours=1)), "ttl 2h -> 1h"),
    "ttl from forever": (replace(VIEW, ttl=timedelta(0)), VIEW, "ttl none -> 2h"),
    "offline only": (VIEW, replace(VIEW, online=False), "online yes -> no"),
    "code": (VIEW, replace(VIEW, transformation=_third), "transformation"),
    "no code": (VIEW, replace(VIEW, transformation=None), "transformation"),
    "source": (VIEW, replace(VIEW, source=FileSource(path="other.parquet")), "source rides -> other"),
    "path": (VIEW, replace(VIEW, source=replace(SOURCE, path="elsewhere/rides.parquet")), "source rides: path"),
    "created": (VIEW, replace(VIEW, source=replace(SOURCE, created_timestamp_column="")), "created_timestamp_column"),
    "entity": (VIEW, replace(VIEW, entities=(Entity("driver"),)), "entities rider -> driver"),
    "join key": (VIEW, replace(VIEW, entities=(replace(RIDER, join_keys=("id",)),)), "join_keys rider -> id"),
    "key type": (VIEW, replace(VIEW, entities=(replace(RIDER, value_type=String),)), "key_type Int64 -> String"),
    "fewer keys": (VIEW, replace(VIEW, entities=(replace(RIDER, key_count=5),)), "key_count 10 -> 5"),
    "window": (
        CLICKS,
        replace(CLICKS, aggregations=(replace(WINDOW, column="paid", name="sum_price_3600s"),)),
        "aggregation sum(price) over 1h every 1h -> sum(paid) over 1h every 1h",
    ),
    "lateness": (CLICKS, replace(CLICKS, allowed_lateness=timedelta(0)), "allowed_lateness 1h -> 0s"),
    "topic": (CLICKS, replace(CLICKS, source=replace(STREAM, topic="new")), "topic clicks -> new"),
    "history": (
        CLICKS,
        replace(CLICKS, source=replace(STREAM, batch_source=FileSource(path="old.parquet"))),
        "batch_source archive -> old",
    ),
    "function": (ODD, replace(ODD, function=_third), "function"),
    "mode": (ODD, replace(ODD, mode="python"), "mode numpy -> python"),
    "inputs": (ODD, replace(ODD, sources=(VIEW,)), "sources rides:x -> rides:x, rides:y"),
    "service loses": (SERVICE, FeatureService("eta", (VIEW[["x"]], ODD)), "features rides:y -> none"),
    "service order": (SERVICE, FeatureService("eta", (ODD, VIEW)), "order"),
    "service keys": (
        SERVICE,
        FeatureService("eta", (VIEW.with_join_key_map({"rider": "guest"}), ODD)),
        "join_key_map none -> rides.rider=guest",
    ),
}  # fmt: skip
SAFE = {
    "description": (VIEW, replace(VIEW, description="new"), "description none -> new"),
    "owner": (VIEW, replace(VIEW, owner="ann"), "owner none -> ann"),
    "tags": (VIEW, replace(VIEW, tags={"a": "b"}), "tags none -> a=b"),
    "sla": (VIEW, replace(VIEW, freshness_sla=timedelta(minutes=5)), "freshness_sla none -> 5m"),
    "schedule": (VIEW, replace(VIEW, every=timedelta(minutes=5)), "every none -> 5m"),
    "ttl longer": (VIEW, replace(VIEW, ttl=timedelta(hours=3)), "ttl 2h -> 3h"),
    "ttl forever": (VIEW, replace(VIEW, ttl=timedelta(0)), "ttl 2h -> none"),
    "online": (replace(VIEW, online=False), VIEW, "online no -> yes"),
    "feature added": (replace(VIEW, schema=VIEW.schema[:1]), VIEW, "feature rides:y"),
    "feature words": (VIEW, _field(description="d"), "description none -> d"),
    "more keys": (VIEW, replace(VIEW, entities=(replace(RIDER, key_count=11),)), "key_count 10 -> 11"),
    "unbounded keys": (VIEW, replace(VIEW, entities=(replace(RIDER, key_count=None),)), "key_count 10 -> none"),
    "service grows": (FeatureService("eta", (VIEW[["x"]], ODD)), SERVICE, "features none -> rides:y"),
    "service words": (SERVICE, replace(SERVICE, description="d", logging=True), "logging no -> yes"),
    "source words": (VIEW, replace(VIEW, source=replace(SOURCE, description="d")), "description none -> d"),
}


@pytest.mark.parametrize("name", BREAKING)
def test_breaking_edits_say_why_and_what_they_touch(name: str) -> None:
    before, after, text = BREAKING[name]
    found = [edit for edit in _edits(before, after) if edit.breaking]
    assert len(found) == 1, [str(edit) for edit in found]
    assert text in str(found[0])
    assert found[0].features
    assert not found[0].uncovers


@pytest.mark.parametrize("name", SAFE)
def test_safe_edits_break_nothing(name: str) -> None:
    before, after, text = SAFE[name]
    found = _edits(before, after)
    assert found
    assert not [str(edit) for edit in found if edit.breaking]
    assert any(text in str(edit) for edit in found)


def test_taking_pii_off_uncovers_and_putting_it_on_breaks() -> None:
    (off,) = _edits(VIEW, _field(pii=""))
    assert off.uncovers
    assert off.breaking
    (on,) = _edits(_field(pii=""), VIEW)
    assert on.breaking
    assert not on.uncovers


def test_nothing_differs_from_itself_or_from_its_copy() -> None:
    everything = [VIEW, CLICKS, ODD, SERVICE]
    again = [replace(VIEW), replace(CLICKS), replace(ODD), SERVICE]
    assert edits(DefinitionSet.of(everything), DefinitionSet.of(again)) == ()


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(days=30), "30d"),
        (timedelta(hours=1, minutes=30), "1h30m"),
        (timedelta(0), "0s"),
        (timedelta(minutes=1, microseconds=1), "1m0.000001s"),
        (timedelta(milliseconds=500), "0.5s"),
    ],
)
def test_lengths_of_time_keep_every_digit(length: timedelta, text: str) -> None:
    assert length_text(length) == text


def test_objects_come_and_go_as_a_whole() -> None:
    nothing = DefinitionSet()
    added = edits(nothing, DefinitionSet.of([SERVICE]))
    assert [(edit.action, edit.kind, edit.name) for edit in added] == [
        ("added", "entity", "rider"),
        ("added", "source", "rides"),
        ("added", "feature view", "rides"),
        ("added", "on-demand view", "odd"),
        ("added", "service", "eta"),
    ]
    removed = edits(DefinitionSet.of([SERVICE]), nothing)
    assert [edit.breaking for edit in removed] == [False, False, True, True, True]
    assert removed[2].features == ("rides:x", "rides:y")
    assert removed[4].features == ("rides:x", "rides:y", "odd:z")
