"""The store in Redis: round trips, restarts, and a server that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reference_platform.errors import CommandError, ConfigError, ContentError
from reference_platform.features.definitions import Entity
from reference_platform.features.online_store import redis as module
from reference_platform.features.online_store.port import ViewRead
from reference_platform.features.online_store.redis import RedisOnlineStore
from reference_platform.features.times import NEVER_US
from reference_platform.features.types import Float64, Int64, String
from tests.unit.reference_platform.features.online_store.rows import NOW_US, rows_of, view_of
from tests.unit.reference_platform.features.online_store.server import RedisServer, redis_or_skip

VIEW = view_of("trips", {"trips": Int64})


@pytest.fixture
def redis_store(redis_server: RedisServer) -> Iterator[RedisOnlineStore]:
    """An empty store with one view."""
    store = RedisOnlineStore(redis_server.url, "shop")
    store._client.flushall()
    store.declare([VIEW])
    yield store
    store.close()


def calls(store: RedisOnlineStore) -> dict[str, int]:
    """How often each command was sent since the last reset."""
    stats: dict[str, Any] = store._client.info("commandstats")
    return {name.removeprefix("cmdstat_"): value["calls"] for name, value in stats.items()}


def value(store: RedisOnlineStore, key: int) -> object:
    """The stored value of `key`."""
    (answer,) = store.read([ViewRead(VIEW, ([key],))])
    return answer.row(0)[0]


def test_any_number_of_views_is_one_command(redis_store: RedisOnlineStore) -> None:
    views = [view_of(f"v{number}", {"x": Int64}) for number in range(20)]
    redis_store.declare(views)
    redis_store._client.config_resetstat()
    answers = redis_store.read([ViewRead(view, (list(range(50)),)) for view in views])
    sent = calls(redis_store)
    assert sent.pop("mget") == 1
    assert set(sent) <= {"info", "config|resetstat"}
    assert len(answers) == 20


def test_a_read_of_null_keys_only_asks_nothing(redis_store: RedisOnlineStore) -> None:
    (answer,) = redis_store.read([ViewRead(VIEW, ([None, None],))])
    assert answer.found.tolist() == [False, False]


def test_rows_of_one_entity_share_a_slot(redis_store: RedisOnlineStore) -> None:
    other = view_of("other", {"x": Int64})
    redis_store.declare([other])
    for view in (VIEW, other):
        redis_store.write(view, rows_of(view, [5], [(1,)]))
    names = redis_store._client.keys("pd:shop:*{*")
    assert len({name[name.index(b"{") :] for name in names}) == 1
    assert len(names) == 2


def test_large_writes_are_cut_and_counted_once(redis_store: RedisOnlineStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CALL_ROWS", 7)
    monkeypatch.setattr(module, "CALLS_PER_TRIP", 3)
    keys = [key % 60 for key in range(100)]
    rows = rows_of(VIEW, keys, [(number,) for number in range(100)], sequence=list(range(100)))
    assert redis_store.write(VIEW, rows) == 60
    assert redis_store.write(VIEW, rows) == 0
    assert redis_store.rows("trips") == 60
    assert [value(redis_store, key) for key in (0, 39, 40, 59)] == [60, 99, 40, 59]


def test_the_server_compares_bytes_not_text(redis_store: RedisOnlineStore) -> None:
    """Zero bytes and letters of any locale are in the row that decides a tie."""
    view = view_of("ties", {"text": String})
    redis_store.declare([view])
    texts = ["a\x00b", "a\x00a", "Z", "é", "e", "a"]
    for number, order in enumerate((texts, texts[::-1], sorted(texts))):
        for text in order:
            redis_store.write(view, rows_of(view, [number], [(text,)]))
    (answer,) = redis_store.read([ViewRead(view, ([0, 1, 2],))])
    assert [answer.row(index) for index in range(3)] == [answer.row(0)] * 3


def test_projects_do_not_see_each_other(redis_store: RedisOnlineStore, redis_server: RedisServer) -> None:
    redis_store.write(VIEW, rows_of(VIEW, [1], [(1,)]))
    other = RedisOnlineStore(redis_server.url, "lab")
    other.declare([VIEW])
    assert value(other, 1) is None
    other.drop("trips")
    assert value(redis_store, 1) == 1
    other.close()


def test_dropped_and_redeclared_views_leave_nothing_behind(
    redis_store: RedisOnlineStore, redis_server: RedisServer
) -> None:
    redis_store.write(VIEW, rows_of(VIEW, [1, 2], [(1,), (2,)]))
    wider = view_of("trips", {"trips": Float64})
    other = RedisOnlineStore(redis_server.url, "shop")
    other.declare([wider])
    assert len(redis_store._client.keys("pd:shop:*")) == 1
    for attempt in (
        lambda: redis_store.write(VIEW, rows_of(VIEW, [1], [(1,)])),
        lambda: redis_store.watermark_us("trips"),
        lambda: redis_store.advance_watermark("trips", 5),
    ):
        with pytest.raises(CommandError, match="declared anew by another process"):
            attempt()
    other.write(wider, rows_of(wider, [1], [(1.5,)]))
    other.drop("trips")
    assert redis_store._client.keys("*") == []
    other.close()


def test_a_server_that_forgot_everything_starts_empty_and_goes_on(tmp_path: Path) -> None:
    server = redis_or_skip(tmp_path)
    store = RedisOnlineStore(server.url, "shop")
    try:
        store.declare([VIEW])
        store.write(VIEW, rows_of(VIEW, [1], [(1,)]))
        store.advance_watermark("trips", NOW_US)
        server.stop()
        server.start()
        assert value(store, 1) is None
        assert store.watermark_us("trips") == NEVER_US
        assert store.write(VIEW, rows_of(VIEW, [1], [(2,)])) == 1
        store.advance_watermark("trips", 7)
        again = RedisOnlineStore(server.url, "shop")
        again.declare([VIEW])
        assert (value(again, 1), again.rows("trips"), again.watermark_us("trips")) == (2, 1, 7)
        again.close()
    finally:
        store.close()
        server.stop()


def test_a_server_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRIES_MAX", 0)
    server = redis_or_skip(tmp_path)
    store = RedisOnlineStore(server.url, "shop")
    store.declare([VIEW])
    server.stop()
    for attempt in (
        lambda: value(store, 1),
        lambda: store.write(VIEW, rows_of(VIEW, [1], [(1,)])),
        lambda: store.watermark_us("trips"),
        lambda: store.drop("trips"),
    ):
        with pytest.raises(ConfigError, match="Redis does not answer") as caught:
            attempt()
        assert f"127.0.0.1:{server.port}" in str(caught.value)
        assert "redis-server" in str(caught.value)
    store.close()


def test_what_the_server_refuses_is_told(redis_store: RedisOnlineStore) -> None:
    redis_store._client.config_set("maxmemory", 1)
    try:
        with pytest.raises(ConfigError, match="Redis refused"):
            redis_store.write(VIEW, rows_of(VIEW, [1], [(1,)]))
    finally:
        redis_store._client.config_set("maxmemory", 0)


def test_passwords_stay_out_of_errors() -> None:
    store = RedisOnlineStore("redis://user:s3cret@127.0.0.1:1/0", "shop")
    store._client.connection_pool.connection_kwargs["retry"]._retries = 0
    with pytest.raises(ConfigError) as caught:
        store.declare([VIEW])
    assert "s3cret" not in str(caught.value)
    store.close()


def test_wrong_urls_and_projects_are_refused() -> None:
    with pytest.raises(ConfigError, match="no Redis url"):
        RedisOnlineStore("localhost:6379", "shop")
    with pytest.raises(ContentError):
        RedisOnlineStore("redis://localhost", "a*{b")


def test_text_keys_with_braces_and_zeros(redis_store: RedisOnlineStore) -> None:
    view = view_of("named", {"x": Int64}, Entity("name", value_type=String))
    redis_store.declare([view])
    keys = ["}", "{", "", "{}", "a\x00"]
    redis_store.write(view, rows_of(view, keys, [(index,) for index in range(5)]))
    (answer,) = redis_store.read([ViewRead(view, (keys,))])
    assert [answer.row(index)[0] for index in range(5)] == [0, 1, 2, 3, 4]


def test_a_view_called_meta_goes_without_what_is_noted_of_others(redis_store: RedisOnlineStore) -> None:
    meta = view_of("meta", {"x": Int64})
    redis_store.declare([meta])
    redis_store.write(meta, rows_of(meta, [1], [(1,)], NOW_US))
    redis_store.write(VIEW, rows_of(VIEW, [1], [(7,)], NOW_US))
    redis_store.advance_watermark("trips", NOW_US)
    redis_store.drop("meta")
    assert (redis_store.rows("trips"), redis_store.watermark_us("trips"), value(redis_store, 1)) == (1, NOW_US, 7)
    redis_store.declare([meta])
    assert redis_store.read([ViewRead(meta, ([1],))])[0].found.tolist() == [False]
