"""A version that does not fit: gone when it is neither wanted nor running where it does not fit, whoever is ready."""

from __future__ import annotations

import pytest

from simulator.faults.deployment import ModelUpdate
from tests.contract.examples import LARGE_POOL
from tests.unit.simulator.faults.bench import Bench

UNDO = "kubectl rollout undo deployment/recommendation"
MOVE = f"kubectl patch deployment recommendation -p '{LARGE_POOL}'"
NEED_MIB = 11 * 1024


def _limit(mebibytes: int) -> str:
    return f"kubectl set resources deployment/recommendation --limits=memory={mebibytes}Mi"


def _bench() -> Bench:
    return Bench("deployment.model_update")


@pytest.mark.parametrize(
    "lines",
    [
        ("kubectl scale deployment recommendation --replicas=0",),
        ("kubectl scale deployment recommendation --replicas=1",),
        ("kubectl rollout restart deployment/recommendation",),
        (_limit(14 * 1024),),
        (MOVE,),
        (_limit(NEED_MIB - 1), MOVE),
        (_limit(14 * 1024), MOVE, "kubectl scale deployment recommendation --replicas=6"),
        (_limit(14 * 1024), MOVE, "kubectl cordon gpu-large-1"),
        (UNDO, UNDO),
        ("kubectl set env deployment/recommendation MODEL_VERSION=3", UNDO),
    ],
)
def test_half_a_cure_leaves_the_cause(lines: tuple[str, ...]) -> None:
    bench = _bench()
    bench.type(*lines)
    assert bench.active_for(150.0, 10.0) == {True}


@pytest.mark.parametrize(
    "lines",
    [
        (UNDO,),
        ("kubectl set env deployment/recommendation MODEL_VERSION=3",),
        ("kubectl scale deployment recommendation --replicas=0", UNDO),
        ("kubectl delete deployment recommendation",),
    ],
)
def test_a_version_that_is_not_wanted_is_gone_while_pods_still_start(lines: tuple[str, ...]) -> None:
    bench = _bench()
    bench.type(*lines)
    ready = len(bench.plant.cluster.ready_pods("recommendation"))
    assert ready < 3
    assert bench.active_for(120.0, 5.0) == {False}


@pytest.mark.parametrize(
    "lines",
    [
        (_limit(NEED_MIB), MOVE),
        (_limit(14 * 1024), MOVE),
        (_limit(14 * 1024), MOVE, "kubectl scale deployment recommendation --replicas=5"),
        (_limit(14 * 1024), MOVE, "kubectl scale deployment recommendation --replicas=2"),
    ],
)
def test_a_version_in_a_place_where_it_fits_is_no_cause(lines: tuple[str, ...]) -> None:
    bench = _bench()
    bench.type(*lines)
    assert bench.active_for(180.0, 10.0) == {False}
    wanted = bench.plant.cluster.deployments["recommendation"].replicas
    assert len(bench.plant.cluster.ready_pods("recommendation")) == wanted


def test_pods_that_run_keep_their_place_on_a_node_that_takes_no_more() -> None:
    bench = _bench()
    bench.type(_limit(14 * 1024), MOVE)
    bench.wait(180.0)
    bench.type("kubectl cordon gpu-large-1")
    assert not bench.active
    bench.type("kubectl scale deployment recommendation --replicas=4")
    assert bench.active


def test_another_version_is_another_matter() -> None:
    fault = ModelUpdate(version=4)
    bench = Bench("deployment.model_update", {"version": 3})
    assert not fault.active(bench.plant)
    assert not bench.active, "version 3 fits"


def test_the_roll_out_is_in_the_change_log() -> None:
    bench = _bench()
    newest = bench.plant.cluster.deployments["recommendation"].template
    assert (newest.by, newest.model_version) == ("release-bot", 4)
    assert newest.cause == "recommendation v4: offline top-3 hit rate up, approved by evaluation"
