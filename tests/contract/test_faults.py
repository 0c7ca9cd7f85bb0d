"""What every fault promises: validated parameters, a cause that is there, symptoms that follow, a cure that cures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from pydantic import ValidationError

from simulator.faults.registry import FAULTS
from simulator.session.incident import MECHANISMS
from simulator.session.simulation import Simulation
from simulator.shell.components import components
from tests.contract.conditions import BEGINS_S, run_to, simulated, staffed, type_now, urgent_alerts
from tests.contract.examples import LARGE_POOL

HEALS_WITHIN_S = 3600.0


@dataclass(frozen=True, slots=True)
class Promise:
    """How to provoke a fault quickly, what must be seen, and the lines that each cure it on their own."""

    params: dict[str, object]
    wrong_params: tuple[dict[str, object], ...]
    shows_within_s: float
    shows: Callable[[Simulation], bool]
    cures: tuple[tuple[str, ...], ...] = field(default=())


def _killed_pods(simulation: Simulation) -> bool:
    reasons = {event.data["reason"] for event in simulation.log if event.kind == "k8s"}
    return {"OOMKilling", "BackOff"} <= reasons


def _pages(name: str) -> Callable[[Simulation], bool]:
    return lambda simulation: name in urgent_alerts(simulation)


def _defaults_served(simulation: Simulation) -> bool:
    minutes = [event.data["routes"] for event in simulation.log if event.kind == "slo"]
    last = minutes[-1]
    assert isinstance(last, dict)
    return all(route["ok_ratio"] < 0.9 for route in last.values())


def _stale(simulation: Simulation) -> bool:
    ages = simulation.plant.store.series("feature_age_seconds", {"view": "customer_activity"})
    return ages.last_value > 3600.0


def _few_payments(simulation: Simulation) -> bool:
    """Below the floor that the quiet drill's alert sets."""
    begin_s, end_s = simulation.now_s - 600.0, simulation.now_s
    windows = [
        series.window(begin_s, end_s).values
        for series in simulation.plant.store.select("shop_responses_total")
        if dict(series.labels)["route"] == "fraud-detection"
    ]
    return sum(float(values[-1] - values[0]) for values in windows if len(values) > 1) / 600.0 < 5.8


PROMISES: dict[str, Promise] = {
    "deployment.model_update": Promise(
        {"deployment": "recommendation", "version": 4},
        ({"version": 0}, {"version": "four"}, {"versoin": 4}),
        1200.0,
        _killed_pods,
        (
            ("kubectl rollout undo deployment/recommendation",),
            ("kubectl set env deployment/recommendation MODEL_VERSION=3",),
            (
                "kubectl set resources deployment/recommendation --limits=memory=14Gi",
                f"kubectl patch deployment recommendation -p '{LARGE_POOL}'",
            ),
        ),
    ),
    "feature_store.materializer_stalls": Promise(
        {"view": "customer_activity"},
        ({"view": ["customer_activity"]}, {"veiw": "customer_activity"}),
        2 * 3600.0,
        _stale,
        (("features unlock customer_activity", "features materialize customer_activity --backfill 72h"),),
    ),
    "online_store.connection_leak": Promise(
        {"leaks_per_min": 30.0},
        ({"leaks_per_min": 0}, {"leaks_per_min": -1}, {"leaks_per_min": 61}, {"job": 3}, {"leak": 1}),
        1800.0,
        _defaults_served,
        (
            ("kubectl scale deployment loyalty-export --replicas=0",),
            ("kubectl delete job loyalty-export",),
        ),
    ),
    "traffic.seasonal_dip": Promise({}, ({"depth": 1},), 3600.0, _few_payments),
}
CURES = [(fault_id, cure) for fault_id, promise in PROMISES.items() for cure in promise.cures]


def _begun(fault_id: str) -> Simulation:
    simulation = simulated(fault_id, PROMISES[fault_id].params)
    run_to(simulation, BEGINS_S)
    return simulation


def _active(simulation: Simulation) -> bool:
    (fault,) = simulation.began.values()
    return fault.active(simulation.plant)


