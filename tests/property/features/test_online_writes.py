"""Any order and any repetition of writes ends in one state, the same in every online store."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reference_platform.features.definitions import Entity, FeatureView
from reference_platform.features.online_store.codec import VERSIONS_AT, RowCodec
from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.online_store.port import OnlineStore, ViewRead
from reference_platform.features.online_store.redis import RedisOnlineStore
from reference_platform.features.types import Array, Float32, Int64, String
from tests.unit.reference_platform.features.online_store.rows import PLACE, rows_of, view_of
from tests.unit.reference_platform.features.online_store.server import redis_or_skip

SCHEMA = {"n": Int64, "x": Float32, "text": String, "list": Array(Int64)}
VIEWS = {
    "integer": view_of("integer", SCHEMA, Entity("k")),
    "dense": view_of("dense", SCHEMA, Entity("k", key_count=4)),
    "text": view_of("text", SCHEMA, Entity("k", value_type=String)),
    "composite": view_of("composite", SCHEMA, PLACE),
}
KEYS: dict[str, list[Any]] = {
    "integer": [-1, 0, 1, 2**40],
    "dense": [0, 1, 2, 3],
    "text": ["", "a", "ab", "\x00"],
    "composite": [("a", "b"), ("ab", ""), ("", "ab"), ("a", "")],
}
# Few different versions and values, so that ties of every depth happen all the time.
values = st.tuples(
    st.sampled_from([None, 0, -1, 256]),
    st.sampled_from([None, 0.0, -0.0, 1.5]),
    st.sampled_from([None, "", "a", "é"]),
    st.sampled_from([None, [], [1], [None, 2]]),
)
row = st.tuples(st.integers(0, 3), st.integers(-1, 2), st.integers(0, 1), st.integers(0, 1), values)
writes = st.lists(st.lists(row, min_size=1, max_size=12), max_size=5)


@pytest.fixture(scope="module", params=["memory", "file", "redis"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnlineStore]:
    """A store whose views every example drops and declares."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    if request.param == "redis":
        server = redis_or_skip(folder)
        remote = RedisOnlineStore(server.url, "property")
        yield remote
        remote.close()
        server.stop()
    else:
        opened = EmbeddedOnlineStore(None if request.param == "memory" else folder / "online.db")
        yield opened
        opened.close()
    shutil.rmtree(folder, ignore_errors=True)


def block(view: FeatureView, rows: list[Any]) -> Any:
    """The rows as a block."""
    keys = [KEYS[view.name][key] for key, *_ in rows]
    versions = [[each[part] for each in rows] for part in (1, 2, 3)]
    return rows_of(view, keys, [each[4] for each in rows], *versions)


def expected(view: FeatureView, batches: list[list[Any]]) -> list[Any]:
    """Event time and values per key: the greatest of all rows, found by plain comparison."""
    codec = RowCodec(view)
    best: dict[int, tuple[Any, ...]] = {}
    for each in (each for rows in batches for each in rows):
        (packed,) = codec.encode(block(view, [each]))
        rank = (*each[1:4], packed[VERSIONS_AT + 24 :], list(each[4]))
        if each[0] not in best or rank[:4] > best[each[0]][:4]:
            best[each[0]] = rank
    return [(best[key][0], best[key][4]) if key in best else None for key in range(4)]


def found(store: OnlineStore, view: FeatureView) -> list[Any]:
    """What the store holds, in the same form."""
    keys = KEYS[view.name]
    columns = list(zip(*keys, strict=True)) if len(view.join_keys) > 1 else [keys]
    (answer,) = store.read([ViewRead(view, tuple(map(list, columns)))])
    return [(answer.event_us.tolist()[at], answer.row(at)) if answer.found[at] else None for at in range(4)]


@pytest.mark.parametrize("name", VIEWS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=writes, data=st.data())
def test_order_and_repetition_of_writes_do_not_matter(
    store: OnlineStore, name: str, batches: list[list[Any]], data: st.DataObject
) -> None:
    view = VIEWS[name]
    store.drop(view.name)
    store.declare([view])
    for rows in batches:
        before = found(store, view)
        won = store.write(view, block(view, rows))
        after = found(store, view)
        assert won >= sum(one != two for one, two in zip(before, after, strict=True))
        assert won <= len({each[0] for each in rows})
    wanted = expected(view, batches)
    assert repr(found(store, view)) == repr(wanted)
    assert store.rows(view.name) == sum(each is not None for each in wanted)
    flat = [each for rows in batches for each in rows]
    again = data.draw(st.permutations(flat + flat[: len(flat) // 2]))
    if again:
        assert store.write(view, block(view, again)) == 0
        store.drop(view.name)
        store.declare([view])
        cut = data.draw(st.integers(0, len(again)))
        store.write(view, block(view, again[cut:]))
        store.write(view, block(view, again[:cut]))
        assert repr(found(store, view)) == repr(wanted)
