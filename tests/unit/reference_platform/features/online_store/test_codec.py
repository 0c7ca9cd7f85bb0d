"""Packed rows and keys: exact, ordered, and different for different things."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from reference_platform.errors import CommandError, ConfigError
from reference_platform.features.columns import Column
from reference_platform.features.definitions import Entity, Field
from reference_platform.features.online_store.cells import canonical_cells
from reference_platform.features.online_store.codec import VERSIONS_AT, RowCodec, key_bytes
from reference_platform.features.online_store.inputs import checked_column
from reference_platform.features.online_store.layout import RowLayout
from reference_platform.features.times import FAR_US, NEVER_US
from reference_platform.features.types import (
    Array,
    Bool,
    Bytes,
    FeatureType,
    Float32,
    Float64,
    Int32,
    Int64,
    String,
    UnixTimestamp,
)
from tests.unit.reference_platform.features.online_store.rows import EVERY_TYPE, NOW_US, PLACE, rows_of, view_of

VIEW = view_of("all", EVERY_TYPE)
FULL = (1, 2, 0.5, 0.25, True, "text", b"raw", NOW_US, [1.0, None], ["a", "", None])
NONE = (None,) * len(FULL)


def test_decoding_undoes_encoding_row_by_row() -> None:
    codec = RowCodec(VIEW)
    packed = codec.encode(rows_of(VIEW, [1, 2, 3], [FULL, NONE, FULL], [5, 6, 7]))
    answer = codec.decode([packed[2], None, packed[1], packed[0]])
    assert answer.event_us.tolist() == [7, NEVER_US, 6, 5]
    assert [answer.row(index) for index in range(4)] == [list(FULL), list(NONE), list(NONE), list(FULL)]


@pytest.mark.parametrize("row", [(1, 0.5, None, True), (None,) * 4, (2, None, 7, False)])
def test_one_row_decodes_like_many(row: Any) -> None:
    view = view_of("fixed", {"n": Int64, "x": Float32, "m": Int32, "b": Bool})
    codec = RowCodec(view)
    (packed,) = codec.encode(rows_of(view, [1], [row], -5))
    for rows in ([packed], [None]):
        one, two = codec.decode(rows), codec.decode(rows * 2)
        assert one.row(0) == two.row(0) == (list(row) if rows[0] else [None] * 4)
        assert one.event_us.tolist() * 2 == two.event_us.tolist()
        assert [block.shape for block in one.blocks] == [(1, 1)] * 4
        assert (one.nulls is None) == (two.nulls is None)


def test_bytes_order_like_versions() -> None:
    view = view_of("one", {"x": Int64})
    codec = RowCodec(view)
    numbers = [NEVER_US, -FAR_US, -256, -1, 0, 1, 255, 256, FAR_US]
    versions = list(itertools.product(numbers[1:], numbers, numbers))
    packed = codec.encode(rows_of(view, [1] * len(versions), [(0,)] * len(versions), *zip(*versions, strict=True)))
    assert [row[VERSIONS_AT:] for row in packed] == sorted(row[VERSIONS_AT:] for row in packed)
    created, sequence = codec.decode_versions(packed)
    events = codec.decode(packed).event_us
    assert list(zip(events.tolist(), created.tolist(), sequence.tolist(), strict=True)) == versions


def test_what_stands_under_a_null_changes_no_byte() -> None:
    view = view_of("one", {"x": Float64, "n": Int64})
    rows = rows_of(view, [1, 1], [(None, None), (None, None)])
    rows.values[0].values[:] = [3.0, math.nan]
    rows.values[1].values[:] = [3, 4]
    first, second = RowCodec(view).encode(rows)
    assert first == second


def test_rows_of_another_schema_are_refused() -> None:
    one, two = view_of("v", {"x": Int64}), view_of("v", {"y": Int64})
    (packed,) = RowCodec(one).encode(rows_of(one, [1], [(1,)]))
    for row in (packed, packed[:-1], packed + b"x", b""):
        for rows in ([row], [row, None]):
            with pytest.raises(ConfigError, match="cannot be read"):
                RowCodec(two).decode(rows)
    texts = view_of("t", {"x": String})
    (packed,) = RowCodec(texts).encode(rows_of(texts, [1], [("abc",)]))
    for row in (packed[:-1], packed + b"x"):
        with pytest.raises(ConfigError, match="cannot be read"):
            RowCodec(texts).decode([row])


def test_schemas_differ_by_names_order_types_and_keys() -> None:
    views = [
        view_of("v", {"x": Int64, "y": Int64}),
        view_of("v", {"y": Int64, "x": Int64}),
        view_of("v", {"x": Int64, "y": Int32}),
        view_of("v", {"x": Int64}),
        view_of("v", {"x": Int64}, Entity("driver_id", value_type=String)),
        view_of("v", {"x": Int64}, PLACE),
        view_of("v", {"x": Array(Int64)}),
    ]
    assert len({RowLayout(view).fingerprint for view in views}) == len(views)
    same = view_of("other", {"x": Int64, "y": Int64}, ttl_s=5.0)
    assert RowLayout(same).fingerprint == RowLayout(views[0]).fingerprint


def test_composite_keys_never_collide() -> None:
    view = view_of("v", {"x": Int64}, PLACE)
    pairs = [("1", "23"), ("12", "3"), ("", "123"), ("123", ""), ("1\x00", "23"), (None, "1"), ("1", None)]
    packed = key_bytes(view, list(zip(*pairs, strict=True)))
    assert packed[5:] == [None, None]
    assert len(set(packed)) == 6


def test_integer_keys_are_equal_by_value_whatever_their_width() -> None:
    narrow = view_of("v", {"x": Int64}, Entity("k", value_type=Int32))
    wide = view_of("v", {"x": Int64}, Entity("k", value_type=Int64))
    assert key_bytes(narrow, [np.array([7], dtype=np.int32)]) == key_bytes(wide, [["7"]])


@pytest.mark.parametrize(
    ("kind", "given", "stored"),
    [
        (Array(Float32), [0.1, 1, None, math.inf], [np.float32(0.1).item(), 1.0, None, math.inf]),
        (Array(Float32), np.array([0.5, 2.0]), [0.5, 2.0]),
        (Array(Int32), (1, None, -5), [1, None, -5]),
        (Array(Bool), [True, None, False], [True, None, False]),
        (Array(UnixTimestamp), [datetime(2026, 1, 2, tzinfo=UTC), 0],
         [datetime(2026, 1, 2, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)]),
        (Array(Bytes), [b"", None, b"\x00"], [b"", None, b"\x00"]),
        (Array(String), [None] * 9, [None] * 9),
        (String, np.str_("x"), "x"),
        (Bytes, bytearray(b"ab"), b"ab"),
    ],
)  # fmt: skip
def test_cells_become_plain_python(kind: FeatureType, given: Any, stored: Any) -> None:
    (cell,) = canonical_cells(_cells([given]), kind, "v:x")
    assert cell == stored
    assert type(cell) is type(stored)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (String, b"x"),
        (String, 5),
        (Bytes, "x"),
        (Array(Int32), [1.5]),
        (Array(Int32), [True]),
        (Array(Int32), [2**31]),
        (Array(Float32), ["1"]),
        (Array(Bool), [1]),
        (Array(String), "abc"),
        (Array(String), [1]),
        (Array(Float64), 1.0),
    ],
)
def test_cells_of_another_type_are_refused(kind: FeatureType, given: Any) -> None:
    with pytest.raises(CommandError, match="v:x, row 1"):
        canonical_cells(_cells([None, given], [False, True]), kind, "v:x")


@pytest.mark.parametrize(
    ("kind", "given", "stored"),
    [
        (Int64, [1, None, np.int32(3)], [1, None, 3]),
        (Float64, [1, 0.5, None], [1.0, 0.5, None]),
        (Float32, np.array([1, 2], dtype=np.int16), [1.0, 2.0]),
        (Bool, [True, None], [True, None]),
        (String, ["a", None], ["a", None]),
        (UnixTimestamp, ["1970-01-01T00:00:01Z", 5, datetime(1970, 1, 1), None], [1_000_000, 5, 0, None]),  # noqa: DTZ001
        (Array(Int64), [[1, 2], None], [[1, 2], None]),
    ],
)
def test_request_values_take_their_declared_type(kind: FeatureType, given: Any, stored: list[Any]) -> None:
    assert checked_column(given, Field(name="x", dtype=kind)).to_list() == stored


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (Int32, [1, 2**31]),
        (Int64, [1, 2**63]),
        (Int64, [1, 1.0]),
        (Int64, [1, True]),
        (Float64, [1, "1"]),
        (Bool, [True, 1]),
        (String, ["a", 1]),
        (UnixTimestamp, [0, "yesterday"]),
        (UnixTimestamp, [0, FAR_US + 1]),
        (Array(Int64), [[1], 5]),
    ],
)
def test_request_values_of_another_type_are_refused_with_their_row(kind: FeatureType, given: list[Any]) -> None:
    with pytest.raises(CommandError, match='"x", row 1'):
        checked_column(given, Field(name="x", dtype=kind))


def _cells(values: list[Any], valid: list[bool] | None = None) -> Column:
    cells = np.empty(len(values), dtype=object)
    for index, value in enumerate(values):
        cells[index] = value
    return Column(cells, None if valid is None else np.array(valid))