def test_every_fault_is_held_to_this_contract() -> None:
    assert set(PROMISES) == set(FAULTS)


@pytest.mark.parametrize("fault_id", FAULTS)
def test_a_fault_names_its_cause_in_the_words_of_the_diagnosis(fault_id: str) -> None:
    fault = FAULTS[fault_id]
    for _, mechanism in ((fault.component, fault.mechanism), *fault.also_right):
        assert mechanism in MECHANISMS
    assert fault.shows
    assert bool(fault.cured_by) != fault.harmless
    assert (fault.__doc__ or "").strip()


@pytest.mark.parametrize("fault_id", FAULTS)
def test_parameters_are_validated(fault_id: str) -> None:
    FAULTS[fault_id].model_validate({})
    FAULTS[fault_id].model_validate(PROMISES[fault_id].params)
    for params in PROMISES[fault_id].wrong_params:
        with pytest.raises(ValidationError):
            FAULTS[fault_id].model_validate(params)


@pytest.mark.parametrize("fault_id", FAULTS)
def test_a_fault_is_active_from_its_instant_unless_harmless(fault_id: str) -> None:
    simulation = _begun(fault_id)
    (truth,) = [event for event in simulation.log if event.kind == "truth.fault"]
    assert truth.t_s == BEGINS_S
    assert not truth.visible
    assert truth.data["fault"] == fault_id
    run_to(simulation, BEGINS_S + 30.0)
    assert _active(simulation) != FAULTS[fault_id].harmless


@pytest.mark.parametrize("fault_id", FAULTS)
def test_the_words_for_the_cause_are_offered_to_the_responder(fault_id: str) -> None:
    simulation = _begun(fault_id)
    fault = FAULTS[fault_id]
    named = components(staffed(simulation).operator)
    for component, _ in ((fault.component, fault.mechanism), *fault.also_right):
        assert component in named


@pytest.mark.parametrize("fault_id", FAULTS)
def test_symptoms_follow_from_the_cause(fault_id: str) -> None:
    simulation = _begun(fault_id)
    promise = PROMISES[fault_id]
    run_to(simulation, BEGINS_S + promise.shows_within_s, lambda: promise.shows(simulation))
    assert promise.shows(simulation)
    assert _active(simulation) != FAULTS[fault_id].harmless


@pytest.mark.parametrize(("fault_id", "cure"), CURES, ids=[f"{fault_id}: {cure[0]}" for fault_id, cure in CURES])
def test_the_cure_removes_the_cause(fault_id: str, cure: tuple[str, ...]) -> None:
    simulation = _begun(fault_id)
    promise = PROMISES[fault_id]
    run_to(simulation, BEGINS_S + promise.shows_within_s, lambda: promise.shows(simulation))
    assert promise.shows(simulation)
    session = staffed(simulation)
    for line in cure:
        ran = type_now(session, line)
        assert ran.exit == 0, ran.text
    run_to(simulation, simulation.now_s + HEALS_WITHIN_S, lambda: not _active(simulation))
    assert not _active(simulation)
    run_to(simulation, simulation.now_s + 600.0)
    assert not _active(simulation), "it stays cured"


@pytest.mark.parametrize("fault_id", [name for name in FAULTS if not FAULTS[name].harmless])
def test_a_fault_that_nobody_touches_stays(fault_id: str) -> None:
    simulation = _begun(fault_id)
    run_to(simulation, BEGINS_S + PROMISES[fault_id].shows_within_s)
    for _ in range(10):
        run_to(simulation, simulation.now_s + 61.7)
        assert _active(simulation)


def test_a_night_without_a_fault_wakes_nobody() -> None:
    """As long as the longest of the nights above."""
    simulation = simulated()
    longest_s = max(promise.shows_within_s for promise in PROMISES.values())
    run_to(simulation, BEGINS_S + longest_s + HEALS_WITHIN_S)
    assert urgent_alerts(simulation) == []
    minutes = [event for event in simulation.log if event.kind == "slo"]
    assert minutes
    assert all(minute.data["good"] for minute in minutes)
    assert not any(promise.shows(simulation) for name, promise in PROMISES.items() if not FAULTS[name].harmless)
