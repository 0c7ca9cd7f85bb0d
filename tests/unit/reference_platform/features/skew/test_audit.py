"""The audit of a store's own vectors, and what a report says."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from reference_platform.features import (
    Entity,
    FeatureService,
    FeatureStore,
    FeatureView,
    Field,
    Float32,
    Int64,
    PushMode,
    PushSource,
    RequestSource,
    String,
    on_demand_feature_view,
)
from reference_platform.features.replay_audit import run_audit
from reference_platform.features.skew.audit import audit
from reference_platform.features.skew.causes import Cause

START_US = 1_700_000_000_000_000
MINUTE_US = 60_000_000
USER = Entity("user", ("user_id",))
SPEND = FeatureView(
    name="spend",
    source=PushSource(name="spend_push"),
    entities=(USER,),
    ttl=timedelta(hours=1),
    schema=(Field(name="total", dtype=Float32), Field(name="count", dtype=Int64), Field(name="city", dtype=String)),
)


@on_demand_feature_view(
    sources=[SPEND[["total"]], RequestSource(name="basket", schema=(Field(name="amount", dtype=Float32),))],
    schema=[Field(name="share", dtype=Float32)],
    mode="python",
)
def basket_share(columns: Any) -> Any:
    return {"share": [None if t is None else a / t for a, t in zip(columns["amount"], columns["total"], strict=True)]}


SERVICE = FeatureService("fraud", (SPEND, basket_share), logging=True)


class Clock:
    def __init__(self) -> None:
        self.us = START_US

    def __call__(self) -> int:
        return self.us

    def wait(self, minutes: float) -> None:
        self.us += int(minutes * MINUTE_US)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Any:
    opened = FeatureStore(tmp_path, clock=clock)
    opened.apply([SERVICE])
    yield opened
    opened.close()


def push(store: FeatureStore, clock: Clock, total: float, to: PushMode = PushMode.ONLINE_AND_OFFLINE) -> None:
    row = {"user_id": [7], "total": [total], "count": [3], "city": ["Bern"]}
    store.push("spend_push", pd.DataFrame({**row, "event_timestamp": [pd.Timestamp(clock.us, unit="us")]}), to=to)


def read(store: FeatureStore) -> None:
    store.get_online_features("fraud", {"user_id": [7, None], "amount": [1.0, 2.0]})


def test_a_store_that_serves_what_it_knows_has_no_difference(store: FeatureStore, clock: Clock) -> None:
    for total in (1.0, 2.0, 3.0):
        clock.wait(1)
        push(store, clock, total)
        clock.wait(1)
        read(store)
    clock.wait(120)
    read(store)
    report = run_audit(store)
    assert (report.vectors, report.cells, report.differences) == (8, 32, 0)
    assert "every value is the one training would have seen" in report.to_text()


def test_a_push_that_never_reached_the_online_store_is_missing(store: FeatureStore, clock: Clock) -> None:
    push(store, clock, 1.0)
    clock.wait(1)
    push(store, clock, 2.0, to=PushMode.OFFLINE)
    clock.wait(1)
    read(store)
    report = run_audit(store)
    assert report.by_cause[Cause.MISSING_MATERIALIZATION] == report.differences == 2
    assert {(finding.part, finding.feature) for finding in report.findings if finding.differences} == {
        ("spend", "total"),
        ("basket_share", "share"),
    }
    example = report.examples[0]
    assert (example.served, example.expected) == ("1.0", "2.0")
    assert example.entity == {"user_id": "7"}
    assert "was known at" in example.why
    text = report.to_text()
    assert "missing materialisation" in text
    assert "0 unexplained" in text
    assert json.loads(json.dumps(report.to_json()))["causes"]["missing materialisation"] == 2


def test_a_push_online_only_is_named(store: FeatureStore, clock: Clock) -> None:
    push(store, clock, 1.0)
    clock.wait(1)
    push(store, clock, 2.0, to=PushMode.ONLINE)
    clock.wait(1)
    read(store)
    assert run_audit(store).by_cause[Cause.ONLINE_ONLY] == 2


def test_only_the_asked_time_is_audited(store: FeatureStore, clock: Clock) -> None:
    push(store, clock, 1.0)
    for _ in range(3):
        clock.wait(1)
        read(store)
    report = run_audit(store, since_us=START_US + 2 * MINUTE_US, until_us=START_US + 3 * MINUTE_US)
    assert report.vectors == 2
    assert report.first_read_us == report.last_read_us == START_US + 2 * MINUTE_US


def test_an_empty_log_is_no_failure(store: FeatureStore) -> None:
    report = run_audit(store)
    assert (report.vectors, report.unexplained) == (0, 0)
    assert report.to_text() == "no logged vectors in this time"


def test_without_the_knowledge_cutoff_later_knowledge_is_late_data(store: FeatureStore, clock: Clock) -> None:
    push(store, clock, 1.0)
    clock.wait(10)
    read(store)
    clock.wait(10)
    late = {"user_id": [7], "total": [5.0], "count": [3], "city": ["Bern"]}
    event = pd.Timestamp(START_US + 5 * MINUTE_US, unit="us")
    store.push("spend_push", pd.DataFrame({**late, "event_timestamp": [event]}), to=PushMode.ONLINE_AND_OFFLINE)
    assert run_audit(store).differences == 0
    report = audit(store.ledgers.vectors, store.history, store.definitions, known_at_read=False)
    assert report.by_cause[Cause.LATE_DATA] == report.differences == 2


def test_what_is_not_declared_any_more_is_counted_and_named(store: FeatureStore, clock: Clock) -> None:
    push(store, clock, 1.0)
    read(store)
    store.apply([USER], partial=False)
    report = run_audit(store)
    assert report.cells == 0
    assert sum(each.cells for each in report.unaudited) == 8
    assert "not audited: spend:total" in report.to_text()


def test_code_that_changed_between_write_and_read_is_named_by_the_log(tmp_path: Path, clock: Clock) -> None:
    def view(factor: float) -> FeatureView:
        def scaled(columns: Any) -> Any:
            return {"total": columns["raw"] * factor}

        return FeatureView(
            name="spend",
            source=PushSource(name="raw"),
            entities=(USER,),
            schema=(Field(name="total", dtype=Float32),),
            transformation=scaled,
        )

    from reference_platform.features.definition_set import DefinitionSet
    from reference_platform.features.skew.vector_log import VectorLog
    from reference_platform.features.skew.vector_shape import VectorShape
    from tests.oracle.skew_faults import MemoryHistory, Row

    log = VectorLog(None)
    for read_us, factor in ((200, 1.0), (400, 2.0)):
        shape = VectorShape.of((view(factor)[["total"]],), service="fraud")
        log.append(shape, read_us, [[7]], [], [[10.0]], [[1]], [[100]])
    log.flush()
    past = MemoryHistory(view(2.0), [Row(7, 100, 100, 0, (20.0,), None)])
    report = audit(log, lambda _view: past, DefinitionSet.of([FeatureService("fraud", (view(2.0),))]))
    assert report.by_cause[Cause.CODE_VERSION] == report.differences == 2


def test_composite_keys_and_views_of_nothing_in_particular(tmp_path: Path, clock: Clock) -> None:
    source = PushSource(name="pairs")
    pair = FeatureView(
        name="pair",
        source=source,
        entities=(Entity("a", ("a_id",)), Entity("b", ("b_id",), String)),
        schema=(Field(name="x", dtype=Float32),),
    )
    world = FeatureView(name="world", source=PushSource(name="world"), schema=(Field(name="y", dtype=Int64),))
    store = FeatureStore(tmp_path, clock=clock)
    store.apply([FeatureService("both", (pair, world), logging=True)])
    when = [pd.Timestamp(clock.us, unit="us")]
    for to, x in ((PushMode.ONLINE_AND_OFFLINE, 1.0), (PushMode.OFFLINE, 2.0)):
        clock.wait(1)
        when = [pd.Timestamp(clock.us, unit="us")]
        store.push("pairs", pd.DataFrame({"a_id": [1], "b_id": ["23"], "x": [x], "event_timestamp": when}), to=to)
        store.push("world", pd.DataFrame({"y": [int(x)], "event_timestamp": when}), to=to)
        store.get_online_features("both", {"a_id": [1, 12, None], "b_id": ["23", "3", "23"]})
    report = run_audit(store)
    store.close()
    # The view of no entity is the same for all three rows of the second read.
    assert report.by_cause[Cause.MISSING_MATERIALIZATION] == report.differences == 1 + 3
