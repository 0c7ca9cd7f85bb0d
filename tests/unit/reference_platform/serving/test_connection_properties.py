"""Whatever clients and operators do, the store never gives out more connections than it has, and time adds up."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_platform.serving.connections import CURSOR_COST_RATIO, REAP_S, RECONNECT_S, RESUME_RATIO, ConnectionPool
from reference_platform.spec import OnlineStoreSpec

SPEC = {"connections_max": 100, "serving_connections": 40, "read": "4ms", "acquire_timeout": "2s", "cache_ttl": "60s"}
READ_S = 0.004
CLIENTS = ["export", "report"]


@dataclass(frozen=True)
class Act:
    """Something that happens `after_s` seconds after the one before."""

    what: str
    client: str
    after_s: float
    value: int


acts = st.lists(
    st.builds(
        Act,
        what=st.sampled_from(["start", "stop", "drop", "down", "up", "max"]),
        client=st.sampled_from(CLIENTS),
        after_s=st.floats(0.0, 600.0),
        value=st.integers(1, 300),
    ),
    max_size=15,
)


def _pool(leak_per_s: float = 0.1) -> ConnectionPool:
    pool = ConnectionPool(OnlineStoreSpec.model_validate(SPEC))
    for name in CLIENTS:
        pool.add_client(name, leak_per_s, 0.0)
    return pool


def _apply(pool: ConnectionPool, act: Act, now_s: float) -> None:
    if act.what == "start":
        pool.client_started(act.client, now_s)
    elif act.what == "stop":
        pool.client_stopped(act.client, now_s)
    elif act.what == "drop":
        before = pool.held()
        closed = pool.drop_client(act.client, now_s)
        assert closed >= 0
        assert pool.held()[act.client] == 0
        assert set(pool.held()) == set(before)
    elif act.what in ("down", "up"):
        pool.restart(act.what == "up", now_s)
    else:
        pool.set_connections_max(act.value, now_s)


def _check(pool: ConnectionPool) -> None:
    held = pool.held()
    assert all(count >= 0 for count in held.values())
    assert 0 <= pool.serving_connections() <= SPEC["serving_connections"]  # type: ignore[operator]
    assert pool.serving_connections() + sum(held.values()) <= pool.connections_max
    assert pool.read_s() == pytest.approx(READ_S * (1.0 + CURSOR_COST_RATIO * sum(held.values())))
    if not pool.up:
        assert pool.serving_connections() == sum(held.values()) == 0


@settings(max_examples=150, deadline=None)
@given(planned=acts)
def test_connections_given_out_never_exceed_the_limit(planned: list[Act]) -> None:
    pool, now_s = _pool(), 0.0
    for act in planned:
        now_s += act.after_s
        pool.tick(now_s)
        _check(pool)
        _apply(pool, act, now_s)
        _check(pool)


@settings(max_examples=150, deadline=None)
@given(planned=acts, cuts=st.lists(st.floats(0.0, 5000.0), max_size=10))
def test_asking_in_between_changes_nothing(planned: list[Act], cuts: list[float]) -> None:
    """`tick` may be called as often as one likes: what is held depends on time, not on who looks."""
    looked, left = _pool(), _pool()
    now_s, waiting = 0.0, sorted(cuts)
    for act in planned:
        now_s += act.after_s
        while waiting and waiting[0] <= now_s:
            looked.tick(waiting.pop(0))
        _apply(looked, act, now_s)
        _apply(left, act, now_s)
    end_s = now_s + REAP_S + 100.0
    looked.tick(end_s)
    left.tick(end_s)
    assert looked.up == left.up
    for name in CLIENTS:
        assert abs(looked.held()[name] - left.held()[name]) <= 1, "whole connections of sums that round differently"


def test_a_leak_takes_connections_from_the_model_servers_one_by_one() -> None:
    pool = _pool()
    pool.client_started("export", 0.0)
    seen = []
    for now_s in range(0, 1200, 20):
        pool.tick(float(now_s))
        seen.append((pool.held()["export"], pool.serving_connections()))
    assert seen == sorted(seen, key=lambda pair: (pair[0], -pair[1]))
    assert seen[0] == (0, 40)
    assert seen[-1] == (100, 0)


def test_the_store_frees_connections_of_a_process_that_is_gone_within_its_time() -> None:
    pool = _pool()
    pool.client_started("export", 0.0)
    pool.client_stopped("export", 500.0)
    pool.tick(500.0 + REAP_S / 2)
    assert pool.held()["export"] == 50
    pool.tick(500.0 + REAP_S)
    assert pool.held()["export"] == 0
    assert pool.serving_connections() == 40


def test_a_restarted_job_comes_back_faster_than_it_came() -> None:
    pool = _pool()
    pool.client_started("export", 0.0)
    pool.client_stopped("export", 300.0)
    pool.client_started("export", 400.0)
    pool.tick(410.0)
    assert pool.held()["export"] == int(0.1 * RESUME_RATIO * 10.0)


def test_restarting_the_store_helps_for_seconds_only() -> None:
    """The leak's owner opens its connections again."""
    pool = _pool()
    pool.client_started("export", 0.0)
    pool.restart(up=False, now_s=800.0)
    assert pool.serving_connections() == 0
    pool.restart(up=True, now_s=820.0)
    assert pool.serving_connections() == 40
    pool.tick(820.0 + RECONNECT_S)
    assert pool.held()["export"] >= 80
    assert pool.serving_connections() < 20


def test_starting_what_runs_and_stopping_what_does_not_change_nothing() -> None:
    pool = _pool()
    pool.client_started("export", 0.0)
    pool.client_started("export", 300.0)
    pool.client_stopped("report", 300.0)
    pool.client_started("nobody", 300.0)
    pool.client_stopped("nobody", 300.0)
    assert pool.held() == {"export": 30, "report": 0}


def test_a_restarted_job_leaks_on_at_its_usual_pace_once_it_has_back_what_it_had() -> None:
    pool = _pool()
    pool.client_started("export", 0.0)
    pool.client_stopped("export", 300.0)
    pool.client_started("export", 400.0)
    again_s = 30.0 / (0.1 * RESUME_RATIO)
    pool.tick(400.0 + again_s)
    assert pool.held()["export"] == 30
    pool.tick(400.0 + again_s + 205.0)
    assert pool.held()["export"] == 50
