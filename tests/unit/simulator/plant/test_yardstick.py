"""Harm is measured against what really happened, also when the platform's own pipeline is fed something else."""

from __future__ import annotations

import numpy as np
import pytest

from reference_platform.shop.serving import read_features
from simulator.plant.plant import Plant
from tests.contract.conditions import BEGINS_S, run_to, simulated

END_S = BEGINS_S + 2 * 3600.0


def yardstick_values(plant: Plant) -> dict[str, np.ndarray]:
    asked = [(view, np.arange(view.entity.count)) for view in plant.views]
    answers = read_features(plant.yardstick.store, asked, plant.now_s)
    return {view.name: rows.values for (view, _), rows in zip(asked, answers, strict=True)}


@pytest.fixture(scope="module")
def right() -> dict[str, np.ndarray]:
    simulation = simulated()
    run_to(simulation, END_S)
    return yardstick_values(simulation.plant)


@pytest.mark.parametrize(
    ("fault_id", "params"),
    [
        ("feature_pipeline.schema_mismatch", {}),
        ("feature_pipeline.unit_change", {}),
        ("feature_pipeline.duplicate_delivery", {"source": "clicks"}),
        ("feature_pipeline.dropped_partition", {}),
        ("feature_store.materializer_stalls", {}),
    ],
)
def test_the_yardstick_does_not_notice_the_fault(
    fault_id: str, params: dict[str, object], right: dict[str, np.ndarray]
) -> None:
    simulation = simulated(fault_id, params)
    run_to(simulation, END_S)
    for view, values in yardstick_values(simulation.plant).items():
        assert np.array_equal(values, right[view], equal_nan=True), view


def test_wrong_amounts_cost_money() -> None:
    """The same shoppers, the same thieves: only what the fraud model reads is different."""
    lost: list[float] = []
    for fault_id in (None, "feature_pipeline.unit_change"):
        simulation = simulated(fault_id)
        run_to(simulation, END_S)
        lost.append(
            sum(
                float(event.data["by_route"].get("fraud-detection", 0.0))
                for event in simulation.log
                if event.kind == "truth.harm"
            )
        )
    assert lost[1] > lost[0] + 100.0
