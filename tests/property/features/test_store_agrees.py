"""What a store serves is what its history says of that instant, whatever was written, when, and in which order.

The condition, exactly. At an instant `now`, the values and statuses of `get_online_features` equal those that
`get_historical_features` gives for labels at `now` (with the cutoff, as by default) when

1. every row of history known by `now` (created and event not after it) has reached the online store: it was pushed
   ONLINE_AND_OFFLINE, or a materialisation that covers it has run since it appeared;
2. nothing else has: no row was written online only (PushMode.ONLINE, `write_to_online_store`), none whose event or
   creation lies after `now` or is missing, and no row of history was changed or removed in place.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reference_platform.features import (
    Entity,
    FeatureService,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    Float32,
    Float64,
    Int32,
    Int64,
    OnDemandFeatureView,
    PushMode,
    PushSource,
    RedisConfig,
    RequestSource,
    StoreConfig,
    String,
)
from reference_platform.features.online_store.port import Status
from reference_platform.features.times import instant
from tests.unit.reference_platform.features.online_store.server import redis_or_skip

SECOND = 1_000_000
START_US = 1_767_225_600 * SECOND
TTL = timedelta(seconds=3)
PERSON = Entity("person", join_keys=("person_id",))
CITY = Entity("city", join_keys=("city",), value_type=String)
LANE = Entity("lane", join_keys=("lane",), value_type=Int32)
PEOPLE = PushSource(
    name="people",
    batch_source=FileSource(name="people_file", path="people.parquet", created_timestamp_column="created"),
)
THERE = Field(name="there", dtype=Int64)
PLAIN = FeatureView(
    name="plain",
    source=PEOPLE,
    entities=(PERSON,),
    ttl=TTL,
    schema=(THERE, Field(name="n", dtype=Int64), Field(name="x", dtype=Float64), Field(name="text", dtype=String)),
)


def made(columns: Any) -> Any:
    """A transformation of every kind of column, nulls among them."""
    return {"there": columns["there"], "half": columns["x"] / 2, "more": columns["n"] + 1, "same": columns["text"]}


MADE = FeatureView(
    name="made",
    source=PEOPLE,
    entities=(PERSON,),
    ttl=TTL,
    schema=(
        THERE,
        Field(name="half", dtype=Float32),
        Field(name="more", dtype=Int64),
        Field(name="same", dtype=String),
    ),
    transformation=made,
)
LANES = FeatureView(
    name="lanes",
    source=PushSource(name="lanes"),
    entities=(CITY, LANE),
    ttl=TTL,
    schema=(THERE, Field(name="n", dtype=Int64), Field(name="x", dtype=Float64), Field(name="text", dtype=String)),
)
VIEWS = (PLAIN, MADE, LANES)
# The same rows without an end, so that history alone can say which row is too old and which does not exist.
FOREVER = tuple(replace(view, name=f"{view.name}_forever", ttl=timedelta(0)) for view in VIEWS)
BOSS = PLAIN.with_name("boss").with_join_key_map({"person_id": "boss_id"})
BOSS_FOREVER = FOREVER[0].with_name("boss_forever").with_join_key_map({"person_id": "boss_id"})
REQUEST = RequestSource(name="request", schema=(Field(name="offset", dtype=Float64),))


def combined(columns: Any) -> Any:
    """Two lookups of one view and the request."""
    return {"d": columns["plain__x"] - columns["boss__x"] + columns["offset"]}


COMBINED = OnDemandFeatureView(
    name="combined",
    sources=(PLAIN[["x"]], replace(BOSS, features=("x",)), REQUEST),
    schema=(Field(name="d", dtype=Float64),),
    function=combined,
)
PARTS = [view[list(view.feature_names)] for view in (*VIEWS, *FOREVER)]
SERVICE = FeatureService("all", (*PARTS, BOSS, BOSS_FOREVER, COMBINED))


@dataclass(frozen=True)
class Step:
    """One thing that happens. `rows`: (key, event lag, created lag, values), lags in seconds before now."""

    kind: str
    rows: tuple[Any, ...] = ()
    amount: int = 0


values = st.tuples(
    st.sampled_from([None, 0, -1, 2**53 + 1]),
    st.sampled_from([None, 0.0, 1.5, math.nan]),
    st.sampled_from([None, "", "é"]),
)
rows = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.integers(0, 5), values), min_size=1, max_size=4).map(
    tuple
)
steps = st.lists(
    st.one_of(
        st.builds(Step, st.sampled_from(["push", "push lanes", "push offline", "append"]), rows),
        st.builds(Step, st.sampled_from(["again", "materialize", "incremental", "reopen", "compact", "apply"])),
        st.builds(Step, st.just("clock"), st.just(()), st.integers(0, 4)),
    ),
    min_size=1,
    max_size=8,
)


class World:
    """A store in a folder, a clock, and what is not online yet."""

    def __init__(self, folder: Path, config: StoreConfig) -> None:
        self.now_us = START_US
        self.folder, self.config = folder, config
        self.pending = False
        self.pushed: list[tuple[str, dict[str, Any]]] = []
        self.file = pa.table(
            [[], [], [], [], [], [], []],
            schema=pa.schema(
                [("person_id", pa.int64()), ("event_timestamp", pa.timestamp("us", "UTC")),
                 ("created", pa.timestamp("us", "UTC")), ("there", pa.int64()), ("n", pa.int64()),
                 ("x", pa.float64()), ("text", pa.string())]
            ),
        )  # fmt: skip
        pq.write_table(self.file, folder / "people.parquet")
        self.store = self.opened()
        self.store.apply([SERVICE])

    def opened(self) -> FeatureStore:
        return FeatureStore(self.folder, config=self.config, clock=lambda: self.now_us)

    def columns(self, rows: Sequence[Any], *, created: bool) -> dict[str, Any]:
        """As the sources have them, keys apart."""
        when = pa.timestamp("us", "UTC")
        made: dict[str, Any] = {
            "event_timestamp": pa.array([self.now_us - row[1] * SECOND for row in rows], pa.int64()).cast(when),
            "there": pa.array([1] * len(rows), pa.int64()),
            "n": pa.array([row[3][0] for row in rows], pa.int64()),
            "x": pa.array([row[3][1] for row in rows], pa.float64()),
            "text": pa.array([row[3][2] for row in rows], pa.string()),
        }
        if created:
            made["created"] = pa.array([self.now_us - row[2] * SECOND for row in rows], pa.int64()).cast(when)
        return made

    def push(self, source: str, columns: dict[str, Any], to: PushMode = PushMode.ONLINE_AND_OFFLINE) -> None:
        self.pushed.append((source, columns))
        self.store.push(source, columns, to=to)
        self.pending |= to is PushMode.OFFLINE

    def do(self, step: Step) -> None:
        keys = [row[0] for row in step.rows]
        now = instant(self.now_us)
        match step.kind:
            case "push" | "push offline":
                to = PushMode.OFFLINE if step.kind == "push offline" else PushMode.ONLINE_AND_OFFLINE
                self.push("people", {"person_id": keys, **self.columns(step.rows, created=False)}, to)
            case "push lanes":
                cities = ["" if key == 1 else f"c{key}" for key in keys]
                lanes = pa.array(keys, pa.int32())
                self.push("lanes", {"city": cities, "lane": lanes, **self.columns(step.rows, created=False)})
            case "again":
                if self.pushed:
                    self.push(*self.pushed[-1])
            case "append":
                fresh = pa.table({"person_id": keys, **self.columns(step.rows, created=True)})
                self.file = pa.concat_tables([self.file, fresh.select(self.file.column_names)])
                pq.write_table(self.file, self.folder / "people.parquet", row_group_size=2)
                self.pending = True
            case "materialize":
                self.store.materialize(instant(START_US - 100 * SECOND), now)
                self.pending = False
            case "incremental":
                self.store.materialize_incremental(now)
                self.pending = False
            case "reopen":
                self.store.close()
                self.store = self.opened()
                # The registry only points at code, and this code stands outside of the folder.
                self.store.apply([SERVICE])
            case "compact":
                self.store.compact()
            case "apply":
                self.store.apply([SERVICE])
            case "clock":
                self.now_us += step.amount * SECOND
        self.check()

    def check(self) -> None:
        """Every value and status, under the condition."""
        if self.pending:
            self.store.materialize_incremental(instant(self.now_us))
            self.pending = False
        asked = {
            "person_id": [0, 1, 2, 3, None],
            "boss_id": [2, None, 0, 1, 1],
            "city": ["c0", "", "c2", None, "c0"],
            "lane": [0, 1, 2, 0, 1],
            "offset": [0.5, None, 1.0, 2.0, -1.0],
        }
        when = pa.array([self.now_us] * 5, pa.int64()).cast(pa.timestamp("us", "UTC"))
        labels = pa.table({**asked, "event_timestamp": when})
        trained = self.store.get_historical_features(labels, "all", full_feature_names=True).to_arrow()
        served = self.store.get_online_features("all", asked, full_feature_names=True)
        history = {name: trained.column(name).to_pylist() for name in served.names}
        for index, name in enumerate(served.names):
            view = name.partition("__")[0]
            twin = view if view.endswith("_forever") else f"{view}_forever"
            for row in range(5):
                expected = Status.PRESENT if history[name][row] is not None else Status.NULL_VALUE
                if view != "combined" and history[f"{twin}__there"][row] is None:
                    expected = Status.NOT_FOUND
                elif view != "combined" and history[f"{view}__there"][row] is None:
                    expected = Status.OUTSIDE_MAX_AGE
                assert (repr(served.values(index)[row]), served.statuses(index)[row]) == (
                    repr(history[name][row]), expected,
                ), f"{name}, row {row}"  # fmt: skip


@pytest.fixture(scope="module", params=["embedded", "redis"])
def config(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreConfig]:
    """A configuration for each kind of online store that this machine has."""
    if request.param == "embedded":
        yield StoreConfig()
        return
    server = redis_or_skip(tmp_path_factory.mktemp("redis"))
    yield StoreConfig(online_store=RedisConfig(type="redis", url=server.url))
    server.stop()


NOTHING = (None, None, None)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=steps)
@example(steps=[Step("append", ((0, 0, 0, (0, 1.5, "é")), (0, 0, 0, NOTHING))), Step("push", ((0, 0, 0, NOTHING),))])
@example(steps=[Step("push", ((1, 3, 0, (2, 0.0, "")),)), Step("again"), Step("clock", (), 1), Step("reopen")])
@example(steps=[Step("push offline", ((2, 1, 0, (2, 0.0, "")),)), Step("compact"), Step("push", ((2, 2, 0, NOTHING),))])
def test_served_values_and_statuses_are_those_of_history(
    steps: list[Step], config: StoreConfig, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("agrees")
    world = World(folder, config)
    try:
        for step in steps:
            world.do(step)
        world.store.teardown()
    finally:
        world.store.close()
        shutil.rmtree(folder)
