"""Divergence: finds what moved, keeps quiet about what did not, and says which evidence it has."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from reference_platform.errors import CommandError
from reference_platform.features.columns import Column
from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.skew.distributions import discoveries
from reference_platform.features.skew.divergence import Sides, divergence, served_sides
from reference_platform.features.skew.vector_log import VectorLog
from reference_platform.features.skew.vector_shape import VectorShape
from reference_platform.features.sources import PushSource
from reference_platform.features.types import Array, Bool, Float32, Float64, Int64, String


def numbers(seed: int, rows: int = 5_000, shift: float = 0.0, scale: float = 1.0) -> Column:
    return Column(np.random.default_rng(seed).normal(shift, scale, rows))


def verdict(sides: Sides) -> str:
    return divergence({"x": sides}).features[0].verdict


def test_two_samples_of_one_population_are_ok() -> None:
    assert verdict(Sides(Float64, numbers(1), numbers(2))) == "ok"


@pytest.mark.parametrize(("shift", "scale"), [(1.0, 1.0), (0.0, 3.0), (0.0, 1000.0)])
def test_a_shift_or_another_unit_is_significant(shift: float, scale: float) -> None:
    report = divergence({"x": Sides(Float64, numbers(1), numbers(2, shift=shift, scale=scale))})
    (found,) = report.diverged
    assert found.verdict == "significant"
    assert found.psi > 0.25
    assert found.reasons


def test_a_small_effect_stays_small_however_many_rows_prove_it() -> None:
    report = divergence({"x": Sides(Float64, numbers(1, 300_000), numbers(2, 300_000, shift=0.03))})
    assert report.features[0].p_value < 1e-6
    assert report.features[0].verdict == "ok"


def test_few_rows_are_insufficient_data() -> None:
    assert verdict(Sides(Float64, numbers(1), numbers(2, 100, shift=5))) == "insufficient data"
    assert verdict(Sides(Float64, Column(np.empty(0)), Column(np.empty(0)))) == "insufficient data"


def test_a_flood_of_nulls_is_significant() -> None:
    served = numbers(2)
    valid = np.random.default_rng(3).random(len(served)) > 0.3
    report = divergence({"x": Sides(Float64, numbers(1), Column(served.values, valid))})
    assert report.features[0].verdict == "significant"
    assert any(reason.startswith("null rate") for reason in report.features[0].reasons)
    assert report.features[0].distance < 0.05


def test_all_null_on_one_side_is_significant() -> None:
    nothing = Column(np.zeros(5_000), np.zeros(5_000, np.bool_))
    assert verdict(Sides(Float64, numbers(1), nothing)) == "significant"
    assert verdict(Sides(Float64, nothing, nothing)) == "ok"


def test_values_outside_the_training_range_are_named() -> None:
    served = numbers(2)
    served.values[:300] = 1e6
    report = divergence({"x": Sides(Float64, numbers(1), served)})
    assert report.features[0].out_of_range_ratio >= 0.06
    assert any(reason.startswith("outside training") for reason in report.features[0].reasons)


def texts(values: list[str], rows: int = 4_000, seed: int = 1) -> Column:
    return Column(np.random.default_rng(seed).choice(np.array(values, dtype=object), rows))


def test_categories_move_when_a_new_one_appears() -> None:
    report = divergence({"x": Sides(String, texts(["a", "b", "c"]), texts(["a", "b", "c", "NEW"], seed=2))})
    found = report.features[0]
    assert found.verdict == "significant"
    assert found.driver == "unknown"
    assert found.out_of_range_ratio == pytest.approx(0.25, abs=0.03)
    assert verdict(Sides(String, texts(["a", "b", "c"]), texts(["a", "b", "c"], seed=2))) == "ok"


def test_many_categories_that_are_mostly_new_each_time_are_ok() -> None:
    def keys(seed: int) -> Column:
        drawn = np.random.default_rng(seed).integers(0, 20_000, 5_000)
        return Column(np.array([f"key {number}" for number in drawn.tolist()], dtype=object))

    assert verdict(Sides(String, keys(1), keys(2))) == "ok"


def test_truth_values_and_lists_are_compared() -> None:
    random = np.random.default_rng(1)
    rare, often = Column(random.random(3_000) < 0.1), Column(random.random(3_000) < 0.6)
    assert verdict(Sides(Bool, rare, often)) == "significant"
    short = Column(np.array([[1]] * 1_000 + [[1, 2]] * 1_000 + [None], dtype=object), np.arange(2_001) < 2_000)
    long = Column(np.array([[1, 2, 3]] * 1_000 + [[1, 2]] * 1_001, dtype=object))
    assert verdict(Sides(Array(Int64), short, long)) == "significant"
    assert verdict(Sides(Array(Int64), short, short)) == "ok"


def test_large_whole_numbers_do_not_fall_together() -> None:
    random = np.random.default_rng(1)
    base = 10**15
    left, right = (Column(base + random.integers(0, 1_000, 5_000) + shift) for shift in (0, 400))
    assert verdict(Sides(Int64, left, right)) == "significant"
    assert verdict(Sides(Int64, left, Column(base + random.integers(0, 1_000, 5_000)))) == "ok"


def test_false_discoveries_are_held_down() -> None:
    p_values = np.array([0.001, 0.02, 0.03, 0.04, 0.9])
    assert discoveries(p_values, 0.05).tolist() == [True, True, True, True, False]
    assert not discoveries(np.random.default_rng(1).random(1_000), 0.01).any()
    assert discoveries(np.empty(0), 0.01).tolist() == []


def test_fifty_features_raise_no_alarm_in_thirty_windows_and_nearly_every_fault() -> None:
    """At most one false alarm in 30 windows of 50 features, and at least 95 % of the injected faults found."""
    random = np.random.default_rng(11)
    training = {f"f{n}": Column(random.gamma(1 + n % 5, 2.0, 4_000)) for n in range(50)}
    false_alarms = 0
    for _ in range(30):
        served = {f"f{n}": Column(random.gamma(1 + n % 5, 2.0, 1_000)) for n in range(50)}
        report = divergence({name: Sides(Float64, training[name], served[name]) for name in training})
        false_alarms += len(report.diverged)
    faults = found = 0
    for n in range(50):
        values = random.gamma(1 + n % 5, 2.0, 1_000)
        hidden = random.random(1_000) < 0.1
        for spoiled in (
            Column(values * 1.6),
            Column(values / 1000),
            Column(values, ~hidden),
            Column(np.where(random.random(1_000) < 0.2, 0.0, values)),
        ):
            faults += 1
            found += bool(divergence({"x": Sides(Float64, training[f"f{n}"], spoiled)}).diverged)
    assert false_alarms <= 1
    assert found / faults >= 0.95


def test_what_was_logged_is_compared_with_a_training_set() -> None:
    view = FeatureView(
        name="spend",
        source=PushSource(name="spend"),
        entities=(Entity("user", ("user_id",)),),
        schema=(Field(name="total", dtype=Float32),),
    )
    shape = VectorShape.of((view[["total"]],), service="fraud")
    log = VectorLog()
    for row in range(400):
        log.append(shape, row, [[row]], [], [[float(row % 7)]], [[1 + row % 2]], [[row]])
    log.flush()
    training = pa.table({"total": [float(row % 7) for row in range(400)]})
    report = divergence(served_sides(log, "fraud", training))
    assert report.features[0].verdict == "ok"
    assert report.features[0].statuses == {1: 0.5, 2: 0.5}
    assert "total" in report.to_text()
    assert json.dumps(report.to_json())
    with pytest.raises(CommandError, match="no feature"):
        served_sides(log, "fraud", pa.table({"totale": [1.0]}))
    with pytest.raises(CommandError, match="no vectors"):
        served_sides(log, "ranking", training)
