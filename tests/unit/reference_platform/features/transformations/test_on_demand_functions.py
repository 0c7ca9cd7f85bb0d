"""Authors' functions: what they see, what they may return, and what is said when they do not keep to it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from reference_platform.errors import CommandError
from reference_platform.features.columns import Column
from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.on_demand import Mode, OnDemandFeatureView, RequestSource
from reference_platform.features.sources import FileSource
from reference_platform.features.transformations import apply_transformation, on_demand_inputs, run_on_demand
from reference_platform.features.types import Array, Bool, FeatureType, Float32, Float64, Int64, String, UnixTimestamp

REQUEST = RequestSource(
    name="request",
    schema=(
        Field(name="x", dtype=Float64),
        Field(name="n", dtype=Int64),
        Field(name="at", dtype=UnixTimestamp),
        Field(name="city", dtype=String),
    ),
)
SECRET = "4111-1111-1111-1111"


def _columns() -> dict[str, Column]:
    valid = np.array([True, False, True])
    city = np.array(["Bern", None, SECRET], dtype=object)
    return {
        "x": Column(np.array([1.5, 77.0, np.nan]), valid),
        "n": Column(np.array([4, 99, 0]), valid),
        "at": Column(np.array([0, 5, 1_700_000_000_000_000]), valid),
        "city": Column(city, valid),
    }


def _view(function: Any, mode: Mode = "numpy", **schema: FeatureType) -> OnDemandFeatureView:
    fields = tuple(Field(name=name, dtype=kind) for name, kind in schema.items())
    return OnDemandFeatureView(name="ride_cost", sources=(REQUEST,), schema=fields, function=function, mode=mode)


def _run(function: Any, mode: Mode = "numpy", **schema: FeatureType) -> list[list[Any]]:
    return [column.to_list() for column in run_on_demand(_view(function, mode, **schema), _columns(), 3)]


def _same(left: list[Any], right: list[Any]) -> bool:
    return all(a == b or (a is not None and b is not None and math.isnan(a) and math.isnan(b))
               for a, b in zip(left, right, strict=True))  # fmt: skip


def test_numpy_mode_keeps_null_apart_from_nan_and_whole_numbers_whole() -> None:
    def code(c: Mapping[str, Any]) -> Mapping[str, Any]:
        return {
            "double": c["x"] * 2,
            "more": c["n"] + 2**60,
            "later": c["at"] + np.timedelta64(1, "us"),
            "town": c["city"],
        }

    double, more, later, town = _run(code, double=Float64, more=Int64, later=UnixTimestamp, town=String)
    assert _same(double, [3.0, None, math.nan])
    assert more == [4 + 2**60, None, 2**60]
    assert later == [1, None, 1_700_000_000_000_001]
    assert town == ["Bern", None, SECRET]


def test_python_mode_shows_none_and_aware_times() -> None:
    def code(c: Mapping[str, Any]) -> Mapping[str, Any]:
        assert c["at"][0] == datetime(1970, 1, 1, tzinfo=UTC)
        return {
            "double": [None if x is None else 2 * x for x in c["x"]],
            "at": c["at"],
            "n": [n and n + 1 for n in c["n"]],
        }

    double, at, n = _run(code, "python", double=Float64, at=UnixTimestamp, n=Int64)
    assert _same(double, [3.0, None, math.nan])
    assert at == [0, None, 1_700_000_000_000_000]
    assert n == [5, None, 0]


def test_pandas_mode_shows_nullable_types() -> None:
    def code(frame: Any) -> Any:
        assert [str(kind) for kind in frame.dtypes] == ["float64", "Int64", "datetime64[us, UTC]", "string"]
        return frame.assign(x=frame["x"] * 2, n=frame["n"] + 1, city=frame["city"].str.upper())

    x, n, at, city = _run(code, "pandas", x=Float64, n=Int64, at=UnixTimestamp, city=String)
    assert _same(x, [3.0, None, math.nan])
    assert n == [5, None, 1]
    assert at == [0, None, 1_700_000_000_000_000]
    assert city == ["BERN", None, SECRET]


def test_inputs_are_shown_read_only() -> None:
    columns = _columns()

    def code(c: Mapping[str, Any]) -> Mapping[str, Any]:
        c["n"][0] = 7
        return {"n": c["n"]}

    with pytest.raises(CommandError, match="ValueError in line"):
        run_on_demand(_view(code, n=Int64), columns, 3)
    assert columns["n"].to_list() == _columns()["n"].to_list()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (lambda c: {"fair": c["x"]}, 'did not return "fare"\n  did you mean "fair"?'),
        (lambda c: {"fare": c["x"][:2]}, "2 values for 3 rows"),
        (lambda c: {"fare": c["city"]}, "is no Int64"),
        (lambda c: {"fare": np.array([0.5, 1.0, 2.0])}, "1 of 3 float64 values do not fit"),
        (lambda c: {"fare": np.array([1.0, np.nan, 2.0**63])}, "1 of 3 float64 values do not fit"),
        (lambda c: {"fare": 3}, "is a int"),
        (lambda c: c["x"], "returned a ndarray"),
        (lambda c: {"fare": c["m"]}, 'reads "m", which is none of its inputs'),
        (lambda c: {"fare": int(c["city"][2])}, "failed with ValueError in line"),
    ],
)
def test_a_broken_function_is_one_clear_error_without_values(code: Any, message: str) -> None:
    with pytest.raises(CommandError) as caught:
        run_on_demand(_view(code, fare=Int64), _columns(), 3)
    assert message in str(caught.value)
    assert "ride_cost" in str(caught.value)
    assert "4111" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_reordered_frames_are_refused() -> None:
    with pytest.raises(CommandError, match="another order"):
        _run(lambda frame: frame.sort_values("n"), "pandas", x=Float64)


def test_missing_and_unequal_inputs_are_refused() -> None:
    view = _view(lambda c: {"x": c["x"]}, x=Float64)
    columns = _columns()
    with pytest.raises(CommandError, match='needs "at"'):
        run_on_demand(view, {name: columns[name] for name in ("x", "n", "city")}, 3)
    with pytest.raises(CommandError, match="3 values for 2 rows"):
        run_on_demand(view, columns, 2)


def test_features_of_two_views_that_share_a_name_are_told_apart() -> None:
    day, week = (
        FeatureView(name=name, source=FileSource(path="a.parquet"), schema=(Field(name="rides", dtype=Int64),))
        for name in ("day", "week")
    )
    view = OnDemandFeatureView(
        name="share",
        sources=(day, week.with_name("past"), REQUEST),
        schema=(Field(name="ratio", dtype=Float64),),
        function=lambda c: {"ratio": c["day__rides"] / c["past__rides"]},
    )
    assert [item.name for item in on_demand_inputs(view)] == ["day__rides", "past__rides", "x", "n", "at", "city"]
    columns = _columns() | {"day__rides": Column(np.array([1, 2, 3])), "past__rides": Column(np.array([2, 2, 0]))}
    (ratio,) = run_on_demand(view, columns, 3)
    assert ratio.to_list() == [0.5, 1.0, None]


def test_no_rows_give_empty_columns_of_the_declared_types() -> None:
    empty = {name: Column(column.values[:0]) for name, column in _columns().items()}
    (x, city) = run_on_demand(_view(lambda c: {}, x=Float32, city=String), empty, 0)
    assert (x.values.dtype, city.values.dtype) == (np.dtype("<f4"), np.dtype(object))


def test_lists_and_flags_come_back_typed() -> None:
    def code(c: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"both": np.stack([c["x"], c["x"]], axis=1), "many": c["n"] > 3, "tags": [["a"], None, ["b", None]]}

    both, many, tags = _run(code, both=Array(Float64), many=Bool, tags=Array(String))
    assert both[0] == [1.5, 1.5]
    assert many == [True, None, False]
    assert tags == [["a"], None, ["b", None]]


def _rides(transformation: Any) -> FeatureView:
    return FeatureView(
        name="rides",
        entities=(Entity("driver"),),
        source=FileSource(path="a.parquet", created_timestamp_column="created"),
        schema=(Field(name="total", dtype=Float64), Field(name="many", dtype=Bool)),
        transformation=transformation,
    )


TABLE = pa.table({
    "driver": pa.array([1, 2, None], pa.int32()),
    "event_timestamp": pa.array([1, 2, 3], pa.timestamp("ms")),
    "created": pa.array([4, None, 6], pa.timestamp("us", tz="UTC")),
    "fare": pa.array([1.0, None, 3.0]),
    "tip": pa.array([1, 2, None], pa.int16()),
})  # fmt: skip


def test_a_transformation_keeps_keys_and_times_and_types_its_features() -> None:
    found = apply_transformation(_rides(lambda c: {"total": c["fare"] + 0.5, "many": c["tip"] > 1}), TABLE)
    assert found.column_names == ["driver", "event_timestamp", "created", "total", "many"]
    assert found.column("driver").equals(TABLE.column("driver"))
    assert found.column("created").equals(TABLE.column("created"))
    assert found.column("total").to_pylist() == [1.5, None, 3.5]
    assert found.column("many").to_pylist() == [False, True, None]
    assert found.schema.field("many").type == pa.bool_()


def test_a_transformation_may_return_keys_and_gets_every_column() -> None:
    def code(c: Mapping[str, Any]) -> Mapping[str, Any]:
        assert list(c) == TABLE.column_names
        return {"driver": c["driver"] + 10, "total": c["fare"], "many": [True, False, None]}

    found = apply_transformation(_rides(code), TABLE)
    assert found.column("driver").to_pylist() == [11, 12, None]
    with pytest.raises(CommandError, match='rides did not return "many"'):
        apply_transformation(_rides(lambda c: {"total": c["fare"]}), TABLE)
    assert apply_transformation(_rides(None), TABLE) is TABLE
    assert apply_transformation(_rides(code), TABLE.slice(0, 0)).column_names[-2:] == ["total", "many"]
