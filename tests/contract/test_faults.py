"""What every fault promises: validated parameters, a cause that is there, symptoms that follow, a cure that cures."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from pydantic import ValidationError

from reference_platform.shop.serving import read_features
from simulator.faults.registry import FAULTS
from simulator.incident.vocabulary import MECHANISMS
from simulator.session.simulation import Simulation
from simulator.shell.components import components
from tests.contract.conditions import BEGINS_S, run_to, simulated, staffed, type_now, urgent_alerts

HEALS_WITHIN_S = 3600.0
BETWEEN_LINES_S = 60.0


@dataclass(frozen=True, slots=True)
class Promise:
    """How to provoke a fault quickly, what must be seen, and cures besides those that the fault itself lists."""

    params: dict[str, object]
    wrong_params: tuple[dict[str, object], ...]
    shows_within_s: float
    shows: Callable[[Simulation], bool]
    also_cured_by: tuple[str, ...] = ()


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


def _newest(simulation: Simulation, name: str, **labels: str) -> float:
    """The newest value of the one series with these labels, 0 before there is any."""
    for series in simulation.plant.store.select(name):
        if labels.items() <= dict(series.labels).items():
            return series.last_value
    return 0.0


def _grows(name: str, more_than: float, **labels: str) -> Callable[[Simulation], bool]:
    return lambda simulation: _newest(simulation, name, **labels) > more_than


def _put_aside_and_silent(simulation: Simulation) -> bool:
    """Records are put aside for their fields and the newest accepted one grows old, while the job looks fresh."""
    return (
        _newest(simulation, "ingest_dead_letters_total", source="payments", reason="schema") >= 5
        and _newest(simulation, "ingest_event_age_seconds", source="payments") > 1200.0
        and _newest(simulation, "feature_age_seconds", view="card_velocity") < 600.0
    )


def _amounts_jump(simulation: Simulation) -> bool:
    """In what arrives, and in what the fraud model then reads."""
    view = next(view for view in simulation.plant.views if view.name == "merchant_risk")
    (read,) = read_features(simulation.plant.online, [(view, np.arange(300))], simulation.now_s)
    return (
        _newest(simulation, "ingest_value_mean", source="payments", column="amount_eur") > 1000.0
        and float(np.nanmax(read.values[:, 2])) > 20.0
    )


def _hours_off(simulation: Simulation) -> bool:
    return (
        abs(_newest(simulation, "ingest_event_delay_seconds", source="clicks")) > 3000.0
        and _newest(simulation, "ingest_dead_letters_total", source="clicks", reason="future") > 20
    )


def _counted_again(simulation: Simulation) -> bool:
    """More payments than the shop had: the pipeline's counts exceed those of the same hours without the fault."""
    accepted = _newest(simulation, "ingest_events_total", source="clicks")
    sold = float(simulation.plant.ingest.feed("clicks").recorded)
    return accepted > 1.3 * sold and _newest(simulation, "ingest_late_events_total", source="clicks") > 10


def _only_one_lags(simulation: Simulation) -> bool:
    lags = [
        _newest(simulation, "ingest_lag_records", source="clicks", partition=str(partition)) for partition in range(8)
    ]
    return (
        lags[3] > 20 and sum(lags) == lags[3] and _newest(simulation, "ingest_event_age_seconds", source="clicks") < 600
    )


def _clock_is_off(simulation: Simulation) -> bool:
    return (
        _newest(simulation, "ingest_event_delay_seconds", source="clicks") > 300.0
        and _newest(simulation, "ingest_late_events_total", source="clicks") > 20
    )


def _reads_are_slow(simulation: Simulation) -> bool:
    return _newest(simulation, "online_store_read_seconds") > 0.1 and "GatewayLatencyHigh" in urgent_alerts(simulation)


def _queues_grow(simulation: Simulation) -> bool:
    """Every server of the route is busy all the time, and customers wait."""
    return min(
        _newest(simulation, "DCGM_FI_DEV_GPU_UTIL", node=f"gpu-{n}") for n in (1, 2, 3)
    ) > 90.0 and "GatewayLatencyHigh" in urgent_alerts(simulation)


