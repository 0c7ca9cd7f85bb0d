"""One function, one result: row by row, in batches of any cut, and over a whole history in Arrow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_platform.features.columns import Column, column_to_arrow
from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.on_demand import Mode, OnDemandFeatureView, RequestSource
from reference_platform.features.sources import FileSource
from reference_platform.features.transformations import apply_transformation, run_on_demand
from reference_platform.features.types import Bool, FeatureType, Float32, Float64, Int32, Int64, String, UnixTimestamp

INPUTS: dict[str, FeatureType] = {
    "x": Float64, "y": Float32, "n": Int64, "m": Int32, "flag": Bool, "word": String, "at": UnixTimestamp,
}  # fmt: skip
OUTPUTS: dict[str, FeatureType] = {
    "curved": Float64, "mixed": Float64, "narrow": Float32, "whole": Int64, "both": Bool, "word": String,
    "later": UnixTimestamp, "ratio": Float64,
}  # fmt: skip
ROW = st.tuples(
    st.none() | st.floats(),
    st.none() | st.floats(width=32),
    st.none() | st.integers(-(2**40), 2**40),
    st.none() | st.integers(-100, 100),
    st.none() | st.booleans(),
    st.none() | st.text(max_size=3),
    st.none() | st.integers(-(10**15), 10**15),
)


def _numpy(c: Any) -> Any:
    return {
        "curved": np.log1p(np.abs(c["x"])) * np.sin(c["y"].astype(np.float64)) + np.exp(-np.abs(c["x"])) ** 0.3,
        "mixed": c["x"] * c["n"] + c["m"],
        "narrow": np.tanh(c["y"]),
        "whole": c["n"] * 3 - c["m"],
        "both": c["flag"] & (c["n"] > 0),
        "word": c["word"],
        "later": c["at"] + np.timedelta64(1, "h"),
        "ratio": c["n"] / c["m"],
    }


def _python(c: Any) -> Any:
    def each(code: Callable[..., Any], *names: str) -> list[Any]:
        return [None if None in row else code(*row) for row in zip(*(c[name] for name in names), strict=True)]

    return {
        "curved": each(lambda x, y: x * 2 + y, "x", "y"),
        "mixed": each(lambda x, n, m: x * n + m, "x", "n", "m"),
        "narrow": each(lambda y: y, "y"),
        "whole": each(lambda n, m: n * 3 - m, "n", "m"),
        "both": each(lambda flag, n: flag and n > 0, "flag", "n"),
        "word": each(str.swapcase, "word"),
        "later": each(lambda at: at + timedelta(hours=1), "at"),
        "ratio": each(lambda n, m: n / m if m else None, "n", "m"),
    }


def _pandas(frame: Any) -> Any:
    return {
        "curved": np.log1p(frame["x"].abs()),
        "mixed": frame["x"] * frame["n"] + frame["m"],
        "narrow": frame["y"] + 1,
        "whole": frame["n"] * 3 - frame["m"],
        "both": frame["flag"] & (frame["n"] > 0),
        "word": frame["word"].str.upper(),
        "later": frame["at"] + np.timedelta64(1, "h"),
        "ratio": frame["n"] / frame["m"],
    }


def _schema(kinds: dict[str, FeatureType]) -> tuple[Field, ...]:
    return tuple(Field(name=name, dtype=kind) for name, kind in kinds.items())


def _view(function: Callable[[Any], Any], mode: Mode) -> OnDemandFeatureView:
    request = RequestSource(name="request", schema=_schema(INPUTS))
    return OnDemandFeatureView(
        name="v", sources=(request,), schema=_schema(OUTPUTS), function=function, mode=mode
    )  # fmt: skip


def _columns(rows: list[Any]) -> dict[str, Column]:
    found = {}
    for (name, kind), values in zip(INPUTS.items(), zip(*rows, strict=True), strict=True):
        valid = np.array([value is not None for value in values], dtype=np.bool_)
        filled = [value if value is not None or kind is String else 1 for value in values]
        column = np.fromiter(filled, dtype=kind.numpy_dtype, count=len(filled))
        found[name] = Column(column, None if valid.all() else valid)
    return found


def _shown(columns: tuple[Column, ...]) -> list[str]:
    """Every row, told apart to the bit."""
    return [repr(row) for row in zip(*(column.to_list() for column in columns), strict=True)]


@pytest.mark.parametrize(("mode", "function"), [("numpy", _numpy), ("python", _python), ("pandas", _pandas)])
@settings(max_examples=40, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=40), cut=st.integers(1, 40))
def test_any_cut_of_the_rows_gives_the_same_results(
    mode: Mode, function: Callable[[Any], Any], rows: list[Any], cut: int
) -> None:
    view = _view(function, mode)
    whole = run_on_demand(view, _columns(rows), len(rows))
    assert [column.values.dtype for column in whole] == [kind.numpy_dtype for kind in OUTPUTS.values()]
    for size in (1, cut):
        parts = [rows[start : start + size] for start in range(0, len(rows), size)]
        pieces = [_shown(run_on_demand(view, _columns(part), len(part))) for part in parts]
        assert [row for piece in pieces for row in piece] == _shown(whole)


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=30))
def test_a_transformation_over_arrow_equals_the_same_function_on_request(rows: list[Any]) -> None:
    columns = _columns(rows)
    outputs = {name: kind for name, kind in OUTPUTS.items() if name != "later"}
    history = FeatureView(
        name="v",
        entities=(Entity("k"),),
        source=FileSource(path="a.parquet", timestamp_field="at"),
        schema=_schema(outputs),
        transformation=_numpy,
    )
    keys = pa.array(range(len(rows)), pa.int64())
    table = pa.table({"k": keys, **{name: column_to_arrow(columns[name], kind) for name, kind in INPUTS.items()}})
    found = apply_transformation(history, table)
    assert found.column_names == ["k", "at", *outputs]
    asked = dict(zip(OUTPUTS, run_on_demand(_view(_numpy, "numpy"), columns, len(rows)), strict=True))
    for name, kind in outputs.items():
        assert found.column(name).type == kind.arrow_type()
        assert repr(found.column(name).to_pylist()) == repr(asked[name].to_list())


def test_long_columns_give_the_bits_of_short_ones() -> None:
    """Vector units take long columns in wide steps; the last few rows must come out as all others."""
    stream = np.random.default_rng(3)
    rows = 1003
    columns = _columns([(1.5, 2.5, 3, 4, True, "w", 5)] * rows)
    columns["x"] = Column(stream.normal(size=rows) * 100)
    columns["y"] = Column(stream.normal(size=rows).astype(np.float32))
    view = _view(_numpy, "numpy")
    whole = _shown(run_on_demand(view, columns, rows))
    for start, end in ((0, 1), (1, 4), (5, 12), (998, 1003), (501, 1003)):
        index = np.arange(start, end)
        part = {name: column.take(index) for name, column in columns.items()}
        assert _shown(run_on_demand(view, part, end - start)) == whole[start:end]
