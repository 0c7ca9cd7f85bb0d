"""The store's faults: a leak is there while its job is wanted or holds anything, a setting while it is set."""

from __future__ import annotations

import pytest

from tests.unit.simulator.faults.bench import Bench

STOP = "kubectl scale deployment loyalty-export --replicas=0"
RESTART = "kubectl rollout restart statefulset/online-store"


def _leak() -> Bench:
    return Bench("online_store.connection_leak", {"leaks_per_min": 30.0}, after_s=300.0)


@pytest.mark.parametrize(
    "line",
    [
        RESTART,
        "kubectl delete pod online-store-0",
        "store client kill loyalty-export",
        "store config set maxclients 4000",
        "kubectl delete pod -l app=loyalty-export",
        "kubectl rollout restart deployment/recommendation",
    ],
)
def test_a_leak_whose_job_is_still_wanted_never_seems_gone(line: str) -> None:
    bench = _leak()
    bench.type(line)
    assert bench.active_for(90.0) == {True}


def test_a_leak_is_gone_without_its_process_and_without_its_connections() -> None:
    bench = _leak()
    bench.type(STOP)
    bench.wait(6.0)
    assert not bench.plant.client_running("loyalty-export")
    assert bench.plant.pool.held()["loyalty-export"] > 100
    assert bench.active, "the store has not noticed yet"
    bench.wait(40.0)
    assert bench.plant.pool.held()["loyalty-export"] == 0
    assert not bench.active
    bench.type("kubectl scale deployment loyalty-export --replicas=1")
    assert bench.active


def test_a_process_that_is_on_its_way_out_holds_on() -> None:
    bench = _leak()
    bench.type("store client kill loyalty-export", STOP)
    assert bench.active == (bench.plant.pool.held()["loyalty-export"] > 0)
    bench.wait(60.0)
    assert not bench.active


def test_a_stopped_job_and_a_restarted_store_hold_nothing() -> None:
    bench = _leak()
    bench.type(STOP, RESTART)
    bench.wait(90.0)
    assert not bench.active


def test_the_job_is_deployed_as_it_is_named() -> None:
    bench = Bench("online_store.connection_leak", {"job": "points-export", "leaks_per_min": 6.0}, after_s=125.0)
    held = bench.plant.cluster.deployments["points-export"]
    assert (held.spec.kind, held.spec.component, held.replicas) == ("Job", "points-export", 1)
    assert held.template.cause == "points-export 1.4.0: nightly export of loyalty points"
    bench.plant.pool.tick(bench.plant.now_s)
    assert 10 <= bench.plant.pool.held()["points-export"] <= 12, "six a minute since it started"
    bench.type("kubectl delete job points-export")
    bench.wait(60.0)
    assert not bench.active


@pytest.mark.parametrize("mode", ["everysec", "no"])
def test_a_slow_store_is_cured_by_another_setting_and_by_nothing_else(mode: str) -> None:
    bench = Bench("online_store.slow", {"sync_ms": 120.0})
    bench.type("kubectl rollout restart deployment/recommendation", "store config set maxclients 400")
    assert bench.active_for(30.0, 10.0) == {True}
    assert bench.plant.pool.read_s() == pytest.approx(0.004 + 0.120)
    bench.type(f"store config set appendfsync {mode}")
    assert not bench.active
    bench.type("store config set appendfsync always")
    assert bench.active


def test_a_restarted_store_reads_its_file_once_it_is_back() -> None:
    bench = Bench("online_store.slow")
    bench.type(RESTART)
    assert bench.active, "the old process still runs"
    bench.wait(60.0)
    assert not bench.active


def test_a_single_connection_of_a_process_that_is_gone_is_still_the_cause() -> None:
    bench = _leak()
    bench.type(STOP)
    bench.wait(60.0)
    assert not bench.active
    client = bench.plant.pool._clients["loyalty-export"]
    client.wants = 1.0
    assert bench.plant.pool.held()["loyalty-export"] == 1
    assert bench.active


def test_the_leak_is_as_fast_as_the_file_says_and_its_job_takes_one_processor() -> None:
    bench = Bench("online_store.connection_leak", {"leaks_per_min": 6.0}, after_s=0.0)
    assert bench.plant.pool._clients["loyalty-export"].leak_per_s == pytest.approx(0.1)
    assert bench.plant.cluster.deployments["loyalty-export"].spec.cpu == 1.0
