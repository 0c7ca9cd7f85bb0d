"""The store's connection table: who holds what, and what closing connections changes."""

from __future__ import annotations

import pytest

from reference_platform.serving.connections import RECONNECT_S, ConnectionPool
from reference_platform.spec import OnlineStoreSpec


@pytest.fixture
def pool() -> ConnectionPool:
    spec = OnlineStoreSpec.model_validate(
        {"connections_max": 100, "serving_connections": 40, "read": "4ms", "acquire_timeout": "2s", "cache_ttl": "60s"}
    )
    made = ConnectionPool(spec)
    made.add_client("job", 0.1, 0.0)
    made.client_started("job", 0.0)
    made.tick(800.0)
    return made


def test_closed_connections_come_back_while_the_process_runs(pool: ConnectionPool) -> None:
    assert pool.drop_client("job", 800.0) == 80
    assert pool.held()["job"] == 0
    assert pool.serving_connections() == 40
    pool.tick(800.0 + RECONNECT_S)
    assert pool.held()["job"] >= 80


def test_closed_connections_stay_closed_once_the_process_is_gone(pool: ConnectionPool) -> None:
    pool.client_stopped("job", 800.0)
    pool.drop_client("job", 801.0)
    pool.tick(801.0 + RECONNECT_S)
    assert pool.held()["job"] == 0


def test_closing_connections_of_nobody_closes_none(pool: ConnectionPool) -> None:
    assert pool.drop_client("nobody", 800.0) == 0
    assert pool.held()["job"] == 80
