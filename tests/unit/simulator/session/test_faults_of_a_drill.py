"""Faults at their instants, and the names a drill gives them: what the log says and the responder may type."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.drill.spec import DrillSpec, PlannedFault
from simulator.engine.events import Event
from simulator.image.builder import ensure_image
from simulator.session.simulation import Simulation
from tests.contract.conditions import SEED, calm_night, run_to, staffed, type_now

SLOW = PlannedFault("online_store.slow", 30.0, {})
DIP = PlannedFault("traffic.seasonal_dip", 60.0, {}, after_join=True)


def _night(*faults: PlannedFault) -> DrillSpec:
    return calm_night(*faults)


def _begun(simulation: Simulation) -> list[Event]:
    return [event for event in simulation.log if event.kind == "truth.fault"]


def test_a_fault_that_waits_begins_so_long_after_the_joining_and_once() -> None:
    simulation = Simulation(_night(DIP), ensure_image(), SEED)
    run_to(simulation, 200.0)
    assert _begun(simulation) == []
    staffed(simulation)
    run_to(simulation, 259.9)
    assert _begun(simulation) == []
    run_to(simulation, 900.0)
    assert [event.t_s for event in _begun(simulation)] == [260.0]


def test_a_shift_that_begins_by_itself_starts_the_waiting_faults() -> None:
    night = replace(_night(replace(DIP, at_s=0.0), replace(DIP, at_s=7.0)), joins_by_s=100.0)
    simulation = Simulation(night, ensure_image(), SEED)
    assert simulation.run_until_joined(lambda _: True)
    run_to(simulation, 120.0)
    assert [event.t_s for event in _begun(simulation)] == [100.0, 107.0]


def test_faults_of_one_instant_begin_in_the_order_of_the_file() -> None:
    night = _night(SLOW, replace(SLOW, fault_id="feature_pipeline.dropped_partition"), replace(SLOW, at_s=10.0))
    simulation = Simulation(night, ensure_image(), SEED)
    run_to(simulation, 40.0)
    assert [(event.t_s, event.data["fault"]) for event in _begun(simulation)] == [
        (10.0, "online_store.slow"),
        (30.0, "online_store.slow"),
        (30.0, "feature_pipeline.dropped_partition"),
    ]
    assert set(simulation.began) == {
        "online_store.slow#0",
        "online_store.slow#2",
        "feature_pipeline.dropped_partition#1",
    }


def test_names_of_the_file_come_first_and_near_names_are_never_right_ones() -> None:
    named = replace(
        SLOW,
        cause=("online-store", "disk_full"),
        accepted=(("gateway", "slow_dependency"), ("cpu-1", "disk_full")),
        near=(("mlflow", "disk_full"), ("online-store", "slow_dependency")),
    )
    simulation = Simulation(_night(named), ensure_image(), SEED)
    run_to(simulation, 31.0)
    (truth,) = _begun(simulation)
    assert (truth.data["component"], truth.data["mechanism"]) == ("online-store", "disk_full")
    assert truth.data["accepted"] == [
        ["online-store", "disk_full"],
        ["online-store", "slow_dependency"],
        ["online-store", "config_error"],
        ["gateway", "slow_dependency"],
        ["cpu-1", "disk_full"],
    ]
    near = truth.data["near"]
    assert isinstance(near, list)
    assert near[0] == ["mlflow", "disk_full"]
    assert ["recommendation", "slow_dependency"] in near
    assert ["gateway", "slow_dependency"] not in near
    assert ["online-store", "slow_dependency"] not in near
    assert truth.data["harmless"] is False


def test_own_words_can_be_typed_and_are_explained() -> None:
    night = replace(
        _night(SLOW), mechanisms={"fsync_storm": "every write waits"}, components={"disk-a": "the old disk"}
    )
    session = staffed(Simulation(night, ensure_image(), SEED))
    assert type_now(session, "hyp add disk-a fsync_storm so it is").exit == 0
    assert "fsync_storm" in type_now(session, "mechanisms").text
    assert "every write waits" in type_now(session, "mechanisms").text
    assert "the old disk" in type_now(session, "components").text
    assert type_now(session, "resolve disk-a:fsync_storm it was the disk").exit == 0
    assert type_now(staffed(Simulation(_night(SLOW), ensure_image(), SEED)), "hyp add disk-a fsync_storm").exit != 0


@pytest.mark.parametrize(
    ("typed", "component"),
    [
        ("SiteOnDefaults", "gateway"),
        ("podcrashlooping", "gpu-pool"),
        ("customer_activity", "materializer"),
        ("card-velocity", "materializer"),
        ("alerting", "alerting"),
    ],
)
def test_alerts_and_views_stand_for_the_component_behind_them(typed: str, component: str) -> None:
    session = staffed(Simulation(_night(SLOW), ensure_image(), SEED))
    assert type_now(session, f"hyp add {typed} config_error").exit == 0
    assert session.simulation.incident.hypotheses[-1].component == component
