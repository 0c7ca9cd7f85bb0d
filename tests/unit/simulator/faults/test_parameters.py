"""What a fault does with its parameters: the release that is built, and where a parameter ends."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from reference_platform.features.types import Float64
from reference_platform.shop.producers import ProducerRelease
from simulator.faults.producers import (
    DuplicateDelivery,
    NullFlood,
    ProducerFault,
    SchemaMismatch,
    TimezoneShift,
    UnitChange,
)
from simulator.faults.registry import FAULTS


@pytest.mark.parametrize(
    ("fault", "release"),
    [
        (SchemaMismatch(), ProducerRelease("2.4.0", renamed={"amount_eur": "amount"})),
        (
            SchemaMismatch(column="amount_eur", renamed_to="", retyped_to="Float64"),
            ProducerRelease("2.4.0", retyped={"amount_eur": Float64}),
        ),
        (
            SchemaMismatch(column="amount_eur", renamed_to="sum", retyped_to="Float64"),
            ProducerRelease("2.4.0", renamed={"amount_eur": "sum"}, retyped={"amount_eur": Float64}),
        ),
        (UnitChange(factor=1000.0), ProducerRelease("2.4.0", factors={"amount_eur": 1000.0})),
        (TimezoneShift(hours=-3), ProducerRelease("2.4.0", utc_offset_s=-10800.0)),
        (NullFlood(column="merchant", ratio=0.25), ProducerRelease("2.4.0", null_ratios={"merchant": 0.25})),
        (DuplicateDelivery(ratio=0.5), ProducerRelease("2.4.0", repeats_ratio=0.5)),
    ],
)
def test_a_release_does_what_its_fault_says_and_nothing_else(fault: ProducerFault, release: ProducerRelease) -> None:
    assert fault.release() == release
    assert not fault.release().faithful
    assert fault.cause()


def test_what_parameters_are_when_nobody_gives_any() -> None:
    assert {name: fault.model_validate({}).model_dump() for name, fault in FAULTS.items()} == {
        "deployment.model_update": {"deployment": "recommendation", "version": 4},
        "feature_pipeline.clock_skew": {"source": "clicks", "minutes": -12.0},
        "feature_pipeline.dropped_partition": {"source": "clicks", "partition": 3},
        "feature_pipeline.duplicate_delivery": {"source": "payments", "ratio": 0.8},
        "feature_pipeline.null_flood": {"source": "payments", "column": "new_device", "ratio": 0.9},
        "feature_pipeline.schema_mismatch": {
            "source": "payments",
            "column": "amount_eur",
            "renamed_to": "amount",
            "retyped_to": "",
        },
        "feature_pipeline.timezone_shift": {"source": "clicks", "hours": 2},
        "feature_pipeline.unit_change": {"source": "payments", "factor": 100.0},
        "feature_store.materializer_stalls": {"view": "customer_activity"},
        "online_store.connection_leak": {"job": "loyalty-export", "leaks_per_min": 0.8},
        "online_store.slow": {"sync_ms": 120.0},
        "traffic.seasonal_dip": {},
        "traffic.surge": {"factor": 3.0, "route": "", "lasts": 3600.0},
    }


@pytest.mark.parametrize(
    ("fault_id", "name", "good", "bad"),
    [
        ("deployment.model_update", "version", [1, 2], [0, -1]),
        ("feature_pipeline.clock_skew", "minutes", [-600, 600, 0.1], [-600.1, 600.1, 0]),
        ("feature_pipeline.dropped_partition", "partition", [0, 7], [-1, 8]),
        ("feature_pipeline.duplicate_delivery", "ratio", [0.001, 1], [0, 1.001]),
        ("feature_pipeline.null_flood", "ratio", [0.001, 1], [0, 1.001]),
        ("feature_pipeline.timezone_shift", "hours", [-12, 14, 1, -1], [-13, 15, 0]),
        ("feature_pipeline.unit_change", "factor", [0.01, 1.001, 2], [0, 1, -1]),
        ("online_store.connection_leak", "leaks_per_min", [0.001, 60], [0, 60.001]),
        ("online_store.slow", "sync_ms", [0.001, 5000], [0, 5000.001]),
        ("traffic.surge", "factor", [1.001, 50], [1, 50.001]),
        ("traffic.surge", "lasts", ["60s", "7d"], ["59s", "604801s"]),
    ],
)
def test_parameters_end_where_they_say(fault_id: str, name: str, good: list[object], bad: list[object]) -> None:
    for value in good:
        FAULTS[fault_id].model_validate({name: value})
    for value in bad:
        with pytest.raises(ValidationError):
            FAULTS[fault_id].model_validate({name: value})


@pytest.mark.parametrize(
    ("fault_id", "params", "why"),
    [
        ("feature_pipeline.schema_mismatch", {"column": "total"}, "payments has no column 'total'"),
        ("feature_pipeline.schema_mismatch", {"retyped_to": "Money"}, ""),
        ("feature_pipeline.schema_mismatch", {"renamed_to": "", "retyped_to": ""}, "give another name or another type"),
        ("feature_pipeline.schema_mismatch", {"renamed_to": "amount_eur", "retyped_to": "Float32"}, "another type"),
        ("feature_pipeline.null_flood", {"column": "total"}, "it has customer, merchant, amount_eur, new_device"),
        ("feature_pipeline.unit_change", {"source": "clicks"}, "clicks carry no unit; only payments do"),
        ("feature_pipeline.unit_change", {"factor": 1.0}, "a factor of 1 changes nothing"),
        ("feature_pipeline.clock_skew", {"minutes": 0.0}, "0 minutes changes nothing"),
        ("feature_pipeline.timezone_shift", {"hours": 0}, "0 hours changes nothing"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_with_its_reason(
    fault_id: str, params: dict[str, object], why: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        FAULTS[fault_id].model_validate(params)
    assert why in str(refused.value)


def test_a_fault_is_as_it_was_written_and_its_parameters_explain_themselves() -> None:
    surge = FAULTS["traffic.surge"]()
    with pytest.raises(ValidationError, match="frozen"):
        surge.factor = 4.0  # type: ignore[attr-defined]
    told = type(surge).model_json_schema()["properties"]["factor"]
    assert told["description"] == "Requests against what the hour would have."