PROMISES: dict[str, Promise] = {
    "deployment.model_update": Promise(
        {"deployment": "recommendation", "version": 4},
        ({"version": 0}, {"version": "four"}, {"versoin": 4}),
        1200.0,
        _killed_pods,
    ),
    "feature_pipeline.schema_mismatch": Promise(
        {"source": "payments", "column": "amount_eur", "renamed_to": "amount"},
        (
            {"column": "amount"},
            {"renamed_to": "amount_eur"},
            {"renamed_to": "", "retyped_to": "Float32"},
            {"retyped_to": "Money"},
            {"source": "searches"},
        ),
        3600.0,
        _put_aside_and_silent,
        ("kubectl rollout undo deployment/payments-producer --to-revision 1",),
    ),
    "feature_pipeline.unit_change": Promise(
        {"factor": 100},
        ({"factor": 0}, {"factor": 1}, {"source": "clicks"}, {"unit": "cent"}),
        2 * 3600.0,
        _amounts_jump,
    ),
    "feature_pipeline.timezone_shift": Promise(
        {"source": "clicks", "hours": 2},
        ({"hours": 0}, {"hours": 15}, {"hours": "two"}),
        3600.0,
        _hours_off,
    ),
    "feature_pipeline.null_flood": Promise(
        {"source": "clicks", "column": "category", "ratio": 0.9},
        ({"ratio": 0}, {"ratio": 1.1}, {"source": "clicks", "column": "new_device"}),
        3600.0,
        _grows("ingest_null_ratio", 0.6, source="clicks", column="category"),
    ),
    "feature_pipeline.duplicate_delivery": Promise(
        {"source": "clicks", "ratio": 0.8},
        ({"ratio": 0}, {"ratio": 2}, {"times": 2}),
        2 * 3600.0,
        _counted_again,
    ),
    "feature_pipeline.dropped_partition": Promise(
        {"source": "clicks", "partition": 3},
        ({"partition": 8}, {"partition": -1}, {"source": "orders"}),
        3600.0,
        _only_one_lags,
    ),
    "feature_pipeline.clock_skew": Promise(
        {"source": "clicks", "minutes": -12},
        ({"minutes": 0}, {"minutes": 601}, {"hours": 1}),
        3600.0,
        _clock_is_off,
    ),
    "feature_store.materializer_stalls": Promise(
        {"view": "customer_activity"},
        ({"view": ["customer_activity"]}, {"veiw": "customer_activity"}),
        2 * 3600.0,
        _stale,
    ),
    "online_store.connection_leak": Promise(
        {"leaks_per_min": 30.0},
        ({"leaks_per_min": 0}, {"leaks_per_min": -1}, {"leaks_per_min": 61}, {"job": 3}, {"leak": 1}),
        1800.0,
        _defaults_served,
    ),
    "online_store.slow": Promise(
        {"sync_ms": 120},
        ({"sync_ms": 0}, {"sync_ms": -1}, {"slow": True}),
        1800.0,
        _reads_are_slow,
    ),
    "traffic.seasonal_dip": Promise({}, ({"depth": 1},), 3600.0, _few_payments),
    "traffic.surge": Promise(
        {"factor": 30, "route": "recommendation", "lasts": "6h"},
        ({"factor": 1}, {"factor": 51}, {"factor": -2}, {"lasts": "59s"}, {"lasts": 3600}, {"rate": 3}),
        1800.0,
        _queues_grow,
    ),
}
CURES = [
    (fault_id, cure)
    for fault_id, promise in PROMISES.items()
    for cure in (*FAULTS[fault_id].cured_by, *promise.also_cured_by)
]

MANY = "feature_pipeline."
ONE_OF_MANY = "feature_pipeline.schema_mismatch"
ONE_OF_EACH = [
    pytest.param(name, marks=pytest.mark.sweep if name.startswith(MANY) and name != ONE_OF_MANY else ())
    for name in FAULTS
]
"""Faults of the feature pipeline are alike in how they go through time: all but one are left to the sweep."""


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
    fault = FAULTS[fault_id].model_validate(PROMISES[fault_id].params)
    assert fault.accepted()[0][1] == fault.mechanism
    for _, mechanism in (*fault.accepted(), *fault.near()):
        assert mechanism in MECHANISMS
    assert not set(fault.accepted()) & set(fault.near())
    assert fault.near()
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


def test_the_accepted_cause_names_the_producer_that_was_released() -> None:
    pairs = FAULTS["feature_pipeline.null_flood"].model_validate({"source": "clicks", "column": "category"}).accepted()
    assert pairs[0] == ("clicks-producer", "missing_values")
    assert ("clicks-producer", "bad_deploy") in pairs
    assert not any(component == "payments-producer" for component, _ in pairs)


@pytest.mark.parametrize("fault_id", FAULTS)
def test_the_words_for_the_cause_are_offered_to_the_responder(fault_id: str) -> None:
    simulation = _begun(fault_id)
    (fault,) = simulation.began.values()
    named = components(staffed(simulation).operator)
    models = [model.name for model in simulation.plant.spec.models]
    for component, _ in (*fault.accepted(), *fault.near(models)):
        assert component in named


