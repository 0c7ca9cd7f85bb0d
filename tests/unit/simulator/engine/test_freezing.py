"""Freezing: what is copied, what is shared, and what is refused."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, MethodType
from typing import Any

import numpy as np
import pytest

from reference_platform.monitoring.promql import Prepared, parse
from reference_platform.monitoring.series import Series, SeriesStore
from simulator.engine.drive import VirtualDrive
from simulator.engine.events import Event
from simulator.engine.freezing import Frozen, UnknownNameError, array_at, freeze, shared_at, thaw
from simulator.engine.streams import Streams


def again(thing: Any, **shared: object) -> Any:
    return thaw(freeze(thing, shared), shared)


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def test_plain_things_come_back() -> None:
    thing = {"a": [1, 2.5, None, "x"], "b": ({1, 2}, deque([3], maxlen=5), Counter("aab")), "c": b"\0\1"}
    back = again(thing)
    assert back == thing
    assert back["b"][1].maxlen == 5


def test_the_same_thing_twice_is_the_same_thing_twice() -> None:
    inner = [1]
    back = again([inner, inner])
    back[0].append(2)
    assert back[1] == [1, 2]


def test_an_array_is_copied_when_it_is_frozen_and_each_time_it_is_thawed() -> None:
    array = np.arange(4.0)
    frozen = freeze(array, {})
    array[0] = 9.0
    first, second = thaw(frozen, {}), thaw(frozen, {})
    first[1] = 8.0
    assert second.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert first.flags.writeable


def test_an_array_that_nobody_may_write_to_is_shared() -> None:
    array = read_only(np.arange(4.0))
    frozen = freeze([array, array[1:]], {})
    assert thaw(frozen, {})[0] is array
    assert np.shares_memory(thaw(frozen, {})[1], array)


def test_a_view_that_is_only_closed_for_its_reader_is_no_array_that_nobody_writes_to() -> None:
    array = np.arange(4.0)
    back = again([array, read_only(array[1:])])
    back[0][1] = 7.0
    assert back[1].tolist() == [7.0, 2.0, 3.0]
    assert not np.shares_memory(back[0], array)


@pytest.mark.parametrize(
    "view",
    [
        lambda base: base[1:],
        lambda base: base[::-1],
        lambda base: base.T,
        lambda base: base[1:3, ::2],
        lambda base: base.view(np.int64),
        lambda base: base[2],
    ],
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_on_the_same_memory_are_so_again(view: Any, order: Any) -> None:
    base = np.asarray(np.arange(24.0).reshape(4, 6), order=order)
    part = view(base)
    assert np.shares_memory(base, part)
    back, seen = again([base, part])
    assert seen.tolist() == part.tolist()
    assert seen.strides == part.strides
    back[...] = -1.0
    assert (seen.view(np.float64) == -1.0).all() if seen.flags.c_contiguous else np.shares_memory(back, seen)


def test_equal_arrays_are_kept_once_and_stay_two() -> None:
    one, other = np.arange(1000.0), np.arange(1000.0)
    frozen = freeze([one, other], {})
    assert frozen.nbytes < 1.2 * one.nbytes
    first, second = thaw(frozen, {})
    first[0] = 5.0
    assert second[0] == 0.0


def test_arrays_with_equal_ends_are_not_taken_for_equal() -> None:
    one, other = np.arange(1000.0), np.arange(1000.0)
    other[500] = -1.0
    assert again([one, other])[1][500] == -1.0
    nan = np.full(1000, np.nan)
    assert np.isnan(again([nan, nan.copy()])[1]).all()


def test_records_stay_records() -> None:
    rows = np.zeros(3, np.dtype([("a", "i8"), ("b", "i1")], align=True)).view(np.recarray)
    rows.a = [1, 2, 3]
    back = again(rows)
    assert type(back) is np.recarray
    assert back.a.tolist() == [1, 2, 3]
    assert back.dtype == rows.dtype
    assert back.dtype.isalignedstruct
    assert type(again(rows.copy())) is np.recarray


def test_an_array_of_things_keeps_its_things() -> None:
    with pytest.raises(UnknownNameError):
        again(np.array([{"a": 1}], dtype=object))


def test_generators_go_on_where_they_were() -> None:
    streams = Streams(7)
    streams.get("x").random(5)
    back = again(streams)
    assert back.get("x").random(3).tolist() == streams.get("x").random(3).tolist()
    assert back.get("new").random() == streams.get("new").random()
    gauss = np.random.Generator(np.random.PCG64(1))
    gauss.integers(0, 10, dtype=np.int32)  # leaves half of 64 bits for later
    assert again(gauss).integers(0, 10, 4, dtype=np.int32).tolist() == gauss.integers(0, 10, 4, dtype=np.int32).tolist()


def test_what_is_shared_is_not_copied_and_others_of_its_kind_are() -> None:
    mine, other = Event(1, 2, "a", "b", True, {}), Event(2, 2, "a", "b", True, {})
    back = again([mine, other], mine=mine)
    assert back[0] is mine
    assert back[1] == other
    assert back[1] is not other


def test_methods_proxies_and_locks() -> None:
    series = Series("up", (), 100.0, 10)
    back = again(
        {"append": series.append, "series": series, "proxy": MappingProxyType({"a": 1}), "l": threading.Lock()}
    )
    back["append"](1.0, 2.0)
    assert back["series"].last_value == 2.0
    assert back["proxy"]["a"] == 1
    with pytest.raises(TypeError):
        back["proxy"]["a"] = 2
    assert not back["l"].locked()


@dataclass(frozen=True, slots=True)
class Record:
    a: int
    b: list[int] = field(default_factory=list)


def test_only_what_a_simulation_is_made_of_comes_back() -> None:
    with pytest.raises(UnknownNameError, match="test_freezing"):
        again(Record(1))
    with pytest.raises(UnknownNameError, match=r"builtins\.getattr"):
        again("x".upper)
    with pytest.raises(UnknownNameError, match="a method of Counter"):
        again(MethodType(len, Counter()))
    with pytest.raises(UnknownNameError, match="pathlib"):
        again(Path("x"))


@pytest.mark.parametrize("thing", [lambda: 1, (n for n in range(3)), sys.stdout.buffer])
def test_what_cannot_be_frozen_is_refused(thing: Any) -> None:
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        freeze([thing], {})


class Evil:
    def __reduce__(self) -> Any:
        return os.system, ("touch /tmp/evil",)


class Sly:
    """Reaches for a function of ours that opens files."""

    def __reduce__(self) -> Any:
        from simulator.session.runfile import read_run

        return read_run, ("/etc/passwd",)


@pytest.mark.parametrize("thing", [Evil(), Sly(), os.system, print, eval, getattr, __import__])
def test_nothing_foreign_is_called(thing: Any) -> None:
    frozen = Frozen(pickle.dumps(thing), (), ())
    with pytest.raises(UnknownNameError):
        thaw(frozen, {})


def test_a_way_round_by_dots_is_closed() -> None:
    graph = b"\x80\x04\x8c\x1asimulator.session.prefixes\x8c\x09os.system\x93\x8c\x04true\x85R."
    with pytest.raises((UnknownNameError, AttributeError)):
        thaw(Frozen(graph, (), ()), {})


def test_series_come_back_as_what_they_answer() -> None:
    store = SeriesStore(retention_s=500.0, points_max=40)
    for step in range(300):
        store.append("n", {"a": "x"}, float(step), float(step % 37))
    store.series("n", {"a": "x"}).mark_stale(300.0)
    store.append("n", {"a": "x"}, 301.0, 3.0)
    back = again(store)
    ours, theirs = store.series("n", {"a": "x"}), back.series("n", {"a": "x"})
    for step in range(302, 700):
        for series in (ours, theirs):
            series.append(float(step), float(step % 11))
        since_s = float(step - 60)
        assert theirs.times_s.tolist() == ours.times_s.tolist()
        assert theirs.course(since_s, float(step)) == ours.course(since_s, float(step))
        assert theirs.value_at(since_s + 0.5, 10.0) == ours.value_at(since_s + 0.5, 10.0)


def test_a_prepared_query_is_prepared_again() -> None:
    store = SeriesStore(retention_s=500.0, points_max=40)
    store.append("n", {}, 1.0, 4.0)
    ask = Prepared(parse("n * 2"))
    assert again(ask)(store, 1.0) == ask(store, 1.0)
    assert again(Prepared(parse("3")))(store, 1.0) == Prepared(parse("3"))(store, 1.0)


class Ticker:
    """A part that notes when it was woken."""

    def __init__(self, every_s: float) -> None:
        self.every_s = every_s
        self.woken_s: list[float] = []
        self.due_s = every_s

    def advance(self, now_s: float) -> None:
        self.woken_s.append(-now_s)

    def next_wake_s(self) -> float:
        return self.due_s

    def tick(self, now_s: float) -> None:
        if now_s >= self.due_s:
            self.woken_s.append(now_s)
            self.due_s = now_s + self.every_s


def test_wake_ups_come_in_the_order_and_at_the_times_they_would_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.engine.freezing.OURS", ("simulator", __name__.partition(".")[0]))
    parts = [Ticker(0.1), Ticker(0.3), Ticker(0.7)]
    drive = VirtualDrive(parts, parts[0].advance)
    drive.run(1.0, lambda: True)
    parts[2].due_s = 1.05  # moves earlier: the wake-up planned before is stale from now on
    drive.arm()
    kept = again([drive, parts])
    for each in (drive, kept[0]):
        each.run(5.0, lambda: True)
    assert [part.woken_s for part in kept[1]] == [part.woken_s for part in parts]


@dataclass(frozen=True, slots=True)
class One:
    only: list[int]


@dataclass(frozen=True)
class Loose:
    a: int
    b: int

    def __post_init__(self) -> None:
        assert self.a < 100, "made once, and not by its fields again"


def test_records_of_one_field_and_of_a_will_of_their_own_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.engine.freezing.OURS", (__name__.partition(".")[0],))
    back = again([One([1, 2]), Record(3, [4]), Loose(5, 6)])
    assert back == [One([1, 2]), Record(3, [4]), Loose(5, 6)]


@pytest.mark.parametrize(("stand_in", "of"), [(array_at, 0), (shared_at, "image")])
def test_whoever_opens_it_without_thawing_is_told(stand_in: Any, of: Any) -> None:
    with pytest.raises(UnknownNameError, match=f"{of} is not here: use thaw"):
        stand_in(of)
