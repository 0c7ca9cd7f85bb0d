"""Tables in memory: dense and by hash, their state, and the fast way in and out for matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from reference_platform.errors import CommandError
from reference_platform.features.definitions import Entity
from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.online_store.port import ViewRead
from reference_platform.features.online_store.table import OnlineTable
from reference_platform.features.types import Float32, Int32, Int64, String
from tests.unit.reference_platform.features.online_store.rows import NOW_US, PLACE, rows_of, view_of

CUSTOMER = Entity("customer", value_type=Int32, key_count=6)
DENSE = view_of("dense", {"a": Float32, "b": Float32}, CUSTOMER)
MIXED = view_of("mixed", {"n": Int64, "a": Float32, "t": String}, PLACE)


def write(store: EmbeddedOnlineStore, keys: list[int], matrix: list[list[float]], event_us: int = NOW_US) -> int:
    """Rows of the dense view."""
    times = np.full(len(keys), event_us)
    return store.write_matrix(DENSE, np.array(keys), times, times, np.array(matrix, dtype=np.float32))


def test_a_matrix_goes_in_and_comes_out() -> None:
    store = EmbeddedOnlineStore(None, [DENSE])
    assert write(store, [5, 0, 5], [[1, 2], [3, math.nan], [9, 0]]) == 2
    (answer,) = store.read([ViewRead(DENSE, (np.array([0, 5, 4, -1, 6], dtype=np.int32),))])
    matrix = answer.matrix()
    assert matrix.dtype == np.float32
    assert matrix.flags.c_contiguous
    # Of two rows with equal versions the greater bytes win; those of 1.0 are greater than those of 9.0.
    np.testing.assert_array_equal(matrix[:2], [[3, np.nan], [1, 2]])
    assert np.isnan(matrix[2:]).all()
    assert answer.found.tolist() == [True, True, False, False, False]
    assert answer.nulls is None


def test_nulls_read_as_nan_in_a_matrix() -> None:
    store = EmbeddedOnlineStore(None, [DENSE])
    store.write(DENSE, rows_of(DENSE, [1, 2], [(None, 1.0), (2.0, 3.0)]))
    (answer,) = store.read([ViewRead(DENSE, ([1, 2],))])
    np.testing.assert_array_equal(answer.matrix(), [[np.nan, 1.0], [2.0, 3.0]])
    store.write(DENSE, rows_of(DENSE, [1], [(5.0, 1.0)], NOW_US + 1))
    (answer,) = store.read([ViewRead(DENSE, ([1],))])
    assert answer.row(0) == [5.0, 1.0]


def test_keys_outside_the_declared_range_are_refused_on_writing() -> None:
    store = EmbeddedOnlineStore(None, [DENSE])
    for key in (6, -1):
        with pytest.raises(CommandError, match='row 1: join key "customer" is outside its range'):
            write(store, [1, key], [[1, 2], [3, 4]])
    assert store.rows("dense") == 0


def test_matrices_of_another_shape_and_views_of_other_types_are_refused() -> None:
    store = EmbeddedOnlineStore(None, [DENSE, MIXED])
    with pytest.raises(CommandError, match="a matrix of shape"):
        write(store, [1], [[1, 2, 3]])
    (answer,) = store.read([ViewRead(MIXED, (["a"], ["b"]))])
    with pytest.raises(CommandError, match="view mixed is no matrix"):
        answer.matrix()


@pytest.mark.parametrize("view", [DENSE, MIXED])
def test_state_restores_everything(view: Any) -> None:
    keys: list[Any] = [0, 2, 5] if view is DENSE else [("a", "b"), ("ab", ""), ("", "ab")]
    values: list[Any] = [(1.0, None), (2.0, 3.0), (None, 4.0)]
    if view is MIXED:
        values = [(1, None, "x"), (None, 2.0, None), (3, 3.0, "")]
    store = EmbeddedOnlineStore(None, [view])
    store.write(view, rows_of(view, keys, values, [1, 2, 3], [4, 5, 6], [7, 8, 9]))
    store.advance_watermark(view.name, 77)
    state = store.state()
    copy = EmbeddedOnlineStore(None, [view])
    copy.write(view, rows_of(view, keys[:1], values[:1], NOW_US))
    copy.restore(state)
    assert copy.watermark_us(view.name) == 77
    again = copy.state()
    assert state.keys() == again.keys()
    for name, array in state.items():
        np.testing.assert_array_equal(array, again[name])
        assert array.dtype == again[name].dtype
    # An equal row loses against itself; a greater sequence wins.
    assert copy.write(view, rows_of(view, keys, values, [1, 2, 3], [4, 5, 6], [7, 8, 9])) == 0
    assert copy.write(view, rows_of(view, keys, values, [1, 2, 3], [4, 5, 6], [7, 8, 10])) == 1


def test_state_is_a_copy_and_of_the_declared_shape() -> None:
    store = EmbeddedOnlineStore(None, [DENSE])
    state = store.state()
    assert state["dense.values0"].shape == (6, 2)
    write(store, [0], [[1, 2]])
    assert np.isnan(state["dense.values0"]).all()
    wider = EmbeddedOnlineStore(None, [view_of("dense", {"a": Float32, "b": Float32}, Entity("c", key_count=7))])
    with pytest.raises(ValueError, match="dense has shapes"):
        wider.restore(state)


def test_a_table_by_hash_grows_and_keeps_its_rows() -> None:
    view = view_of("v", {"n": Int64, "t": String})
    table = OnlineTable(view)
    for start in range(0, 1000, 37):
        keys = list(range(start, start + 37))
        table.upsert(rows_of(view, keys, [(key, None if key % 5 == 0 else str(key)) for key in keys]))
    assert len(table) == 1036
    answer = table.gather(table.places([[3, 1035, 5000, 5]]))
    assert [answer.row(index) for index in range(4)] == [[3, "3"], [1035, None], [None, None], [5, None]]
    assert table.stored_keys() == list(range(1036))


def test_what_only_memory_can_do_is_refused_for_a_file(tmp_path: Any) -> None:
    store = EmbeddedOnlineStore(tmp_path / "online.db", [DENSE])
    for attempt in (store.state, lambda: store.restore({}), lambda: store.table("dense")):
        with pytest.raises(CommandError, match="is a file"):
            attempt()
    store.close()
