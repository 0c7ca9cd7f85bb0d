"""A bad release of a producer is the cause while it is wanted or runs; wrong sums, while they hold what it sent."""

from __future__ import annotations

import pytest

from tests.unit.simulator.faults.bench import Bench

FAULTS = {
    "feature_pipeline.schema_mismatch": "payments-producer",
    "feature_pipeline.unit_change": "payments-producer",
    "feature_pipeline.timezone_shift": "clicks-producer",
    "feature_pipeline.null_flood": "payments-producer",
    "feature_pipeline.duplicate_delivery": "payments-producer",
}


@pytest.mark.parametrize(("fault_id", "producer"), FAULTS.items())
def test_a_release_that_is_wanted_is_the_cause_also_without_a_process(fault_id: str, producer: str) -> None:
    bench = Bench(fault_id, after_s=30.0)
    held = bench.plant.cluster.deployments[producer]
    assert held.template.release == "2.4.0"
    assert held.template.cause.startswith(f"{producer} 2.4.0: ")
    bench.type(f"kubectl scale deployment {producer} --replicas=0")
    assert bench.active_for(30.0, 5.0) == {True}
    bench.type(f"kubectl scale deployment {producer} --replicas=2", f"kubectl rollout restart deployment/{producer}")
    assert bench.active_for(30.0, 5.0) == {True}


@pytest.mark.parametrize(("fault_id", "producer"), FAULTS.items())
def test_a_release_that_was_rolled_back_is_the_cause_until_its_last_process_ends(fault_id: str, producer: str) -> None:
    bench = Bench(fault_id, after_s=30.0)
    bench.type(f"kubectl rollout undo deployment/{producer}")
    running = [pod for pod in bench.plant.cluster.ready_pods(producer) if pod.template.release == "2.4.0"]
    assert running
    assert bench.active
    bench.wait(30.0)
    assert not bench.active, "nothing of it was taken in yet"
    bench.type(f"kubectl rollout undo deployment/{producer} --to-revision 2")
    assert bench.active


@pytest.mark.parametrize("fault_id", FAULTS)
def test_deleting_the_producer_is_no_cure(fault_id: str) -> None:
    bench = Bench(fault_id, after_s=30.0)
    bench.type(f"kubectl delete deployment {FAULTS[fault_id]}")
    bench.wait(10.0)
    assert bench.active


def test_wrong_units_are_the_cause_while_the_sums_of_the_day_hold_them() -> None:
    bench = Bench("feature_pipeline.unit_change", after_s=650.0)
    bench.type("kubectl rollout undo deployment/payments-producer")
    assert bench.active_for(600.0, 60.0) == {True}
    bench.type("features replay payments --since 30m")
    assert bench.active_for(600.0, 60.0) == {False}


def test_events_that_the_bad_release_sends_again_are_no_cure() -> None:
    bench = Bench("feature_pipeline.unit_change", after_s=650.0)
    bench.type("features replay payments --since 30m")
    assert bench.active
    bench.type("kubectl rollout undo deployment/payments-producer")
    bench.wait(30.0)
    assert bench.active


def test_wrong_units_wear_off_after_a_day() -> None:
    bench = Bench("feature_pipeline.unit_change", after_s=330.0)
    bench.type("kubectl rollout undo deployment/payments-producer")
    bench.wait(30.0)
    taken_in_s = 900.0
    assert bench.plant.ingest.releases_since("payments", taken_in_s - 1.0) >= {"2.4.0"}
    bench.plant.now_s = taken_in_s + 86399.0
    assert bench.active
    bench.plant.now_s = taken_in_s + 86400.0
    assert not bench.active


def test_copies_are_no_cause_while_the_pipeline_counts_each_once() -> None:
    bench = Bench("feature_pipeline.duplicate_delivery", {"source": "clicks"}, after_s=30.0)
    bench.type("features consumer dedup payments on")
    assert bench.active
    bench.type("features consumer dedup clicks on")
    assert not bench.active
    bench.type("features consumer dedup clicks off")
    assert bench.active


def test_gaps_that_nobody_filled_again_are_over_with_the_release() -> None:
    """Counts of the lost hour fade by themselves; a replay brings them back at once."""
    bench = Bench("feature_pipeline.schema_mismatch", after_s=650.0)
    bench.type("kubectl rollout undo deployment/payments-producer")
    bench.wait(30.0)
    assert bench.active_for(300.0, 60.0) == {False}


@pytest.mark.parametrize(
    "line", ["kubectl delete deployment payments-producer", "kubectl scale deployment payments-producer --replicas=0"]
)
def test_after_a_roll_back_somebody_has_to_send(line: str) -> None:
    bench = Bench("feature_pipeline.schema_mismatch", after_s=30.0)
    bench.type("kubectl rollout undo deployment/payments-producer")
    bench.wait(30.0)
    assert not bench.active
    bench.type(line)
    bench.wait(30.0)
    assert not bench.plant.cluster.ready_pods("payments-producer")
    assert bench.active
