"""One empty online store of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.online_store.port import OnlineStore
from reference_platform.features.online_store.redis import RedisOnlineStore
from tests.unit.reference_platform.features.online_store.server import RedisServer, redis_or_skip


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis for the whole run."""
    server = redis_or_skip(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture(params=["memory", "file", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OnlineStore]:
    """An empty store; the tests that take it hold for every kind."""
    opened: OnlineStore
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        opened = RedisOnlineStore(server.url, request.node.name.partition("[")[0][:100])
        opened._client.flushall()
    else:
        opened = EmbeddedOnlineStore(None if request.param == "memory" else tmp_path / "online.db")
    yield opened
    opened.close()
