"""The store of an instant that has passed is the copy that was made of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.online_store.port import OnlineStore
from reference_platform.shop.serving import read_features
from simulator.plant import past_reads
from simulator.plant.past_reads import PastReads
from tests.oracle.alike import first_difference
from tests.unit.reference_platform.shop.one_view import one_view

KEYS = 5
VIEWS = (one_view("activity", KEYS, "clicks", "spent", ttl_s=600.0), one_view("risk", KEYS, "share", ttl_s=60.0))


class Clock:
    """Now, in microseconds."""

    def __init__(self) -> None:
        self.us = 0

    def now_us(self) -> int:
        return self.us


def contents(store: OnlineStore) -> object:
    everybody = np.arange(KEYS)
    return [
        (rows.values, rows.event_us, rows.status) for rows in read_features(store, [(v, everybody) for v in VIEWS], 0.0)
    ]


def write(store: EmbeddedOnlineStore, view: int, keys: list[int], event_us: int) -> None:
    declared = VIEWS[view]
    instants = np.full(len(keys), event_us)
    values = np.full((len(keys), declared.width), event_us % 1_000, dtype=np.float32)
    store.write_matrix(declared, np.array(keys, dtype=np.int64), instants, instants, values)


writes = st.lists(
    st.tuples(
        st.integers(0, 3),  # how long after the write before
        st.integers(0, 1),
        st.lists(st.integers(0, KEYS - 1), min_size=1, max_size=4),
        st.integers(0, 30),  # may be older than what is there, and then changes nothing
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(writes=writes, asked=st.lists(st.integers(0, 40), min_size=1, max_size=6))
def test_every_instant_is_as_it_was(writes: list[tuple[int, int, list[int], int]], asked: list[int]) -> None:
    clock, store = Clock(), EmbeddedOnlineStore(views=VIEWS)
    past = PastReads(store, clock.now_us)
    copies = {0: contents(store)}  # what is read at an instant is read before what is written at it
    for wait_us, view, keys, event_us in writes:
        for _ in range(wait_us):
            clock.us += 1
            copies[clock.us] = contents(store)
        write(store, view, keys, event_us)
    now = contents(store)
    for instant_us in asked:
        expected = copies.get(instant_us, now)
        assert first_difference(contents(past.at(instant_us)), expected) is None
    instants = np.array(sorted(asked))
    epochs = past.epochs(instants)
    assert (np.diff(epochs) >= 0).all()
    for one, other in zip(range(len(instants) - 1), range(1, len(instants)), strict=True):
        if epochs[one] == epochs[other]:
            ours, theirs = (contents(past.at(int(instants[each]))) for each in (one, other))
            assert first_difference(ours, theirs) is None


def test_a_write_at_an_instant_comes_after_what_was_read_at_it() -> None:
    clock, store = Clock(), EmbeddedOnlineStore(views=VIEWS)
    past = PastReads(store, clock.now_us)
    clock.us = 100
    write(store, 0, [1], 7)
    assert past.epochs(np.array([99, 100, 101, 500])).tolist() == [0, 0, 1, 1]
    assert np.isnan(contents(past.at(100))[0][0]).all()  # type: ignore[index]
    assert contents(past.at(101))[0][0][1].tolist() == [7.0, 7.0]  # type: ignore[index]
    assert past.at(101) is store, "nothing is copied for what nobody has written over"


def test_reading_the_past_changes_nothing() -> None:
    clock, store = Clock(), EmbeddedOnlineStore(views=VIEWS)
    past = PastReads(store, clock.now_us)
    for step in range(3):
        clock.us += 10
        write(store, 0, [0, 1], step)
    before = contents(store)
    contents(past.at(5))
    assert first_difference(contents(store), before) is None


def test_what_nobody_asks_for_any_more_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_reads, "KEPT_US", 100)
    clock, store = Clock(), EmbeddedOnlineStore(views=VIEWS)
    past = PastReads(store, clock.now_us)
    for step in range(1, 41):
        clock.us = 10 * step
        write(store, 0, [0], step)
    assert [item.t_us for item in past._writes] == list(range(300, 401, 10))
