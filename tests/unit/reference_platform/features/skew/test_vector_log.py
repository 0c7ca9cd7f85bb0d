"""The vector log: what was appended is read back, whatever breaks in between."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from reference_platform.errors import ConfigError
from reference_platform.features.blocks import rows_of
from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.on_demand import RequestSource, on_demand_feature_view
from reference_platform.features.online_store.compiler import compile_plan
from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.skew.vector_log import VectorLog
from reference_platform.features.skew.vector_shape import VectorShape
from reference_platform.features.sources import PushSource
from reference_platform.features.times import NEVER_US
from reference_platform.features.types import Array, Bool, Float32, Int64, String, UnixTimestamp

USER = Entity("user", ("user_id",))
VIEW = FeatureView(
    name="spend",
    source=PushSource(name="spend"),
    entities=(USER,),
    schema=(
        Field(name="total", dtype=Float32),
        Field(name="count", dtype=Int64),
        Field(name="city", dtype=String),
        Field(name="vip", dtype=Bool),
        Field(name="seen", dtype=UnixTimestamp),
        Field(name="last", dtype=Array(Int64)),
    ),
)


@on_demand_feature_view(
    sources=[VIEW[["total"]], RequestSource(name="basket", schema=(Field(name="amount", dtype=Float32),))],
    schema=[Field(name="share", dtype=Float32)],
)
def basket_share(columns):  # type: ignore[no-untyped-def]
    return {"share": columns["amount"] / columns["total"]}


SHAPE = VectorShape.of((VIEW[["total", "count", "city", "vip", "seen", "last"]], basket_share), service="fraud")
ROW = [1.5, 3, "Bern", True, 1_000_000, [1, 2], 0.5]


def append(log: VectorLog, read_us: int, row: list[object] | None = None, key: object = 7) -> None:
    values = [[value] for value in (row or ROW)]
    log.append(SHAPE, read_us, [[key]], [[0.75]], values, [[1]] * len(values), [[read_us - 5]], ("r",))


def read_instants(log: VectorLog, since_us: int | None = None, until_us: int | None = None) -> list[int]:
    return [t for segment in log.read(since_us, until_us) for t in segment.table["read_us"].to_pylist()]


def test_a_shape_names_every_column_and_survives_json() -> None:
    assert [column.name for column in SHAPE.keys] == ["user_id"]
    assert [column.name for column in SHAPE.requests] == ["amount"]
    assert [feature.name for feature in SHAPE.features][-1] == "share"
    assert SHAPE.functions[0].code == basket_share.code_sha256
    assert VectorShape.from_json(SHAPE.to_json()) == SHAPE


def test_unseen_inputs_of_on_demand_views_join_the_shape_when_asked_for() -> None:
    shape = VectorShape.of((basket_share,), inputs=True)
    assert [(feature.name, feature.served) for feature in shape.features] == [("share", True), ("spend:total", False)]
    assert [view.part for view in shape.views] == ["spend"]
    assert VectorShape.of((basket_share,)).lookups == (-1,)


def test_hidden_features_are_not_in_the_shape() -> None:
    shape = VectorShape.of((VIEW[["total", "city"]],), visible=lambda _view, field: field.name != "city")
    assert [feature.name for feature in shape.features] == ["total"]


@pytest.mark.parametrize("on_disk", [True, False])
def test_what_was_appended_is_read_back(tmp_path: Path, on_disk: bool) -> None:
    log = VectorLog(tmp_path / "vectors" if on_disk else None)
    append(log, 100)
    append(log, 200, [math.nan, None, None, False, None, None, None])
    assert log.flush() == 2
    (segment,) = log.read()
    assert segment.shape == SHAPE
    rows = segment.table.to_pylist()
    assert [row["read_us"] for row in rows] == [100, 200]
    assert rows[0]["v2"] == "Bern"
    assert rows[0]["v5"] == [1, 2]
    assert rows[0]["r0"] == 0.75
    assert rows[0]["row_id"] == "r"
    assert list(rows[0]["statuses"]) == [1] * 7
    assert math.isnan(rows[1]["v0"])
    assert rows[1]["v1"] is None


def test_reads_of_many_rows_and_of_one_share_a_segment() -> None:
    log = VectorLog()
    append(log, 100)
    values = [[value, value, value] for value in ROW]
    statuses = [[1, 2, 3]] * 7
    log.append(SHAPE, 200, [[1, 2, None]], [[0.0] * 3], values, statuses, [[1, 2, 3]])
    log.flush()
    (segment,) = log.read()
    assert [list(status) for status in segment.table["statuses"].to_pylist()[1:]] == [[1] * 7, [2] * 7, [3] * 7]
    assert segment.table["k0"].to_pylist() == [7, 1, 2, None]


def test_a_value_of_the_wrong_type_is_kept_as_text() -> None:
    log = VectorLog()
    append(log, 100, [1.5, math.nan, "Bern", True, 1, [1], 0.5], key="seven")
    append(log, 200)
    log.flush()
    (segment,) = log.read()
    assert segment.table["v1"].to_pylist() == [None, 3]
    assert segment.table["misfits"].to_pylist() == ['{"1": "nan", "k0": "seven"}', None]


def test_only_the_asked_instants_are_read(tmp_path: Path) -> None:
    log = VectorLog(tmp_path, segment_rows=64)
    for t in range(1, 1001):
        append(log, t)
    log.flush()
    assert read_instants(log, 500, 600) == list(range(500, 600))
    assert read_instants(log) == list(range(1, 1001))


def test_two_processes_worth_of_logs_share_a_folder(tmp_path: Path) -> None:
    first, second = VectorLog(tmp_path), VectorLog(tmp_path)
    append(first, 100)
    append(second, 200)
    first.flush()
    second.flush()
    assert read_instants(VectorLog(tmp_path)) == [100, 200]


def test_a_crash_loses_only_what_was_not_flushed(tmp_path: Path) -> None:
    log = VectorLog(tmp_path, segment_rows=64)
    for t in range(100):
        append(log, t)
    del log
    assert read_instants(VectorLog(tmp_path)) == list(range(64))


@pytest.mark.parametrize("damage", ["cut", "bit", "empty"])
def test_a_torn_segment_is_skipped_and_counted(tmp_path: Path, damage: str) -> None:
    log = VectorLog(tmp_path, segment_rows=64)
    for t in range(192):
        append(log, t)
    torn = sorted(tmp_path.glob("*.arrow"))[1]
    data = bytearray(torn.read_bytes())
    data[len(data) // 2] ^= 1
    torn.write_bytes({"cut": bytes(data[:-100]), "bit": bytes(data), "empty": b""}[damage])
    (tmp_path / "half.arrow.part").write_bytes(b"ARROW1")
    again = VectorLog(tmp_path)
    assert read_instants(again) == [*range(64), *range(128, 192)]
    assert again.counts.damaged == 1


def test_a_disk_that_refuses_never_stops_serving(tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    folder.write_text("in the way")
    log = VectorLog(folder, segment_rows=64, waiting_rows_max=128)
    for t in range(200):
        append(log, t)
    assert log.trouble is not None
    assert log.counts.dropped == 72
    with pytest.raises(ConfigError, match="could not be logged"):
        log.flush()
    folder.unlink()
    assert log.flush() == 128
    assert log.trouble is None
    assert read_instants(log) == list(range(128))


def test_the_writing_thread_loses_nothing(tmp_path: Path) -> None:
    log = VectorLog(tmp_path, segment_rows=64, in_background=True)
    for t in range(1000):
        append(log, t)
    log.close()
    assert sorted(read_instants(log)) == list(range(1000))


def test_the_oldest_segments_go_first() -> None:
    log = VectorLog(segment_rows=64, segments_max=2)
    for t in range(256):
        append(log, t)
    assert read_instants(log) == list(range(128, 256))
    assert log.counts.pruned == 2


def test_responses_are_logged_as_they_were_served() -> None:
    """Whole arrays at a time, and value by value: the same rows."""
    store = EmbeddedOnlineStore(None)
    view = replace(VIEW, ttl=timedelta(microseconds=500))
    store.declare([view])
    table = pa.table(
        {
            "user_id": [1, 2, 3],
            "event_timestamp": pa.array([100, 400, 1_000]).cast(pa.timestamp("us")),
            "total": pa.array([1.5, None, math.nan], pa.float32()),
            "count": [1, 2, None],
            "city": ["Bern", None, ""],
            "vip": [True, None, False],
            "seen": pa.array([5, None, 7]).cast(pa.timestamp("us")),
            "last": [[1], None, []],
        }
    )
    store.write(view, rows_of(view, table, arrived_us=None))
    computed = replace(basket_share, sources=(view[["total"]], basket_share.sources[1]))
    plan = compile_plan((view[["total", "city", "vip", "count", "seen", "last"]], computed))
    shape = VectorShape.of_plan(plan, service="fraud")
    whole, single = VectorLog(), VectorLog()
    for keys in ([1], [2], [3], [9, 3, None, 2], [2]):
        response = plan.read(store, {"user_id": keys, "amount": [0.5] * len(keys)}, 800)
        ids = [f"{key}" for key in keys]
        whole.append_response(shape, response, 800, ids)
        features = range(len(plan.names))
        single.append(
            shape,
            800,
            [keys],
            [[0.5] * len(keys)],
            [response.values(index) for index in features],
            [response.statuses(index) for index in features],
            [[us or NEVER_US for us in response.event_us(0)]],
            ids,
        )
    whole.flush()
    single.flush()
    (left,), (right,) = whole.read(), single.read()
    assert left.table.schema == right.table.schema
    assert repr(left.table.to_pylist()) == repr(right.table.to_pylist())
    assert {status for row in left.table["statuses"].to_pylist() for status in row} == {1, 2, 3, 4}


def test_both_ways_of_appending_keep_their_order() -> None:
    log = VectorLog()
    store = EmbeddedOnlineStore(None)
    store.declare([VIEW])
    plan = compile_plan((VIEW[["total", "count", "city", "vip", "seen", "last"]], basket_share))
    for t in range(10):
        if t % 3:
            append(log, t)
        else:
            log.append_response(SHAPE, plan.read(store, {"user_id": [t], "amount": [1.0]}, t), t)
    log.flush()
    assert read_instants(log) == list(range(10))
