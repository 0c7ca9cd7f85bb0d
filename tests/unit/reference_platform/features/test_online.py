"""The online store ends in the same state whatever the order and repetition of writes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_platform.features.online import OnlineStore
from tests.unit.reference_platform.features.one_view import one_view

COUNT = 6
VIEW = one_view("seen", COUNT, "a", "b")

Row = tuple[int, int, float, float]
FLOATS = st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.5, float("nan")])
ROWS = st.lists(st.tuples(st.integers(0, COUNT - 1), st.integers(0, 4), FLOATS, FLOATS), max_size=25)


def write(store: OnlineStore, rows: list[Row]) -> int:
    return store.write(
        "seen",
        np.array([row[0] for row in rows], dtype=np.int32),
        np.array([row[1] for row in rows], dtype=np.float64),
        np.array([row[2:] for row in rows], dtype=np.float32).reshape(-1, 2),
    )


def bits(store: OnlineStore) -> dict[str, bytes]:
    return {name: values.tobytes() for name, values in store.state().items()}


@settings(max_examples=150, deadline=None)
@given(rows=ROWS, data=st.data())
def test_any_order_and_repetition_of_writes_gives_the_same_store(rows: list[Row], data: st.DataObject) -> None:
    together = OnlineStore([VIEW])
    write(together, rows)
    repeated = data.draw(st.permutations(rows + data.draw(st.lists(st.sampled_from(rows)) if rows else st.just([]))))
    one_by_one = OnlineStore([VIEW])
    for row in repeated:
        write(one_by_one, [row])
    assert bits(one_by_one) == bits(together)


@settings(max_examples=50, deadline=None)
@given(rows=ROWS)
def test_a_repeated_write_changes_nothing_and_says_so(rows: list[Row]) -> None:
    store = OnlineStore([VIEW])
    write(store, rows)
    before = bits(store)
    assert write(store, rows) == 0
    assert bits(store) == before


def test_a_late_row_never_beats_a_fresh_one() -> None:
    store = OnlineStore([VIEW])
    assert write(store, [(1, 10, 1.0, 1.0)]) == 1
    assert write(store, [(1, 9, 2.0, 2.0)]) == 0
    assert store.read("seen", np.array([1])).values.tolist() == [[1.0, 1.0]]


def test_a_read_keeps_order_and_duplicates_and_marks_what_is_not_there() -> None:
    store = OnlineStore([VIEW])
    write(store, [(1, 10, 1.0, 2.0), (3, 20, 3.0, 4.0)])
    read = store.read("seen", np.array([3, 0, 1, 3, -1, COUNT]))
    assert read.found.tolist() == [True, False, True, True, False, False]
    assert read.values[read.found].tolist() == [[3.0, 4.0], [1.0, 2.0], [3.0, 4.0]]
    assert np.isnan(read.values[~read.found]).all()
    assert np.isneginf(read.event_ts[~read.found]).all()


def test_a_read_is_a_copy() -> None:
    store = OnlineStore([VIEW])
    write(store, [(1, 10, 1.0, 2.0)])
    store.read("seen", np.array([1])).values[:] = 9.0
    assert store.read("seen", np.array([1])).values.tolist() == [[1.0, 2.0]]


def test_freshness_is_the_age_of_a_watermark_that_never_goes_back() -> None:
    store = OnlineStore([VIEW])
    assert store.freshness("seen", 100.0) == np.inf
    store.advance_watermark("seen", 60.0)
    store.advance_watermark("seen", 30.0)
    assert store.freshness("seen", 100.0) == 40.0


def test_state_survives_a_round_trip_and_refuses_another_shape() -> None:
    store = OnlineStore([VIEW])
    write(store, [(1, 10, 1.0, 2.0)])
    store.advance_watermark("seen", 10.0)
    copy = OnlineStore([VIEW])
    copy.restore(store.state())
    assert bits(copy) == bits(store)
    with pytest.raises(ValueError, match="expected"):
        copy.restore({**store.state(), "seen.values": np.zeros((2, 2), dtype=np.float32)})
