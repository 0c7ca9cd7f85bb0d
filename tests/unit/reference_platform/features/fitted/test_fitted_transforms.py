"""Fitted transforms: what they learn, what they make of values they never saw, and who may serve them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from reference_platform.errors import CommandError, ContentError
from reference_platform.features.columns import Column
from reference_platform.features.fitted import (
    FittedPipeline,
    FittedScaler,
    Imputer,
    Pipeline,
    QuantileBinner,
    StandardScaler,
    Vocabulary,
    check_fingerprint,
    restored,
)

VALID = np.array([True, True, True, False])
TRAINING = {
    "amount": Column(np.array([1.0, 3.0, np.nan, 9e9]), VALID),
    "rides": Column(np.array([4, 8, 6, 99]), VALID),
    "city": Column(np.array(["Bern", "Genf", "Genf", None], dtype=object), VALID),
}
PIPELINE = Pipeline((
    Imputer(columns=("amount",), strategy="median", indicator=True),
    StandardScaler(columns=("amount",)),
    QuantileBinner(columns=("rides",), bins=2),
    Vocabulary(column="city"),
))  # fmt: skip


def _one(transform: Any, name: str, column: Column, training: dict[str, Column] = TRAINING) -> list[Any]:
    made = transform.fit(training).apply({name: column})[name]
    assert isinstance(made, Column)
    return made.to_list()


def test_a_scaler_learns_from_what_is_there_and_keeps_nulls_and_nan() -> None:
    found = _one(
        StandardScaler(columns=("rides",)), "rides", Column(np.array([6, 8, 0]), np.array([True, True, False]))
    )
    assert found == pytest.approx([0.0, 2.0 / np.sqrt(8 / 3), None])
    assert _one(StandardScaler(columns=("amount",)), "amount", Column(np.array([2.0, 4.0]))) == [0.0, 2.0]
    (nan,) = _one(StandardScaler(columns=("amount",)), "amount", Column(np.array([np.nan])))
    assert np.isnan(nan)


def test_a_column_without_spread_or_values_is_left_at_its_scale() -> None:
    same = {"x": Column(np.full(5, 0.1))}
    assert _one(StandardScaler(columns=("x",)), "x", Column(np.array([0.1, 1.1])), same) == pytest.approx([0.0, 1.0])
    none = {"x": Column(np.zeros(2), np.zeros(2, dtype=np.bool_))}
    assert _one(StandardScaler(columns=("x",)), "x", Column(np.array([3.0])), none) == [3.0]
    assert _one(Imputer(columns=("x",), fill=7.0), "x", none["x"], none) == [7.0, 7.0]
    assert _one(QuantileBinner(columns=("x",)), "x", Column(np.array([3.0])), none) == [0]


def test_bins_hold_equal_shares_and_take_values_beyond_the_training_ones() -> None:
    training = {"x": Column(np.arange(100.0))}
    binner = QuantileBinner(columns=("x",), bins=4)
    assert np.bincount(_one(binner, "x", training["x"], training)).tolist() == [25, 25, 25, 25]
    unseen = Column(np.array([-5.0, 1e9, np.nan, 1.0]), np.array([True, True, True, False]))
    assert _one(binner, "x", unseen, training) == [0, 3, None, None]


@pytest.mark.parametrize(("strategy", "fill"), [("mean", 2.0), ("median", 2.0), ("constant", -1.0)])
def test_an_imputer_fills_null_and_nan_and_says_where(strategy: Any, fill: float) -> None:
    fitted = Imputer(columns=("amount",), strategy=strategy, fill=-1.0, indicator=True).fit(TRAINING)
    found = fitted.apply(TRAINING)
    assert found["amount"].to_list() == [1.0, 3.0, fill, fill]
    assert found["amount_missing"].to_list() == [0, 0, 1, 1]
    assert found["city"] is TRAINING["city"]


def test_a_vocabulary_ranks_by_frequency_and_knows_what_it_does_not_know() -> None:
    asked = Column(np.array(["Bern", "Genf", "Chur", None], dtype=object), VALID)
    assert _one(Vocabulary(column="city"), "city", asked) == [2, 1, 0, None]
    assert _one(Vocabulary(column="city", size_max=1), "city", asked) == [0, 1, 0, None]
    hot = Vocabulary(column="city", one_hot=True).fit(TRAINING).apply({"city": asked})
    assert {name: column.to_list() for name, column in hot.items()} == {
        "city_0": [0, 0, 1, 0], "city_1": [0, 1, 0, 0], "city_2": [1, 0, 0, 0],
    }  # fmt: skip
    assert _one(Vocabulary(column="rides"), "rides", Column(np.array([8, 5]))) == [3, 0]


def test_what_is_restored_is_the_same_transform() -> None:
    fitted = PIPELINE.fit(TRAINING)
    state = fitted.state()
    assert all(array.dtype != object for array in state.values())
    again = restored({name: array.copy() for name, array in state.items()})
    assert again.fingerprint == fitted.fingerprint
    check_fingerprint(fitted.fingerprint, again)
    for name, column in fitted.apply(TRAINING).items():
        assert again.apply(TRAINING)[name].to_list() == column.to_list()
    assert list(fitted.apply(TRAINING)) == ["amount", "rides", "city", "amount_missing"]


def test_serving_refuses_transforms_of_another_version() -> None:
    fitted = PIPELINE.fit(TRAINING)
    other = PIPELINE.fit(TRAINING | {"rides": Column(np.array([4, 8, 7, 1]))})
    with pytest.raises(CommandError, match="not those that the model version was trained with") as caught:
        check_fingerprint(fitted.fingerprint, other)
    assert fitted.fingerprint[:12] in str(caught.value)
    assert other.fingerprint[:12] in str(caught.value)
    with pytest.raises(CommandError, match="is missing"):
        check_fingerprint("", fitted)


def test_the_fingerprint_covers_every_number_column_order_and_kind() -> None:
    scaler = StandardScaler(columns=("amount", "rides")).fit(TRAINING)
    others = [
        replace(scaler, mean=np.nextafter(scaler.mean, 9.0)),
        replace(scaler, scale=scaler.scale[::-1]),
        replace(scaler, columns=("rides", "amount")),
        FittedPipeline((scaler,)),
        FittedPipeline((scaler, scaler)),
        Imputer(columns=("amount", "rides")).fit(TRAINING),
        Vocabulary(column="city").fit(TRAINING),
        Vocabulary(column="city", one_hot=True).fit(TRAINING),
    ]
    assert len({scaler.fingerprint, *(other.fingerprint for other in others)}) == 1 + len(others)
    assert FittedScaler(scaler.columns, scaler.mean.copy(), scaler.scale.copy()).fingerprint == scaler.fingerprint


@pytest.mark.parametrize("damage", ["spec", "0.fill", "1.spec", "3.words.lengths"])
def test_a_damaged_state_is_one_clear_error(damage: str) -> None:
    state = PIPELINE.fit(TRAINING).state()
    del state[damage]
    with pytest.raises(CommandError, match="damaged"):
        restored(state)
    unknown = {"spec": np.frombuffer(b'{"kind": "oracle"}', dtype=np.uint8)}
    with pytest.raises(CommandError, match="oracle"):
        restored(unknown)


def test_misuse_names_the_column() -> None:
    with pytest.raises(CommandError, match='"rides"'):
        StandardScaler(columns=("ride",)).fit(TRAINING)
    with pytest.raises(CommandError, match="holds no numbers"):
        StandardScaler(columns=("city",)).fit(TRAINING)
    with pytest.raises(CommandError, match="holds no words"):
        Vocabulary(column="amount").fit(TRAINING)
    with pytest.raises(ContentError):
        QuantileBinner(columns=("rides",), bins=1)
    with pytest.raises(ContentError, match="no way to fill"):
        Imputer(columns=("rides",), strategy="guess")  # type: ignore[arg-type]
