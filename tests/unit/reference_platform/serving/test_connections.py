"""The store's connection table: who holds what, and what closing connections changes."""

from __future__ import annotations

import pytest

from reference_platform.serving.connections import RECONNECT_S, SYNC_S, Client, ConnectionPool
from reference_platform.spec import OnlineStoreSpec

SPEC = OnlineStoreSpec.model_validate(
    {"connections_max": 100, "serving_connections": 40, "read": "4ms", "acquire_timeout": "2s", "cache_ttl": "60s"}
)


@pytest.fixture
def pool() -> ConnectionPool:
    made = ConnectionPool(SPEC)
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


def test_half_of_what_was_closed_is_open_again_halfway_through(pool: ConnectionPool) -> None:
    """A client with a pool reopens it within 15 s, evenly."""
    pool.drop_client("job", 800.0)
    assert pool.reopened_s("job") == 815.0
    pool.tick(807.5)
    assert pool.held()["job"] == 40
    pool.tick(811.25)
    assert pool.held()["job"] == int(81.125 * 0.75)
    pool.tick(815.0)
    assert pool.held()["job"] == 81


def test_everybody_comes_back_evenly_after_the_store_restarts(pool: ConnectionPool) -> None:
    pool.restart(False, 800.0)
    assert (pool.held()["job"], pool.serving_connections()) == (0, 0)
    pool.restart(True, 830.0)
    assert pool.reopened_s("job") == 845.0
    pool.tick(837.5)
    assert pool.held()["job"] == int(83.75 / 2)


@pytest.mark.parametrize(("after_s", "held"), [(19.999, 80), (20.0, 0)])
def test_the_store_takes_twenty_seconds_to_notice_that_a_process_is_gone(
    pool: ConnectionPool, after_s: float, held: int
) -> None:
    pool.client_stopped("job", 800.0)
    pool.tick(800.0 + after_s)
    assert pool.held()["job"] == held


def test_a_client_that_never_ran_holds_nothing_from_the_first_second(pool: ConnectionPool) -> None:
    pool.add_client("report", 5.0, 800.0)
    assert pool.held()["report"] == 0
    pool.tick(800.5)
    assert pool.held()["report"] == 0
    pool.client_started("report", 800.5)
    pool.tick(801.1)
    assert pool.held()["report"] == 3


def test_a_new_process_opens_twenty_times_faster_what_the_last_one_had_open() -> None:
    client = Client("job", leak_per_s=0.5, wants=0.0, running=True, resumes=30.0)
    client.grow(2.0)
    assert client.wants == pytest.approx(20.0), "ten a second"
    client.grow(3.0)
    assert client.wants == pytest.approx(30.0 + 2.0 * 0.5), "one second at that pace, two at its usual one"
    client.grow(2.0)
    assert client.wants == pytest.approx(32.0)
    fresh = Client("job", leak_per_s=0.5, wants=0.0, running=True)
    fresh.grow(2.0)
    assert fresh.wants == pytest.approx(1.0), "without a last process there is nothing to resume"
    nearly = Client("job", leak_per_s=0.5, wants=0.0, running=True, resumes=0.5)
    nearly.grow(2.0)
    assert nearly.wants == pytest.approx(0.5 + (2.0 - 0.05) * 0.5)


def test_a_client_that_leaks_nothing_resumes_nothing() -> None:
    idle = Client("job", leak_per_s=0.0, wants=0.0, running=True, resumes=9.0)
    idle.grow(100.0)
    assert idle.wants == 0.0


def test_a_leak_ends_at_ten_thousand() -> None:
    client = Client("job", leak_per_s=100.0, wants=9_990.0, running=True)
    client.grow(60.0)
    assert client.wants == 10_000.0


def test_time_moves_by_what_passed_since_the_last_look_however_little() -> None:
    pool = ConnectionPool(SPEC)
    pool.add_client("job", 4.0, 0.0)
    pool.client_started("job", 0.0)
    for quarter in range(1, 5):
        pool.tick(quarter / 4)
    assert pool.held()["job"] == 4
    pool.tick(1.0)
    assert pool.held()["job"] == 4


def test_a_read_grows_by_three_percent_for_each_leaked_cursor_and_by_the_syncs(pool: ConnectionPool) -> None:
    assert pool.read_s() == pytest.approx(0.004 * (1.0 + 0.03 * 80))
    assert pool.sync_s() == 0.0
    pool.set_fsync("always")
    assert pool.sync_s() == SYNC_S == 0.008
    assert pool.read_s() == pytest.approx(0.004 * (1.0 + 0.03 * 80) + 0.008)
    pool.set_fsync("always", 0.5)
    assert pool.read_s() == pytest.approx(0.004 * (1.0 + 0.03 * 80) + 0.5)
    pool.set_fsync("always")
    assert pool.sync_s() == 0.5, "the disk is what it is"
    pool.set_fsync("no")
    assert pool.read_s() == pytest.approx(0.004 * (1.0 + 0.03 * 80))
