"""Lineage events: valid, the same every time, and without a hidden name."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jsonschema
import pytest

from reference_platform.features.definition_set import DefinitionSet
from reference_platform.features.definitions import Field
from reference_platform.features.governance.access import EVERYTHING
from reference_platform.features.governance.lineage import Lineage, LineageEvent
from reference_platform.features.governance.lineage_facets import source_place, uuid5_text
from reference_platform.features.governance.redaction import Redaction
from reference_platform.features.sources import FileSource, KafkaSource, PushSource, TableSource
from reference_platform.features.stream_views import Aggregation, StreamFeatureView
from reference_platform.features.types import Float64, Int64
from tests.unit.reference_platform.features.governance.openlineage_rules import check_event
from tests.unit.reference_platform.features.governance.people import NOW_US, everything, profile, sales, user

HIDDEN = ("mailbox", "mailbox_two", "mobile_no", "passport", "domain_length")
CLICKS = StreamFeatureView(
    name="clicks",
    source=KafkaSource(
        name="tapping",
        topic="taps",
        kafka_bootstrap_servers="k1:9092,k2:9092",
        batch_source=FileSource(path="taps.parquet"),
    ),
    entities=(user,),
    aggregations=(
        Aggregation(column="amount", function="sum", time_window=timedelta(hours=1), name="spent"),
        Aggregation(column="passport", function="count", time_window=timedelta(hours=1), name="borders"),
    ),
    schema=(Field(name="spent", dtype=Float64), Field(name="borders", dtype=Int64)),
)
ALL = everything().merged(DefinitionSet.of([CLICKS, sales(name="coded", transformation=dict)]))
PARTS = ALL.services["churn"].features


def _events(lineage: Lineage | None = None) -> list[LineageEvent]:
    made = lineage or Lineage("shop", ALL)
    return [
        *made.applied(NOW_US),
        made.materialized(ALL.views["profile"], 0, NOW_US, NOW_US, event_type="START"),
        made.materialized(ALL.views["profile"], 0, NOW_US, NOW_US + 5, rows=7, began_us=NOW_US),
        made.materialized(ALL.views["clicks"], 0, NOW_US, NOW_US, event_type="FAIL"),
        *made.training_set("t1", PARTS, NOW_US, service="churn", rows=10),
        *made.training_set("t2", PARTS, NOW_US),
        *made.model_registered("churn", 4, NOW_US, training_set="t1", service="churn"),
        *made.model_registered("plain", 1, NOW_US),
    ]


def _documents() -> list[dict[str, Any]]:
    return [json.loads(event.line()) for event in _events()]


def test_every_event_is_valid() -> None:
    documents = _documents()
    assert len(documents) > 20
    for document in documents:
        check_event(document)


def test_the_rules_refuse_what_is_not_an_event() -> None:
    good = _documents()[1]
    for broken in (
        {key: value for key, value in good.items() if key != "eventTime"},
        good | {"eventType": "DONE"},
        good | {"eventTime": "yesterday"},
        good | {"run": {"runId": "1"}},
        good | {"extra": 1},
        good | {"job": {"namespace": "a", "name": "b", "facets": {"jobType": {"processingType": "BATCH"}}}},
    ):
        with pytest.raises((jsonschema.ValidationError, ValueError)):
            check_event(broken)


def test_no_event_names_a_hidden_field() -> None:
    text = b"".join(event.line() for event in _events()).decode()
    for name in HIDDEN:
        assert name not in text, name
    assert "pii:email:2" in text
    assert '"key":"pii","value":"phone","source":"PAGERDRILL","field":"pii:phone"' in text
    operator = Lineage("shop", ALL, Redaction(ALL, EVERYTHING))
    seen = b"".join(event.line() for event in _events(operator)).decode()
    assert all(name in seen for name in HIDDEN)


def test_the_same_call_gives_the_same_bytes_and_another_instant_another_run() -> None:
    assert [event.line() for event in _events()] == [event.line() for event in _events()]
    lineage = Lineage("shop", ALL)
    first, later = lineage.applied(NOW_US), lineage.applied(NOW_US + 1)
    assert not {event.run_id for event in first} & {event.run_id for event in later}
    assert not {event.run_id for event in first} & {event.run_id for event in Lineage("other", ALL).applied(NOW_US)}


def test_a_run_has_one_start_and_one_end_under_one_id() -> None:
    kinds: dict[str, list[str]] = {}
    for event in Lineage("shop", ALL).applied(NOW_US):
        kinds.setdefault(event.run_id, []).append(event.event_type)
    assert set(map(tuple, kinds.values())) == {("START", "COMPLETE")}
    start = Lineage("shop", ALL).materialized(profile(), 0, 9, NOW_US, event_type="START")
    end = Lineage("shop", ALL).materialized(profile(), 0, 9, NOW_US + 99, began_us=NOW_US)
    assert start.run_id == end.run_id


def test_run_ids_are_uuids_of_version_five() -> None:
    namespace = uuid.NAMESPACE_URL
    assert uuid5_text(namespace.bytes, b"name") == str(uuid.uuid5(namespace, "name"))
    assert {uuid.UUID(event.run_id).version for event in _events()} == {5}


def _output(job: str) -> dict[str, Any]:
    (found,) = [
        document["outputs"][0]
        for document in _documents()
        if document["job"]["name"] == job and document["eventType"] == "COMPLETE"
    ]
    return dict(found)


def _made_from(job: str) -> dict[str, list[tuple[str, str, str, str]]]:
    fields = _output(job)["facets"]["columnLineage"]["fields"]
    return {
        name: [
            (item["namespace"], item["name"], item["field"], item["transformations"][0]["subtype"])
            for item in made["inputFields"]
        ]
        for name, made in fields.items()
    }


def test_columns_are_followed_from_source_to_service() -> None:
    assert _made_from("apply.profile")["age"] == [("file", "data/profile.parquet", "age", "IDENTITY")]
    assert _made_from("apply.profile")["pii:email"] == [("file", "data/profile.parquet", "pii:email", "IDENTITY")]
    assert _made_from("apply.doubles")["doubled"] == [
        ("shop", "feature_view.profile", "age", "TRANSFORMATION"),
        ("shop", "request.ask", "factor", "TRANSFORMATION"),
    ]
    assert _made_from("apply.churn")["profile:age"] == [("shop", "feature_view.profile", "age", "IDENTITY")]
    assert _made_from("apply.turnover")["selling:sum_7d"] == [("shop", "feature_view.sales", "sum_7d", "IDENTITY")]
    assert _made_from("apply.clicks") == {
        "spent": [("file", "taps.parquet", "amount", "AGGREGATION")],
        "borders": [("file", "taps.parquet", "[withheld]", "AGGREGATION")],
    }
    assert _made_from("training_set.t1")["profile:age"] == [
        ("shop", "feature_service.churn", "profile:age", "IDENTITY")
    ]
    assert _made_from("training_set.t2")["profile:age"] == [("shop", "feature_view.profile", "age", "IDENTITY")]
    assert "columnLineage" not in _output("apply.coded")["facets"], "what code does with columns is not known"


def test_datasets_carry_owner_description_tags_and_rows() -> None:
    facets = _output("apply.profile")["facets"]
    assert facets["ownership"]["owners"] == [{"name": "crm", "type": "OWNER"}]
    assert facets["documentation"]["description"] == "Who our users are, [withheld] included."
    tags = {(tag["key"], tag["value"], tag.get("field", "")) for tag in facets["tags"]["tags"]}
    assert {("team", "crm", ""), ("freshness_sla_s", "3600", ""), ("unit", "year", "age")} <= tags
    assert facets["schema"]["fields"][0] == {
        "name": "age",
        "type": "Int64",
        "description": "Years since birth; unlike [withheld], not personal.",
    }
    assert _output("materialize.profile")["outputFacets"]["outputStatistics"]["rowCount"] == 7
    assert _output("register.churn")["name"] == "model.churn.4"


def test_the_chain_from_source_to_model_is_unbroken() -> None:
    edges = {
        (read["name"], made["name"])
        for document in _documents()
        for read in document["inputs"]
        for made in document["outputs"]
    }
    chain = [
        "data/profile.parquet",
        "feature_view.profile",
        "feature_service.churn",
        "training_set.t1",
        "model.churn.4",
    ]
    assert all((chain[i], chain[i + 1]) in edges for i in range(len(chain) - 1))


@pytest.mark.parametrize(
    ("source", "place"),
    [
        (FileSource(path="a/b.parquet"), ("file", "a/b.parquet")),
        (FileSource(path="s3://bucket/a/b.parquet"), ("s3://bucket", "a/b.parquet")),
        (FileSource(path="gs://bucket", name="g"), ("gs://bucket", "/")),
        (KafkaSource(name="n", topic="t", kafka_bootstrap_servers="k1:9,k2:9"), ("kafka://k1:9", "t")),
        (KafkaSource(name="n", topic="t"), ("kafka://unknown", "t")),
        (PushSource(name="p"), ("shop", "source.p")),
        (TableSource(name="m"), ("shop", "source.m")),
    ],
)
def test_sources_are_named_as_others_name_them(source: Any, place: tuple[str, str]) -> None:
    assert source_place("shop", source) == place


def test_names_in_request_data_are_withheld_by_class() -> None:
    views = everything()
    doubled = views.on_demand["doubles"]
    asked = doubled.sources[1]
    personal = replace(asked, schema=(Field(name="home_street", dtype=Int64, pii="address"),))  # type: ignore[type-var]
    changed = views.merged(DefinitionSet.of([replace(doubled, sources=(doubled.sources[0], personal))]))  # type: ignore[arg-type]
    text = b"".join(event.line() for event in Lineage("shop", changed).applied(NOW_US)).decode()
    assert "home_street" not in text
    assert "pii:address" in text
