"""Windows in the store: what was published is served and remembered, through crashes and new declarations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reference_platform.features import (
    Aggregation,
    Entity,
    FeatureStore,
    Field,
    Float64,
    KafkaSource,
    StreamFeatureView,
)
from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.push_log import PushLog
from reference_platform.features.streams import StreamJob

T0 = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
VIEW = StreamFeatureView(
    name="fares",
    source=KafkaSource(name="rides"),
    entities=(Entity("driver"),),
    schema=(Field(name="eur", dtype=Float64),),
    aggregations=(Aggregation(column="eur", function="sum", time_window=MINUTE, name="eur"),),
    event_id="ride",
)
EVENTS = {"driver": [1, 1, 2], "event_timestamp": [T0] * 3, "eur": [5.0, 7.0, 1.0], "ride": [1, 2, 3]}


class Clock:
    """The time, set by hand."""

    now = T0

    def __call__(self) -> int:
        return round(self.now.timestamp() * 1e6)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FeatureStore]:
    made = FeatureStore(tmp_path, clock=Clock())
    made.apply(VIEW)
    yield made
    made.close()


def moved(store: FeatureStore, by: timedelta) -> datetime:
    clock = store.now_us
    assert isinstance(clock, Clock)
    clock.now = clock.now + by
    return clock.now


def both(store: FeatureStore, now: datetime) -> tuple[list[float | None], list[float | None]]:
    served = store.get_online_features(["fares:eur"], {"driver": [1, 2, 3]}).values(0)
    labels = {"driver": [1, 2, 3], "event_timestamp": [now] * 3}
    return served, store.get_historical_features(labels, ["fares:eur"]).to_arrow().column("eur").to_pylist()


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("at", [(PushLog, "append"), (EmbeddedOnlineStore, "write"), (StreamJob, "_save")])
def test_closed_windows_are_served_whenever_the_process_that_closed_them_died(
    at: tuple[type, str], store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.push("rides", EVENTS)
    now = moved(store, MINUTE)

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(*at, die)
        with pytest.raises(Killed):
            store.materialize_incremental(now)
    again = FeatureStore(store.repo_path, clock=store.now_us)
    again.materialize_incremental(now)
    assert both(again, now) == ([12.0, 1.0, None],) * 2
    again.close()


def test_windows_of_another_length_begin_anew(store: FeatureStore) -> None:
    store.push("rides", EVENTS)
    now = moved(store, MINUTE)
    store.materialize_incremental(now)
    assert both(store, now) == ([12.0, 1.0, None],) * 2
    longer = (replace(VIEW.aggregations[0], time_window=10 * MINUTE, slide_interval=MINUTE),)
    store.apply(replace(VIEW, aggregations=longer))
    assert both(store, now)[0] == [None] * 3
    store.push("rides", {**EVENTS, "event_timestamp": [now] * 3})
    later = moved(store, MINUTE)
    store.materialize_incremental(later)
    assert both(store, later) == ([12.0, 1.0, None],) * 2
