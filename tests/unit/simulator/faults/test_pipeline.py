"""A lock that nobody gives back, a partition that nobody reads, a clock that is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from reference_platform.shop.topics import CONTRACTS
from tests.unit.simulator.faults.bench import Bench

UNLOCK = "features unlock customer_activity"


@pytest.mark.parametrize(
    "line",
    [
        "features materialize customer_activity --backfill 12h",
        "features restart customer_activity",
        "kubectl rollout restart deployment/materializer",
        "features unlock card_velocity",
    ],
)
def test_a_lock_that_is_still_held_is_the_cause_however_fresh_the_view(line: str) -> None:
    bench = Bench("feature_store.materializer_stalls", after_s=5400.0)
    bench.type(line)
    assert bench.active_for(240.0, 3.0) == {True}


def test_backfills_one_after_the_other_do_not_hide_the_lock() -> None:
    """While one runs, the scheduler shows it instead of the wait, and the view is young."""
    bench = Bench("feature_store.materializer_stalls", after_s=60.0)
    job = bench.plant.materializer.job("customer_activity")
    for _ in range(3):
        bench.type("features materialize customer_activity --backfill 6h")
        assert job.age_s(bench.plant.now_s) <= job.view.freshness_sla_s
        assert bench.active_for(40.0) == {True}


def test_without_the_lock_the_cause_lasts_until_the_view_is_young_again() -> None:
    bench = Bench("feature_store.materializer_stalls", after_s=5400.0)
    job = bench.plant.materializer.job("customer_activity")
    bench.type(UNLOCK)
    assert bench.active, "what was left undone is not made up for"
    for _ in range(120):
        late = job.age_s(bench.plant.now_s) > job.view.freshness_sla_s
        assert bench.active == late
        bench.wait(5.0)
    assert not late
    assert bench.active_for(1800.0, 30.0) == {False}


def test_a_job_that_is_stopped_after_the_unlock_makes_up_for_nothing() -> None:
    bench = Bench("feature_store.materializer_stalls", after_s=5400.0)
    bench.type("kubectl scale deployment materializer --replicas=0", UNLOCK)
    assert bench.active_for(300.0, 20.0) == {True}


def test_the_lock_is_that_of_the_named_view() -> None:
    bench = Bench("feature_store.materializer_stalls", {"view": "card_velocity"}, after_s=60.0)
    locked = [job.job for job in bench.plant.materializer.jobs() if job.status(bench.plant.now_s).lock is not None]
    assert locked == ["card_velocity"]


@pytest.mark.parametrize(
    "line",
    [
        "features consumer rebalance payments",
        "features consumer dedup clicks on",
        "kubectl scale deployment feature-pipeline --replicas=0",
        "kubectl rollout restart deployment/clicks-producer",
    ],
)
def test_a_partition_without_a_reader_stays_the_cause(line: str) -> None:
    bench = Bench("feature_pipeline.dropped_partition", after_s=650.0)
    bench.type(line)
    assert bench.active_for(320.0, 20.0) == {True}


def test_a_partition_with_a_reader_is_the_cause_until_its_backlog_is_read() -> None:
    bench = Bench("feature_pipeline.dropped_partition", after_s=650.0)
    consumer = bench.plant.ingest.feed("clicks").consumer
    bench.type("features consumer rebalance clicks")
    assert consumer.unowned() == ()
    waiting = int(consumer.lag()[3])
    assert waiting > 0
    assert bench.active
    while int(consumer.lag()[3]):
        assert bench.active
        bench.wait(10.0)
    assert bench.active_for(900.0, 50.0) == {False}
    consumer.lose(2)
    assert not bench.active, "another partition is another matter"


def test_the_named_partition_of_the_named_source_is_lost() -> None:
    bench = Bench("feature_pipeline.dropped_partition", {"source": "payments", "partition": 7}, after_s=0.0)
    assert bench.plant.ingest.feed("payments").consumer.unowned() == (7,)
    assert bench.plant.ingest.feed("clicks").consumer.unowned() == ()


def _skewed(bench: Bench) -> str:
    (name,) = [name for name, node in bench.plant.cluster.nodes.items() if node.clock_ahead_s]
    return name


@pytest.mark.parametrize(
    "line",
    [
        "kubectl cordon {node}",
        "kubectl delete pod -l app=clicks-producer",
        "kubectl rollout restart deployment/clicks-producer",
        "kubectl scale deployment clicks-producer --replicas=0",
        "features consumer rebalance clicks",
    ],
)
def test_a_wrong_clock_is_the_cause_while_a_producer_runs_or_may_start_there(line: str) -> None:
    bench = Bench("feature_pipeline.clock_skew")
    bench.type(line.format(node=_skewed(bench)))
    assert bench.active_for(60.0, 10.0) == {True}


def test_a_clock_that_was_set_is_no_cause_any_more() -> None:
    bench = Bench("feature_pipeline.clock_skew", {"minutes": 7.5})
    node = _skewed(bench)
    assert bench.plant.cluster.nodes[node].clock_ahead_s == 450.0
    bench.type(f"chronyc makestep {node}")
    assert bench.active_for(60.0, 10.0) == {False}


def test_a_drained_machine_is_no_cause_until_it_takes_pods_again() -> None:
    bench = Bench("feature_pipeline.clock_skew")
    node = _skewed(bench)
    bench.type(f"kubectl drain {node} --ignore-daemonsets")
    bench.wait(30.0)
    assert not bench.active
    bench.type(f"kubectl uncordon {node}")
    assert bench.active


def test_a_wrong_clock_where_no_producer_can_run_harms_nobody() -> None:
    bench = Bench("feature_pipeline.clock_skew")
    bench.type(f"chronyc makestep {_skewed(bench)}")
    bench.plant.cluster.nodes["gpu-1"].clock_ahead_s = 900.0
    assert not bench.active


@pytest.mark.parametrize("source", sorted(CONTRACTS))
def test_the_machine_of_the_named_producer_goes_wrong_and_is_a_right_name(source: str) -> None:
    bench = Bench("feature_pipeline.clock_skew", {"source": source}, after_s=0.0)
    node = _skewed(bench)
    hosts = {pod.node for pod in bench.plant.cluster.ready_pods(f"{source}-producer")}
    assert node in hosts
    (truth,) = [event.data for event in bench.simulation.log if event.kind == "truth.fault"]
    accepted = truth["accepted"]
    assert isinstance(accepted, list)
    assert accepted[0] == [f"{source}-producer", "clock_skew"]
    assert [node, "clock_skew"] in accepted
    others = {f"cpu-{n}" for n in (1, 2)} - {node}
    assert not any(component in others for component, _ in accepted)
    for contract in CONTRACTS.values():
        there = any(pod.node == node for pod in bench.plant.cluster.ready_pods(contract.producer))
        assert ([contract.producer, "wrong_event_time"] in accepted) == there


def test_one_record_that_waits_is_enough_for_a_partition_to_be_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench("feature_pipeline.dropped_partition", after_s=60.0)
    consumer = bench.plant.ingest.feed("clicks").consumer
    bench.type("features consumer rebalance clicks")
    for waiting in (1, 0):
        lag = np.zeros(len(consumer.lag()), dtype=np.int64)
        lag[3] = waiting
        monkeypatch.setattr(type(consumer), "lag", lambda self, lag=lag: lag)
        assert bench.active == (waiting > 0)


def test_a_wrong_clock_may_be_named_after_its_machine_and_every_sender_on_it() -> None:
    bench = Bench("feature_pipeline.clock_skew")
    node = _skewed(bench)
    assert bench.plant.cluster.ready_pods("clicks-producer")[0].node == node
    senders = {contract.producer for contract in CONTRACTS.values()}
    assert {component for component, _ in bench.fault.accepted_in(bench.plant)} == {node, *senders}
    for pod in bench.plant.cluster.ready_pods("payments-producer"):
        pod.node = "another"
    assert {component for component, _ in bench.fault.accepted_in(bench.plant)} == {node, "clicks-producer"}