@pytest.mark.parametrize("fault_id", [name for name in FAULTS if not FAULTS[name].cured_by])
def test_symptoms_follow_from_the_cause(fault_id: str) -> None:
    """Of a fault without a cure; before each cure of the others it is asked as well."""
    simulation = _begun(fault_id)
    promise = PROMISES[fault_id]
    run_to(simulation, BEGINS_S + promise.shows_within_s, lambda: promise.shows(simulation))
    assert promise.shows(simulation)
    assert _active(simulation) != FAULTS[fault_id].harmless


def _lines(cure: str, simulation: Simulation) -> list[str]:
    """The lines of a cure, with names for the words in capitals."""
    (fault,) = simulation.began.values()
    params = fault.model_dump()
    source = str(params.get("source", ""))
    skewed = [name for name, node in simulation.plant.cluster.nodes.items() if node.clock_ahead_s]
    names = {
        "MODEL": str(params.get("deployment") or params.get("route") or ""),
        "JOB": str(params.get("job", "")),
        "VIEW": str(params.get("view", "")),
        "SOURCE": source,
        "PRODUCER": f"{source}-producer",
        "NODE": "".join(skewed),
    }
    return [re.sub(r"\b[A-Z]{3,}\b", lambda word: names[word[0]], line) for line in cure.split("; ")]


@pytest.mark.parametrize(("fault_id", "cure"), CURES, ids=[f"{fault_id}: {cure}" for fault_id, cure in CURES])
def test_each_listed_cure_removes_the_cause(fault_id: str, cure: str) -> None:
    simulation = _begun(fault_id)
    promise = PROMISES[fault_id]
    run_to(simulation, BEGINS_S + promise.shows_within_s, lambda: promise.shows(simulation))
    assert promise.shows(simulation)
    assert _active(simulation)
    session = staffed(simulation)
    for number, line in enumerate(_lines(cure, simulation)):
        run_to(simulation, simulation.now_s + (BETWEEN_LINES_S if number else 0.0))
        ran = type_now(session, line)
        assert ran.exit == 0, ran.text
    run_to(simulation, simulation.now_s + HEALS_WITHIN_S, lambda: not _active(simulation))
    assert not _active(simulation)
    run_to(simulation, simulation.now_s + 600.0)
    assert not _active(simulation), "it stays cured"
    _touched_nothing_else(simulation)


def _touched_nothing_else(simulation: Simulation) -> None:
    """A whole cure changes only components that a responder may change without being told off."""
    (truth,) = [event.data for event in simulation.log if event.kind == "truth.fault"]
    accepted, safe = truth["accepted"], truth["also_safe"]
    assert isinstance(accepted, list)
    assert isinstance(safe, list)
    allowed = {component for component, _ in accepted} | set(safe)
    for event in simulation.log:
        if event.kind == "changed":
            assert event.data["component"] in allowed, event.data["detail"]


@pytest.mark.parametrize("fault_id", ONE_OF_EACH)
def test_a_fault_that_nobody_touches_stays_and_a_harmless_one_is_none(fault_id: str) -> None:
    simulation = _begun(fault_id)
    run_to(simulation, BEGINS_S + PROMISES[fault_id].shows_within_s)
    for _ in range(10):
        run_to(simulation, simulation.now_s + 61.7)
        assert _active(simulation) != FAULTS[fault_id].harmless


@pytest.mark.parametrize("fault_id", ONE_OF_EACH)
def test_a_fault_unfolds_the_same_however_time_is_cut(fault_id: str) -> None:
    """The log, every metric, and every value online."""
    whole, pieces = (simulated(fault_id, PROMISES[fault_id].params) for _ in range(2))
    end_s = BEGINS_S + 2400.0
    run_to(whole, end_s)
    for step in range(1, 41):
        run_to(pieces, min(end_s, step * 71.3 + (step % 3) * 1e-6))
    run_to(pieces, end_s)
    assert whole.log.digest() == pieces.log.digest()
    for name, values in whole.plant.online.state().items():
        assert values.tobytes() == pieces.plant.online.state()[name].tobytes(), name
    for series in whole.plant.store.select("ingest_events_total"):
        (twin,) = [item for item in pieces.plant.store.select("ingest_events_total") if item.labels == series.labels]
        assert series.window(0.0, end_s).values.tolist() == twin.window(0.0, end_s).values.tolist()


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
