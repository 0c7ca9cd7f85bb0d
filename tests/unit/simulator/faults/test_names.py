"""Right and nearly right names of each cause follow its parameters."""

from __future__ import annotations

import pytest

from simulator.faults.base import BROAD, EVERY_MODEL, among
from simulator.faults.registry import FAULTS

Pairs = tuple[tuple[str, str], ...]

RIGHT: dict[tuple[str, tuple[tuple[str, object], ...]], Pairs] = {
    ("deployment.model_update", ()): (
        ("recommendation", "memory_exceeded"),
        ("recommendation", "bad_deploy"),
        ("recommendation", "config_error"),
    ),
    ("deployment.model_update", (("deployment", "search-ranking"),)): (
        ("search-ranking", "memory_exceeded"),
        ("search-ranking", "bad_deploy"),
        ("search-ranking", "config_error"),
    ),
    ("online_store.connection_leak", (("job", "points"),)): (
        ("online-store", "connection_exhaustion"),
        ("points", "connection_exhaustion"),
        ("points", "bad_deploy"),
    ),
    ("online_store.slow", ()): (("online-store", "slow_dependency"), ("online-store", "config_error")),
    ("feature_store.materializer_stalls", ()): (("materializer", "stalled_job"),),
    ("feature_pipeline.dropped_partition", ()): (("feature-pipeline", "partition_unassigned"),),
    ("feature_pipeline.clock_skew", (("source", "payments"),)): (
        ("payments-producer", "clock_skew"),
        ("payments-producer", "wrong_event_time"),
    ),
    ("feature_pipeline.schema_mismatch", (("source", "clicks"), ("column", "product"), ("renamed_to", "p"))): (
        ("clicks-producer", "schema_mismatch"),
        ("clicks-producer", "bad_deploy"),
        ("feature-pipeline", "schema_mismatch"),
    ),
    ("feature_pipeline.unit_change", ()): (
        ("payments-producer", "unit_change"),
        ("payments-producer", "schema_mismatch"),
        ("payments-producer", "bad_deploy"),
        ("feature-pipeline", "unit_change"),
    ),
    ("feature_pipeline.timezone_shift", (("source", "payments"),)): (
        ("payments-producer", "wrong_event_time"),
        ("payments-producer", "bad_deploy"),
        ("feature-pipeline", "wrong_event_time"),
    ),
    ("feature_pipeline.null_flood", ()): (
        ("payments-producer", "missing_values"),
        ("payments-producer", "bad_deploy"),
        ("feature-pipeline", "missing_values"),
    ),
    ("feature_pipeline.duplicate_delivery", (("source", "clicks"),)): (
        ("clicks-producer", "duplicate_events"),
        ("clicks-producer", "bad_deploy"),
        ("feature-pipeline", "duplicate_events"),
    ),
    ("traffic.seasonal_dip", ()): (
        ("traffic", "seasonal_dip"),
        ("traffic", "config_error"),
        ("alerting", "config_error"),
        ("alerting", "seasonal_dip"),
    ),
    ("traffic.surge", (("route", "fraud-detection"),)): (
        ("traffic", "traffic_spike"),
        ("traffic", "capacity_shortage"),
        ("gpu-pool", "capacity_shortage"),
        ("fraud-detection", "traffic_spike"),
        ("fraud-detection", "capacity_shortage"),
    ),
}


@pytest.mark.parametrize(("fault_id", "params"), RIGHT, ids=[f"{name} {dict(params)}" for name, params in RIGHT])
def test_right_names_follow_the_parameters(fault_id: str, params: tuple[tuple[str, object], ...]) -> None:
    assert FAULTS[fault_id].model_validate(dict(params)).accepted() == RIGHT[fault_id, params]


def test_every_fault_has_its_right_names_written_down() -> None:
    assert {fault_id for fault_id, _ in RIGHT} == set(FAULTS)


@pytest.mark.parametrize("fault_id", FAULTS)
def test_the_right_mechanism_beside_the_cause_is_nearly_right(fault_id: str) -> None:
    fault = FAULTS[fault_id].model_validate({})
    near = fault.near()
    assert len(set(near)) == len(near)
    for component in fault.neighbours:
        for _, mechanism in fault.accepted():
            if mechanism not in BROAD:
                assert (component, mechanism) in (*near, *fault.accepted())


@pytest.mark.parametrize(
    ("fault_id", "params", "near", "far"),
    [
        ("deployment.model_update", {}, "gpu-pool:memory_exceeded", "gateway:config_error"),
        ("deployment.model_update", {"deployment": "search"}, "search:crash_loop", "recommendation:crash_loop"),
        ("online_store.connection_leak", {"job": "x"}, "x:slow_dependency", "loyalty-export:slow_dependency"),
        ("online_store.connection_leak", {}, "gateway:connection_exhaustion", "gateway:bad_deploy"),
        (
            "feature_pipeline.duplicate_delivery",
            {"source": "clicks"},
            "clicks-producer:retry_storm",
            "payments-producer:retry_storm",
        ),
        ("feature_pipeline.null_flood", {}, "materializer:missing_values", "materializer:bad_deploy"),
        (
            "feature_pipeline.clock_skew",
            {"source": "payments"},
            "payments-producer:node_failure",
            "clicks-producer:node_failure",
        ),
    ],
)
def test_nearly_right_names_follow_the_parameters_and_go_no_further(
    fault_id: str, params: dict[str, object], near: str, far: str
) -> None:
    fault = FAULTS[fault_id].model_validate(params)
    assert tuple(near.split(":")) in fault.near()
    assert tuple(far.split(":")) not in (*fault.near(), *fault.accepted())


def test_every_model_of_the_platform_and_no_other_is_beside_a_fault_that_all_of_them_feel() -> None:
    fault = FAULTS["online_store.connection_leak"].model_validate({})
    near = dict.fromkeys(component for component, _ in fault.near(["letters", "stamps"]))
    assert {"letters", "stamps", "gateway"} <= set(near)
    assert not {"recommendation", EVERY_MODEL} & set(near)


def test_components_are_named_once_in_their_order() -> None:
    assert among(("gateway", "b", EVERY_MODEL, "gateway"), ["a", "b"]) == ("gateway", "b", "a")
    assert among((EVERY_MODEL,), []) == ()
